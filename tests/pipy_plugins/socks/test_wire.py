"""SOCKS on the wire: what may be said, what it means, and that the pieces it comes in do not matter."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import Failure
from pipy_plugins.socks import wire
from pipy_plugins.socks.wire import Denied, Refusal, Request

READERS = [wire.read_methods, wire.read_credentials, wire.read_request, wire.read_request4, wire.read_reply, wire.read_login]
V4 = b"\x04\x01\x00\x50"


def outcome(read, data):
    """What comes of *data*: a value and the size of it, an error, or None for more."""
    try:
        return read(data)
    except Refusal as refusal:
        return ("refused", refusal.reply)
    except Denied as denied:
        return ("denied", denied.failure, str(denied))


@pytest.mark.parametrize(("data", "expected"), [
    pytest.param(b"\x05\x01\x00\x01\x0a\x01\x02\x03\x1f\x90", Request("10.1.2.3", 8080), id="ipv4"),
    pytest.param(b"\x05\x01\x00\x03\x05a.b.c\x00\x50", Request("a.b.c", 80), id="name"),
    pytest.param(b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x01\xbb", Request("[::1]", 443), id="ipv6"),
    pytest.param(b"\x05\x01\x00\x03\x03::1\x00\x50", Request("[::1]", 80), id="ipv6-as-a-name"),
    pytest.param(b"\x05\x01\x77\x03\x02\xc3\xa9\x00\x50", Request("é", 80), id="name-in-utf-8"),
    pytest.param(b"\x05\x01\x00\x03\xff" + b"a" * 255 + b"\x00\x50", Request("a" * 255, 80), id="longest"),
])  # fmt: skip
def test_requests(data, expected):
    assert wire.read_request(data) == (expected, len(data))
    assert wire.read_request(data + b"more") == (expected, len(data))


@pytest.mark.parametrize(("data", "code"), [
    pytest.param(b"\x04", 1, id="another-version"),
    pytest.param(b"\x05\x02\x00\x01", 1, id="bind"),
    pytest.param(b"\x05\x03", 1, id="udp"),
    pytest.param(b"\x05\x01\x00\x02", 8, id="unknown-kind-of-address"),
    pytest.param(b"\x05\x01\x00\x03\x00\x00\x50", 1, id="no-name"),
    pytest.param(b"\x05\x01\x00\x03\x03a\nb\x00\x50", 1, id="line-end-in-a-name"),
    pytest.param(b"\x05\x01\x00\x03\x03a b\x00\x50", 1, id="blank-in-a-name"),
    pytest.param(b"\x05\x01\x00\x03\x04a:80\x00\x50", 1, id="port-in-a-name"),
    pytest.param(b"\x05\x01\x00\x03\x01\xff\x00\x50", 1, id="no-utf-8"),
    pytest.param(b"\x05\x01\x00\x03\x09fe80::1%\n\x00\x50", 1, id="zone-that-is-none"),
])  # fmt: skip
def test_requests_that_are_refused(data, code):
    assert outcome(wire.read_request, data) == ("refused", wire.reply(code))


@pytest.mark.parametrize(("data", "expected"), [
    pytest.param(V4 + b"\x0a\x01\x02\x03joe\0", Request("10.1.2.3", 80, "joe"), id="user"),
    pytest.param(V4 + b"\x0a\x01\x02\x03\0", Request("10.1.2.3", 80), id="no-user"),
    pytest.param(V4 + b"\x00\x00\x00\x01ann\0a.b\0", Request("a.b", 80, "ann"), id="4a"),
    pytest.param(V4 + b"\x00\x00\x00\x00\0", Request("0.0.0.0", 80), id="not-4a"),
    pytest.param(V4 + b"\x00\x00\x00\xff" + b"u" * 255 + b"\0" + b"n" * 255 + b"\0", Request("n" * 255, 80, "u" * 255), id="longest"),
])  # fmt: skip
def test_requests_of_version_4(data, expected):
    assert wire.read_request4(data) == (expected, len(data))
    assert wire.read_request4(data + b"more") == (expected, len(data))


@pytest.mark.parametrize("data", [
    pytest.param(b"\x04\x02", id="bind"),
    pytest.param(V4 + b"\x0a\x01\x02\x03" + b"u" * 256, id="long-user"),
    pytest.param(V4 + b"\x00\x00\x00\x01\0" + b"n" * 256, id="long-name"),
    pytest.param(V4 + b"\x00\x00\x00\x01\0\0", id="no-name"),
])  # fmt: skip
def test_requests_of_version_4_that_are_refused(data):
    assert outcome(wire.read_request4, data) == ("refused", b"\x00\x5b" + bytes(6))


def test_credentials():
    said = wire.credentials_of("joe", "secret")
    assert said == b"\x01\x03joe\x06secret"
    assert wire.read_credentials(said) == (("joe", "secret"), len(said))
    assert wire.read_credentials(b"\x01\x01u\x00") == (("u", ""), 4)
    assert outcome(wire.read_credentials, b"\x05") == ("refused", b"\x01\x01")


@pytest.mark.parametrize(("user", "password"), [("", "p"), ("u" * 256, ""), ("u", "é" * 128)])
def test_credentials_that_cannot_be_said(user, password):
    with pytest.raises(ValueError, match="255 bytes"):
        wire.credentials_of(user, password)


@pytest.mark.parametrize(("host", "expected"), [
    ("10.9.8.7", b"\x01\x0a\x09\x08\x07"),
    ("::1", b"\x04" + bytes(15) + b"\x01"),
    ("a.b", b"\x03\x03a.b"),
    ("bücher.example", b"\x03\x15xn--bcher-kva.example"),
])  # fmt: skip
def test_what_is_asked_of_a_proxy(host, expected):
    assert wire.request_of(host, 80) == b"\x05\x01\x00" + expected + b"\x00\x50"


@pytest.mark.parametrize("host", ["a" * 256, "é" * 100])
def test_what_cannot_be_asked(host):
    with pytest.raises(ValueError, match=r".+"):
        wire.request_of(host, 80)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 7, 8, 99])
def test_refusals_of_a_proxy(code):
    assert outcome(wire.read_reply, wire.reply(code))[:2] == ("denied", Failure.CONNECTION_REFUSED)


@pytest.mark.parametrize("address", [b"\x01" + bytes(4), b"\x03\x04name", b"\x04" + bytes(16)])
def test_a_proxy_may_name_any_address(address):
    answer = b"\x05\x00\x00" + address + b"\x00\x50"
    assert wire.read_reply(answer + b"rest") == (True, len(answer))


@given(st.ip_addresses() | st.from_regex(r"[a-z0-9-]{1,60}(\.[a-z]{1,60}){0,3}", fullmatch=True), st.integers(0, 65535))
def test_what_is_asked_is_understood(host, port):
    asked = wire.request_of(str(host), port)
    shown = f"[{host}]" if isinstance(host, ipaddress.IPv6Address) else str(host)
    assert wire.read_request(asked) == (Request(shown, port), len(asked))


@pytest.mark.parametrize("read", READERS)
@given(data=st.binary(max_size=600) | st.binary(max_size=40).map(lambda tail: b"\x05\x01\x00\x03" + tail))
def test_the_pieces_do_not_matter_and_nothing_is_raised(read, data):
    whole = outcome(read, data)
    bytewise = next((found for size in range(len(data) + 1) if (found := outcome(read, data[:size])) is not None), None)
    assert bytewise == whole
    if whole is None:
        assert len(data) <= 8 + 2 * (wire.MAX_TEXT + 1), "more is held than anything that is waited for"
