"""The encoder: exact bytes, and that nothing in a head can become another line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import ScriptError
from pipy_core.events import Data, Event, Head, MessageStart
from pipy_core.testing import merged
from pipy_plugins.http.encoder import RequestWriter, ResponseWriter
from pipy_plugins.http.heads import RequestHead, ResponseHead
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.responses import ResponseDecoder


def response(fields: dict[str, Any] | None, *body: bytes, limit: int = 10, **settings: Any) -> bytes:
    """The bytes of a response that a script has made."""
    writer = ResponseWriter(limit)
    for name, value in settings.items():
        setattr(writer, name, value)
    writer.begin(None if fields is None else Head(fields))
    return b"".join(writer.write(piece) for piece in body) + writer.finish()


def request(fields: dict[str, Any] | None, *body: bytes, limit: int = 10) -> bytes:
    """The bytes of a request that a script has made."""
    writer = RequestWriter(limit)
    writer.begin(None if fields is None else Head(fields))
    return b"".join(writer.write(piece) for piece in body) + writer.finish()


KEEP = b"connection: keep-alive\r\n\r\n"
RESPONSES = [
    pytest.param(None, [], {}, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP, id="no-head"),
    pytest.param({}, [b"a", b"b"], {}, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + KEEP + b"ab", id="body"),
    pytest.param(
        {"status": 404},
        [b"0123456789"],
        {},
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n" + KEEP + b"0123456789",
        id="at-limit",
    ),
    pytest.param(
        {},
        [b"0123456789", b"0", b"", b"12"],
        {},
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + KEEP + b"B\r\n01234567890\r\n2\r\n12\r\n0\r\n\r\n",
        id="beyond-limit",
    ),
    pytest.param(
        {
            "headers": {
                "X-B": "b",
                "set-cookie": ["p=1", "q=2"],
                "n": 1.5,
                "m": 2.0,
                "t": True,
                "l": [1, None, "x"],
                "z": None,
                "o": {},
            }
        },
        [],
        {"final": True},
        b"HTTP/1.1 200 OK\r\nX-B: b\r\nset-cookie: p=1\r\nset-cookie: q=2\r\nn: 1.5\r\nm: 2\r\nt: true\r\nl: 1,,x\r\nz: null\r\n"
        b"o: [object Object]\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        id="fields",
    ),
    pytest.param(
        {
            "headers": {
                "Connection": "x",
                "connection": "close, X-Hop",
                "Content-Length": 9,
                "TE": "a",
                "x-hop": "1",
                "keep-alive": "2",
            }
        },
        [],
        {},
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP,
        id="hop-by-hop",
    ),
    pytest.param(
        {"status": "201", "statusText": "Made It"}, [], {}, b"HTTP/1.1 201 Made It\r\ncontent-length: 0\r\n" + KEEP, id="text"
    ),
    pytest.param(
        {"status": 299, "protocol": "HTTP/1.0"}, [], {}, b"HTTP/1.0 299 OK\r\ncontent-length: 0\r\n" + KEEP, id="protocol"
    ),
    pytest.param({"status": 204}, [b"x"], {}, b"HTTP/1.1 204 No Content\r\n" + KEEP, id="204"),
    pytest.param({"status": 304}, [b"x" * 20], {}, b"HTTP/1.1 304 Not Modified\r\n" + KEEP, id="304-with-a-long-body"),
    pytest.param({}, [b"x" * 20, b"y"], {"method": "HEAD"}, b"HTTP/1.1 200 OK\r\ncontent-length: 21\r\n" + KEEP, id="head"),
    pytest.param(
        {"headers": {"content-length": "7"}},
        [],
        {"method": "HEAD"},
        b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n" + KEEP,
        id="head-given",
    ),
    pytest.param({}, [], {"method": "CONNECT"}, b"HTTP/1.1 200 OK\r\n" + KEEP, id="connect"),
    pytest.param(
        {"status": 405},
        [b"x"],
        {"method": "CONNECT"},
        b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 1\r\n" + KEEP + b"x",
        id="no-tunnel",
    ),
    pytest.param(
        {"status": 101, "headers": {"upgrade": "WebSocket", "x": "y"}},
        [],
        {},
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nx: y\r\n\r\n",
        id="101",
    ),
    pytest.param(
        {"headers": {"upgrade": "h2c"}}, [], {}, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP, id="no-upgrade-to-http2"
    ),
    pytest.param(
        {},
        [b"x" * 11, b"y"],
        {"minor": 0},
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nxxxxxxxxxxxy",
        id="1.0-client-gets-no-chunks",
    ),
    pytest.param({"headers": {"x": "\xe9"}}, [], {}, b"HTTP/1.1 200 OK\r\nx: \xe9\r\ncontent-length: 0\r\n" + KEEP, id="latin-1"),
    pytest.param(
        {"headers": {"x": "\u4f60"}},
        [],
        {},
        b"HTTP/1.1 200 OK\r\nx: \xe4\xbd\xa0\r\ncontent-length: 0\r\n" + KEEP,
        id="other-characters",
    ),
    pytest.param({"status": 200.0, "statusText": ""}, [], {}, b"HTTP/1.1 200 \r\ncontent-length: 0\r\n" + KEEP, id="empty-text"),
]


@pytest.mark.parametrize(("fields", "body", "settings", "expected"), RESPONSES)
def test_responses(fields: dict[str, Any] | None, body: list[bytes], settings: dict[str, Any], expected: bytes) -> None:
    """The exact bytes."""
    assert response(fields, *body, **settings) == expected


REQUESTS = [
    pytest.param(None, [], b"GET / HTTP/1.1\r\ncontent-length: 0\r\n" + KEEP, id="no-head"),
    pytest.param(
        {"method": "POST", "path": "/p?q", "headers": {"Host": "h"}},
        [b"abc"],
        b"POST /p?q HTTP/1.1\r\nHost: h\r\ncontent-length: 3\r\n" + KEEP + b"abc",
        id="body",
    ),
    pytest.param(
        {"method": "PUT", "protocol": "HTTP/1.0"},
        [b"x" * 11],
        b"PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n" + KEEP + b"B\r\nxxxxxxxxxxx\r\n0\r\n\r\n",
        id="chunks-are-1.1",
    ),
    pytest.param({"method": "CONNECT", "path": "a:1"}, [], b"CONNECT a:1 HTTP/1.1\r\n" + KEEP, id="connect"),
    pytest.param(
        {"headers": {"upgrade": "websocket"}},
        [],
        b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n",
        id="websocket",
    ),
]


@pytest.mark.parametrize(("fields", "body", "expected"), REQUESTS)
def test_requests(fields: dict[str, Any] | None, body: list[bytes], expected: bytes) -> None:
    """The exact bytes."""
    assert request(fields, *body) == expected


INJECTIONS: list[dict[str, Any]] = [
    {"headers": {"x": "a\r\nset-cookie: evil"}},
    {"headers": {"x": "a\nb"}},
    {"headers": {"x": "a\rb"}},
    {"headers": {"x": "a\0b"}},
    {"headers": {"x": ["a\r\nb"]}},
    {"headers": {"set-cookie": ["a", "b\n"]}},
    {"headers": {"x\r\ny": "a"}},
    {"headers": {"x: y": "a"}},
    {"headers": {"": "a"}},
    {"headers": {"upgrade": "x\r\nx: y", "connection": "upgrade"}},
    {"status": 200, "statusText": "OK\r\nx: y"},
    {"status": 99},
    {"status": "200 OK\r\nx"},
    {"status": "many"},
    {"protocol": "HTTP/1.1 200 OK\r\nx"},
]


@pytest.mark.parametrize("fields", INJECTIONS, ids=str)
def test_nothing_becomes_another_line(fields: dict[str, Any]) -> None:
    """What a script puts into a head may come from a client."""
    with pytest.raises(ScriptError):
        response(fields)


@pytest.mark.parametrize(
    "fields", [{"method": "A B"}, {"method": "G\r\n"}, {"path": "/ HTTP/1.1\r\n"}, {"path": "/a b"}, {"path": ""}], ids=str
)
def test_nothing_becomes_another_request(fields: dict[str, Any]) -> None:
    """As above."""
    with pytest.raises(ScriptError):
        request(fields)


def decoded(wire: bytes) -> RequestHead:
    """The head of a request."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(wire)
    assert isinstance(events[0], MessageStart)
    assert isinstance(events[0].head, RequestHead)
    return events[0].head


