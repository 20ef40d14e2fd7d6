"""Header lists of HTTP/2: every kind of head, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import ScriptError
from pipy_core.events import Event, Head, MessageStart
from pipy_plugins.http.framing import BadMessage, read_fields
from pipy_plugins.http.heads import ResponseHead
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2.heads import (
    Block,
    Request,
    Response,
    declared_length,
    read_request,
    read_response,
    read_trailers,
    write_request,
    write_response,
    write_trailers,
)

GET: Block = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"h:1"), (b":path", b"/p?q")]


def http1(text: bytes) -> Head:
    """The head of a request over HTTP/1."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(text)
    assert isinstance(events[0], MessageStart)
    assert events[0].head is not None
    return events[0].head


def test_a_request() -> None:
    """What scripts see, by value and as JSON, in this order."""
    head = read_request([*GET, (b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
    expected = {
        "protocol": "HTTP/2",
        "headers": {"host": "h:1", "a": "1, 3", "b": "2"},
        "method": "GET",
        "scheme": "https",
        "authority": "h:1",
        "path": "/p?q",
    }
    assert list(json.loads(head.json()).items()) == list(expected.items())
    assert list(head.fields.items()) == list(expected.items())
    head.replace({"path": "/x"})
    assert head.json() == b'{"path":"/x"}'


def test_a_response() -> None:
    """The reason phrase is the usual one."""
    head = read_response([(b":status", b"404"), (b"set-cookie", b"a"), (b"set-cookie", b"b")])
    expected = {"protocol": "HTTP/2", "headers": {"set-cookie": ["a", "b"]}, "status": 404, "statusText": "Not Found"}
    assert json.loads(head.json()) == expected
    assert head.fields == expected
    assert read_response([(b":status", b"599")]).fields["statusText"] == ""


@pytest.mark.parametrize("status", [b"", b"20", b"abc", b"2000", b"101", b"600", b"-20"])
def test_malformed_responses(status: bytes) -> None:
    """They are none."""
    with pytest.raises(BadMessage):
        read_response([(b":status", status)])


@pytest.mark.parametrize(
    ("host", "rest"),
    [([(b"host", b"h:1")], []), ([(b"a", b"1"), (b"host", b"h:1")], [("a", "1")]), ([(b"host", b"h:1"), (b"z", b"")], [("z", "")])],
)
def test_host_and_authority(host: Block, rest: list[tuple[str, str]]) -> None:
    """Both may be there, if they are equal; one is enough."""
    expected = [("host", "h:1"), *rest]
    assert list(read_request([*GET, *host]).fields["headers"].items()) == expected
    assert read_request([*GET[:2], GET[3], *host]).authority == b"h:1"


@pytest.mark.parametrize("other", [b"h:2", b"h:11", b"h", b"H:1"])
def test_host_that_is_another(other: bytes) -> None:
    """It cannot be told whom the client means (RFC 9113, 8.3.1)."""
    with pytest.raises(BadMessage):
        read_request([*GET, (b"host", other)])


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (None, [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/")]),
        (
            Head({"method": "POST", "path": "/a", "headers": {"Host": "h", "X-A": 1, "Connection": "close", "TE": "x"}}),
            [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/a"), (b":authority", b"h"), (b"x-a", b"1")],
        ),
        (
            Head({"scheme": "https", "authority": "a", "headers": {"host": "b", "te": "trailers"}}),
            [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"a"), (b"te", b"trailers")],
        ),
        (Head({"method": "CONNECT", "path": "x:1"}), [(b":method", b"CONNECT"), (b":authority", b"x:1")]),
        (
            http1(b"GET /p HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\n\r\n"),
            [
                (b":method", b"GET"),
                (b":scheme", b"http"),
                (b":path", b"/p"),
                (b":authority", b"h"),
                (b"x-a", b"1"),
                (b"te", b"trailers"),
            ],
        ),
        (
            http1(b"GET https://o:2?q HTTP/1.1\r\nHost: h\r\n\r\n"),
            [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/?q"), (b":authority", b"o:2")],
        ),
        (
            http1(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
            [(b":method", b"OPTIONS"), (b":scheme", b"http"), (b":path", b"*"), (b":authority", b"h")],
        ),
        (
            http1(b"GET http://x?y HTTP/1.1\r\nHost: h\r\n\r\n"),
            [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/?y"), (b":authority", b"x")],
        ),
        (http1(b"CONNECT x:1 HTTP/1.1\r\nHost: h\r\n\r\n"), [(b":method", b"CONNECT"), (b":authority", b"x:1")]),
    ],
)
def test_requests_to_be_sent(head: Head | None, expected: Block) -> None:
    """Pseudo-header fields first; nothing of a connection; Host as authority."""
    assert write_request(head) == expected


@given(st.sampled_from([None, 5]))
def test_requests_that_are_passed_on(length: int | None) -> None:
    """What came over HTTP/2 leaves as it came, but for the length, which filters may have changed."""
    fields = [(b"content-length", b"9"), (b"a", b"1"), (b"te", b"trailers")]
    block = write_request(read_request([*GET, *fields]), length)
    assert dict(block) == {**dict(GET), b"a": b"1", b"te": b"trailers", **({b"content-length": b"5"} if length else {})}
    changed = read_request([*GET, *fields])
    changed.replace(dict(changed.fields))
    assert sorted(write_request(changed, length)) == sorted(block)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (None, [(b":status", b"200")]),
        (
            Head({"status": "404", "headers": {"X": "1", "set-cookie": ["a", "b"]}}),
            [(b":status", b"404"), (b"x", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b")],
        ),
        (
            ResponseHead(200, b"200 OK", 1, read_fields(b"\r\nA: 1\r\nConnection: x\r\nx: 2\r\ncontent-length: 3\r\n\r\n")),
            [(b":status", b"200"), (b"a", b"1")],
        ),
        (Response(200, read_fields(b"\r\na: b:c\r\n\r\n")), [(b":status", b"200"), (b"a", b"b:c")]),
    ],
)
def test_responses_to_be_sent(head: Head | None, expected: Block) -> None:
    """The same; the length is for whoever knows it."""
    assert write_response(head) == (int(expected[0][1]), expected)
    assert write_response(head, 7)[1] == [*expected, (b"content-length", b"7")]


def test_the_length_that_a_head_declares() -> None:
    """It is what HEAD asks for."""
    assert declared_length(ResponseHead(200, b"200 OK", 1, read_fields(b"\r\ncontent-length: 3\r\n\r\n"))) == 3
    assert declared_length(Head({"headers": {"Content-Length": "4"}})) == 4
    assert declared_length(None) is None


@pytest.mark.parametrize(
    "fields",
    [{"method": "A B"}, {"path": "/ x"}, {"headers": {"a b": "1"}}, {"headers": {"a": "b\r\nc: d"}}, {"authority": "a b"}],
)
def test_requests_that_cannot_be_sent(fields: dict[str, Any]) -> None:
    """Nothing that could be taken for something else leaves."""
    with pytest.raises(ScriptError):
        write_request(Head(fields))


def test_trailers() -> None:
    """Some fields are too late there (RFC 9110, 6.5.1)."""
    assert read_trailers([(b"a", b"1"), (b"content-length", b"1")]) == Head({"headers": {"a": "1"}})
    assert read_trailers([]) is None
    assert write_trailers(None) == []
    assert write_trailers(Head({"headers": {"Grpc-Status": 0, "host": "x"}})) == [(b"grpc-status", b"0")]
    for name in (b":status", b"A", b"a b", b""):
        with pytest.raises(BadMessage):
            read_trailers([(name, b"1")])


NAMES = st.binary(min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=12)), max_size=6))
def test_no_field_becomes_another(fields: Block) -> None:
    """Whatever a client sends: refused, or sent on with these names and values only."""
    try:
        head = read_request([*GET, *fields])
    except BadMessage:
        return
    assert head.received is not None
    lines = head.received.forward.split(b"\r\n")[:-1]
    assert {line.partition(b": ")[0] for line in lines} <= {b"host"} | {name for name, _ in fields}
    assert isinstance(read_request(write_request(head)), Request)


@given(st.binary(max_size=12), st.binary(max_size=12), st.binary(max_size=12), st.binary(max_size=12))
def test_no_line_is_forged(method: bytes, scheme: bytes, authority: bytes, path: bytes) -> None:
    """By pseudo-header fields."""
    try:
        head = read_request([(b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", path)])
    except BadMessage:
        return
    assert head.start.count(b" ") == 1
    assert b"\r" not in head.start
    assert b"\n" not in head.start
