"""Connections of the program to its own ports when these are closed."""

import contextlib
import socket

import pytest

from pipy_core.net import inside as module
from pipy_core.net.inside import connect_inside, leads_to
from tests.reactor import PATIENCE


class Listener:
    """One that notes what it is to serve."""

    def __init__(self, *address):
        self.address = address
        self.admitted = []

    def admit(self, *connection):
        self.admitted.append(connection)


@pytest.mark.parametrize(
    ("address", "listening", "does"),
    [
        (("127.0.0.1", 80), ("0.0.0.0", 80), True),
        (("127.0.0.1", 80), ("127.0.0.1", 80), True),
        (("127.0.0.1", 80), ("::", 80), True),
        (("::1", 80), ("::", 80), True),
        (("::1", 80), ("::1", 80), True),
        (("127.0.0.1", 81), ("0.0.0.0", 80), False),
        (("127.0.0.2", 80), ("127.0.0.1", 80), False),
        (("::1", 80), ("0.0.0.0", 80), False),
        (("127.0.0.1", 80), ("::1", 80), False),
    ],
)
def test_who_gets_what(address, listening, does):
    assert leads_to(address, listening) is does


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_two_ends_of_a_connection(reactor, host):
    other, listener = Listener(host, 79), Listener(host, 80)
    ours = connect_inside(reactor, [other, listener], (host, 80))
    reactor.until(lambda: listener.admitted)
    ((theirs, peer, local),) = listener.admitted
    with ours, theirs:
        assert peer == ours.getsockname()
        assert local == (host, 80)
        for each in (ours, theirs):
            assert not each.getblocking()
            assert each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            each.settimeout(PATIENCE)
        for one, another in ((ours, theirs), (theirs, ours)):
            one.sendall(b"hello")
            assert another.recv(100) == b"hello"
    assert other.admitted == []


def test_a_port_of_somebody_else(reactor):
    listener = Listener("127.0.0.1", 80)
    assert connect_inside(reactor, [listener], ("127.0.0.1", 81)) is None
    assert connect_inside(reactor, [], ("127.0.0.1", 80)) is None
    reactor.pass_by()
    assert listener.admitted == []


def test_the_same_port_of_another_machine(reactor):
    listener = Listener("0.0.0.0", 80)
    assert connect_inside(reactor, [listener], ("192.0.2.1", 80)) is None
    reactor.pass_by()
    assert listener.admitted == []


def test_not_more_connections_than_there_may_be(reactor, monkeypatch):
    monkeypatch.setattr(type(reactor.admission), "full", True)
    assert connect_inside(reactor, [Listener("127.0.0.1", 80)], ("127.0.0.1", 80)) is None


def test_a_stranger_who_has_found_the_port_is_sent_away(reactor, monkeypatch):
    real, strangers = socket.create_connection, []

    def hurry(address, patience):
        strangers.append(real(address, patience))
        return real(address, patience)

    monkeypatch.setattr(module.socket, "create_connection", hurry)
    listener = Listener("127.0.0.1", 80)
    ours = connect_inside(reactor, [listener], ("127.0.0.1", 80))
    reactor.until(lambda: listener.admitted)
    ((theirs, peer, _),) = listener.admitted
    with ours, theirs, contextlib.closing(strangers[0]) as stranger:
        assert peer == ours.getsockname()
        assert stranger.recv(1) == b""