def resent(head: Head) -> bytes:
    """A head as it is sent on, without a body."""
    writer = RequestWriter(10)
    writer.begin(head)
    return writer.finish()


WIRE = (
    b"GET /p HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: x\r\n"
    b"Proxy-Connection: x\r\nTrailer: x\r\nX-Hop-Not: \xe9\r\nContent-Length: 0\r\n\r\n"
)


SENT_ON = [
    pytest.param(WIRE, b"host: h\r\nx-hop-not: \xe9\r\n", id="what-was-meant-for-us-is-left-out"),
    pytest.param(b"GET /p HTTP/1.1\r\nHost: h\r\nConnection: Host, close, X\r\n\r\n", b"host: h\r\n", id="host-cannot-be-named"),
    pytest.param(
        b"GET /p HTTP/1.1\r\nHOST:h\r\nX-B:  b \t\r\nCookie: a=1\r\nx-b:\r\nSet-Cookie: p\r\nCOOKIE: b=2\r\nX-b: c:\xa0\r\n"
        b"TE: a\r\nset-cookie: q\r\nTE: b\r\n\r\n",
        b"host: h\r\nx-b: b, , c:\xa0\r\ncookie: a=1; b=2\r\nset-cookie: p\r\nset-cookie: q\r\n",
        id="repeated-fields-are-joined",
    ),
    pytest.param(
        b"GET /p HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX: y\r\n\r\n",
        b"host: h\r\nupgrade: websocket\r\nconnection: upgrade\r\nx: y\r\n",
        id="upgrade",
    ),
    pytest.param(
        b"GET /p HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", b"host: h\r\n", id="upgrade-that-connection-does-not-name"
    ),
    pytest.param(b"GET /p HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", b"host: h\r\n", id="http2"),
    pytest.param(b"GET /p HTTP/1.0\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"host: h\r\n", id="upgrade-of-1.0"),
    pytest.param(b"GET /p HTTP/1.0\r\n\r\n", b"host: \r\n", id="no-fields"),
    pytest.param(
        b"GET /p HTTP/1.1\r\nHost: h\r\nLong: " + b"x" * 4000 + b"\r\n\r\n", b"host: h\r\nlong: " + b"x" * 4000 + b"\r\n", id="long"
    ),
]


@pytest.mark.parametrize(("wire", "fields"), SENT_ON)
def test_received_heads_are_sent_on_in_one_form(wire: bytes, fields: bytes) -> None:
    """Whether or not somebody has looked: names in lower case, our own version and framing."""
    ending = b"content-length: 0\r\n" + (b"\r\n" if b"connection: upgrade" in fields else KEEP)
    for touch in (False, True):
        head = decoded(wire)
        if touch:
            head.replace(head.fields)
        assert resent(head) == b"GET /p HTTP/1.1\r\n" + fields + ending


def received_response(wire: bytes, method: str = "GET") -> ResponseHead:
    """The head of a response."""
    events: list[Event] = []
    ResponseDecoder(events.append, lambda: method, lambda _head: None).feed(wire)
    assert isinstance(events[0], MessageStart)
    assert isinstance(events[0].head, ResponseHead)
    return events[0].head


SENT_BACK = [
    pytest.param(
        "GET", b"1.0 404 Not Found\r\nServer: x\r\n\r\n", b"404 Not Found\r\nserver: x\r\ncontent-length: 0\r\n" + KEEP, id="1.0"
    ),
    pytest.param("HEAD", b"1.1 200\r\nServer: x\r\n\r\n", b"200 \r\nserver: x\r\n" + KEEP, id="head-without-length"),
    pytest.param(
        "HEAD", b"1.1 200 OK\r\nContent-Length: 7\r\n\r\n", b"200 OK\r\ncontent-length: 7\r\n" + KEEP, id="head-with-length"
    ),
    pytest.param(
        "GET",
        b"1.1 426 Upgrade\r\nUpgrade: TLS/1.3\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n",
        b"426 Upgrade\r\ncontent-length: 0\r\n" + KEEP,
        id="upgrade-of-the-server's-connection",
    ),
    pytest.param(
        "GET",
        b"1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\nA:b\r\n\r\n",
        b"101 Go\r\nupgrade: x\r\nconnection: upgrade\r\na: b\r\n\r\n",
        id="101",
    ),
    pytest.param("GET", b"1.1 101 Go\r\nUpgrade: websocket\r\n\r\n", b"101 Go\r\nconnection: upgrade\r\n\r\n", id="101-to-what"),
    pytest.param(
        "GET",
        b"1.1 200 OK\r\nSet-Cookie: a\r\nVia: a\r\nset-cookie: b\r\nVIA: b\r\nContent-Length: 0\r\n\r\n",
        b"200 OK\r\nset-cookie: a\r\nset-cookie: b\r\nvia: a, b\r\ncontent-length: 0\r\n" + KEEP,
        id="repeated-fields",
    ),
]


@pytest.mark.parametrize(("method", "wire", "expected"), SENT_BACK)
def test_received_responses_are_sent_on_in_one_form(method: str, wire: bytes, expected: bytes) -> None:
    """As requests; with the right length, and none where the server did not say one for HEAD."""
    for touch in (False, True):
        head = received_response(b"HTTP/" + wire, method)
        if touch:
            head.replace(head.fields)
        writer = ResponseWriter(10)
        writer.method = method
        writer.begin(head)
        assert writer.finish() == b"HTTP/1.1 " + expected


def test_a_writer_starts_anew_with_each_message() -> None:
    """Nothing of the last one is left."""
    writer = ResponseWriter(3)
    for _ in range(2):
        writer.begin(Head({}))
        assert b"chunked" in writer.write(b"abcd")
        assert writer.finish() == b"0\r\n\r\n"
        writer.begin(Head({"status": 201}))
        assert writer.write(b"ab") == b""
        assert writer.finish().startswith(b"HTTP/1.1 201 Created\r\ncontent-length: 2")


names = st.text("abcXYZ-_09", min_size=1, max_size=8).filter(
    lambda name: name.lower() not in ("te", "host") and name not in ("upgrade", "connection")
)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)


