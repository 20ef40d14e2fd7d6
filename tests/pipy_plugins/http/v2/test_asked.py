"""What heads say about how to send their requests."""

from typing import Any

import pytest

from pipy_core.events import Event, Head
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2.asked import ends_at_once, is_for_websocket, length_to_say, method_of, secured
from pipy_plugins.http.v2.heads import read_request


def over_http_1(*lines: bytes, method: bytes = b"GET") -> Any:
    """A received head."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(b"\r\n".join((method + b" / HTTP/1.1", b"Host: h", *lines, b"", b"")))
    return events[0].head  # type: ignore[union-attr]


def over_http_2(*fields: tuple[bytes, bytes], method: bytes = b"GET", scheme: bytes = b"https") -> Head:
    """The same."""
    return read_request([(b":method", method), (b":scheme", scheme), (b":authority", b"h"), (b":path", b"/"), *fields])


def changed(head: Head) -> Head:
    """A head that a script has put something else into."""
    head.replace({**head.fields, "method": "PUT"})
    return head


@pytest.mark.parametrize(
    ("head", "method", "ends"),
    [
        (None, "GET", False),
        (Head({}), "GET", False),
        (Head({"method": 5}), "GET", False),
        (Head({"method": "POST"}), "POST", False),
        (over_http_1(), "GET", True),
        (over_http_1(b"Content-Length: 0", method=b"POST"), "POST", True),
        (over_http_1(b"Content-Length: 5", method=b"POST"), "POST", False),
        (over_http_1(b"Transfer-Encoding: chunked"), "GET", False),
        (changed(over_http_1()), "PUT", False),
        (over_http_2(), "GET", False),
    ],
)
def test_method_and_body(head: Head | None, method: str, ends: bool) -> None:
    assert method_of(head) == method
    assert ends_at_once(head) is ends


@pytest.mark.parametrize(
    ("head", "size", "expected"),
    [
        (over_http_1(), 0, None),
        (over_http_1(method=b"POST"), 0, 0),
        (over_http_1(b"Transfer-Encoding: chunked"), 3, 3),
        (None, 0, None),
        (Head({"method": "POST"}), 4, 4),
        (over_http_2(method=b"POST"), 4, None),
        (over_http_2((b"content-length", b"4"), method=b"POST"), 5, 5),
        (changed(over_http_2(method=b"POST")), 4, 4),
    ],
)
def test_length(head: Head | None, size: int, expected: int | None) -> None:
    """A client that did not say it, as in gRPC, need not have it said."""
    assert length_to_say(head, method_of(head), size) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (None, False),
        (Head({"headers": {"upgrade": "websocket"}}), True),
        (Head({"headers": {"Upgrade": "WebSocket", "connection": "Upgrade"}}), True),
        (Head({"headers": {"upgrade": "x", "connection": "upgrade"}}), False),
        (over_http_1(b"Upgrade: websocket"), False),
        (over_http_1(b"Connection: upgrade", b"Upgrade: websocket"), True),
        (over_http_2(), False),
    ],
)
def test_websocket(head: Head | None, expected: bool) -> None:
    assert is_for_websocket(head) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (None, b"https"),
        (Head({}), b"https"),
        (Head({"scheme": "x"}), b"http"),
        (over_http_1(), b"https"),
        (over_http_2(scheme=b"http"), b"http"),
    ],
)
def test_scheme(head: Head | None, expected: bytes) -> None:
    """That of the connection, unless somebody knows better."""
    assert secured([(b":scheme", b"http"), (b"x", b"y")], head) == [(b":scheme", expected), (b"x", b"y")]
