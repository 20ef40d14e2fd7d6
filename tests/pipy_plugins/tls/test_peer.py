"""What a certificate says, and whom it is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.tls.peer import address_of, describe, is_for, names, words_for
from tests.system.certificates import authority

CA = authority()
ISSUED = CA.issue("common.test", ["one.test", "*.two.test", "*.com", "f*.three.test", "10.0.0.1", "::1"]).certificate
BARE = CA.issue("common.test").certificate


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one.test", True),
        ("One.TEST", True),
        ("one.test.", True),
        ("a.two.test", True),
        ("two.test", False),
        ("a.b.two.test", False),
        (".two.test", False),
        ("*.two.test", True),
        ("example.com", False),
        ("foo.three.test", False),
        ("common.test", False),
        ("10.0.0.1", True),
        ("10.0.0.2", False),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("", False),
        ("test", False),
    ],
)
def test_whom_it_is_for(name, expected):
    assert is_for(ISSUED, name) is expected
    assert not is_for(BARE, name), "the common name does not count"


@given(st.text(max_size=20))
def test_any_name(name):
    assert is_for(ISSUED, name) in (True, False)


def test_what_it_says():
    said = describe(ISSUED, 2, words_for(10))
    assert said["subject"] == "CN=common.test"
    assert said["issuer"] == "CN=test authority"
    assert said["names"] == ["one.test", "*.two.test", "*.com", "f*.three.test", "10.0.0.1", "::1"]
    assert said["notBefore"].endswith("Z")
    assert said["notBefore"] < said["notAfter"]
    assert (said["depth"], said["error"]) == (2, "cert has expired")
    assert len(said["fingerprint"]) == 64
    assert int(said["serialNumber"], 16) == ISSUED.serial_number
    assert describe(BARE, 0, "")["names"] == []


def test_names_are_bounded(monkeypatch):
    monkeypatch.setattr("pipy_plugins.tls.peer.MOST_NAMES", 2)
    assert names(ISSUED) == (["one.test", "*.two.test"], ["10.0.0.1", "::1"])


def test_words():
    assert words_for(0) == ""
    assert words_for(18) == "depth zero self signed cert"
    assert words_for(9999) == "error 9999"


def test_addresses():
    assert str(address_of("::0001")) == "::1"
    assert address_of("one.test") is None