@given(
    st.dictionaries(names.map(str.lower), values, max_size=6),
    st.sampled_from(["GET", "POST", "X-Y"]),
    st.lists(st.binary(max_size=30), max_size=4),
    st.sampled_from([0, 10, 1000]),
)
def test_what_is_encoded_decodes_to_the_same(headers: dict[str, str], method: str, body: list[bytes], limit: int) -> None:
    """A head and a body survive the way over the wire."""
    wire = request({"method": method, "path": "/x", "headers": {"host": "h", **headers}}, *body, limit=limit)
    events: list[Event] = []
    RequestDecoder(events.append).feed(wire)
    start, *rest = merged(events)
    assert isinstance(start, MessageStart)
    assert start.head is not None
    found = {
        name: value for name, value in start.head.get("headers").items() if name not in ("content-length", "transfer-encoding")
    }
    assert found == {"host": "h", **headers, "connection": "keep-alive"}
    assert start.head.get("method") == method
    assert b"".join(event.payload for event in rest if isinstance(event, Data)) == b"".join(body)
    assert len(events) >= 2


lines = st.lists(
    st.tuples(
        st.sampled_from(["A", "a", "B", "Cookie", "cookie", "Set-Cookie", "Connection", "Upgrade", "TE", "Keep-Alive", "X-Hop"]),
        st.sampled_from(["", "x", " y ", "\t", "upgrade", "close, x-hop", "websocket", "h2c", "a:b", "\xa0", "keep-alive"]),
    ),
    max_size=8,
)


