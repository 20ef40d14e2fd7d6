"""Contexts are made once per certificate, as many as there may be; what OpenSSL refuses is told."""

import pytest
from OpenSSL import SSL

from pipy_core.api import ArgumentError, Certificate, CertificateChain, PrivateKey
from pipy_core.testing import logged
from pipy_plugins.tls import contexts
from pipy_plugins.tls.contexts import Contexts, Tickets
from pipy_plugins.tls.settings import Pair, Settings
from tests.system.certificates import authority

CA = authority()


def settings(**changes):
    given = {
        "server": True, "certificate": None, "trusted": (), "verify": None, "alpn": (), "oldest": SSL.TLS1_2_VERSION, "newest": 0,
        "ciphers": "", "timeout": 0.0,
    }  # fmt: skip
    return Settings(**(given | changes))


def pair(name="a"):
    issued = CA.issue(name)
    return Pair(Certificate(issued.certificate), PrivateKey(issued.key))


def test_one_for_each_certificate():
    made = Contexts(settings())
    one, two = pair(), pair()
    assert made.of(one) is made.of(one)
    assert made.of(one) is not made.of(two)
    assert made.of(Pair(one.cert, one.key)) is made.of(one)
    assert made.of(None) is made.usual


def test_those_not_used_for_longest_are_forgotten(monkeypatch):
    monkeypatch.setattr(contexts, "MOST_CONTEXTS", 2)
    made = Contexts(settings())
    one, two, three = pair(), pair(), pair()
    first, second = made.of(one), made.of(two)
    assert made.of(one) is first
    made.of(three)
    assert made.of(one) is first
    assert made.of(two) is not second


def test_what_cannot_be_used_is_logged_once_and_is_no_certificate():
    made = Contexts(settings())
    wrong = Pair(pair().cert, pair().key)
    with logged() as lines:
        assert made.of(wrong) is made.usual
        assert made.of(wrong) is made.usual
    assert len(lines) == 1
    assert lines[0].startswith("[ERR] [tls] certificate cannot be used: ")


@pytest.mark.parametrize(
    "changes", [{"certificate": Pair(pair().cert, pair().key)}, {"ciphers": "nonsense"}], ids=["not-a-pair", "ciphers"]
)
def test_what_cannot_be_used_is_refused_at_the_start(changes):
    with pytest.raises(ArgumentError, match="options cannot be used"):
        Contexts(settings(**changes))


def test_a_chain():
    middle = CA.authority("middle")
    own = middle.issue("own")
    chain = CertificateChain((own.certificate, middle.certificate))
    assert isinstance(Contexts(settings(certificate=Pair(chain, PrivateKey(own.key)))).usual, SSL.Context)


def test_tickets_are_per_context_and_name(monkeypatch):
    monkeypatch.setattr(contexts, "MOST_SESSIONS", 2)
    tickets, one, two = Tickets(), object(), object()
    tickets.keep(one, "a", "session a")
    tickets.keep(two, "a", "other a")
    assert tickets.find(one, "a") == "session a"
    assert tickets.find(two, "a") == "other a"
    assert tickets.find(one, "b") is None
    tickets.keep(one, "b", "session b")
    assert len(tickets) == 2
    assert tickets.find(one, "a") is None, "the oldest is forgotten"
    tickets.forget(one, "b")
    tickets.forget(one, "b")
    assert tickets.find(one, "b") is None