@given(lines, st.sampled_from(["1.0", "1.1"]))
def test_looking_at_a_head_changes_nothing(fields: list[tuple[str, str]], version: str) -> None:
    """The bytes that are sent on are the same."""
    text = "".join(f"{name}:{value}\r\n" for name, value in fields)
    wire = f"GET /p HTTP/{version}\r\nHost: h\r\n{text}\r\n".encode("latin-1")
    untouched, touched = decoded(wire), decoded(wire)
    touched.replace(touched.fields)
    assert resent(untouched) == resent(touched)


EVENTS = b"Content-Type: text/event-stream;charset=utf-8\r\n"
URGENT = [
    pytest.param(EVENTS, "GET", True, id="events"),
    pytest.param(b"Content-Type:  TEXT/Event-Stream \r\n", "GET", True, id="other-capitals"),
    pytest.param(EVENTS + b"Content-Length: 9\r\n", "GET", False, id="of-known-length"),
    pytest.param(EVENTS, "HEAD", False, id="no-body"),
    pytest.param(b"Content-Type: text/event-streams\r\n", "GET", False, id="another-type"),
    pytest.param(b"X-Content-Type: text/event-stream\r\n", "GET", False, id="another-field"),
    pytest.param(b"", "GET", False, id="no-type"),
]


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize(("lines", "method", "urgent"), URGENT)
def test_streams_of_events_are_urgent(lines: bytes, method: str, urgent: bool, changed: bool) -> None:
    """Until their head has been sent, whether a script has looked at it or not."""
    heads: list[Event] = []
    ResponseDecoder(heads.append, lambda: method, lambda _: None).feed(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")
    assert isinstance(heads[0], MessageStart)
    head = heads[0].head
    assert head is not None
    if changed:
        head.replace(dict(head.fields))
    writer = ResponseWriter(10)
    assert not writer.is_urgent
    writer.method = method
    writer.begin(head)
    assert writer.is_urgent == urgent
    writer.flush()
    assert not writer.is_urgent


@pytest.mark.parametrize("headers", [None, "x", {}, {"content-type": 1}, {"content-typo": "text/event-stream"}])
def test_what_scripts_write_instead_of_headers_is_not_urgent(headers: Any) -> None:
    writer = ResponseWriter(10)
    writer.begin(Head({"headers": headers}))
    assert not writer.is_urgent
