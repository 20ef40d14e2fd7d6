"""muxHTTP with version 2: stories of requests that share a connection; the test plays the server with a library of its own."""

import gc
import weakref
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, FLUSH, Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.testing import ChildTape, Tape, target
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.client import FIRST_REQUESTS
from pipy_plugins.http.v2.limits import HARD_LIMIT, HIGH_WATER, STREAM_WINDOW
from pipy_plugins.http.v2.noise import MAX_NOISE

Headers = list[tuple[str, str]]


class Server:
    """A server at the end of the first session (or session *number*) of a tape."""

    def __init__(self, tape: Tape, number: int = 0, **settings: int) -> None:
        self.tape = tape
        self.number = number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings({SettingCodes[name]: value for name, value in settings.items()})
        self.events: list[h2.events.Event] = []
        self._seen = 0

    @property
    def child(self) -> ChildTape:
        return self.tape.child("c", self.number)

    def read(self, *kinds: type) -> list[Any]:
        """What has come since the last time, only these kinds if any are given."""
        fed = self.child.fed[self._seen :]
        self._seen += len(fed)
        events = [event for data in fed if isinstance(data, Data) for event in self.h2.receive_data(data.payload)]
        self.events += events
        return [event for event in events if not kinds or isinstance(event, kinds)]

    def requests(self) -> list[dict[str, str]]:
        """The header fields of the requests that have come since the last time."""
        return [dict(event.headers) for event in self.read(h2.events.RequestReceived)]

    def send(self) -> list[Event]:
        """Send what the library has to say; give what comes out of the tape."""
        return self.raw(self.h2.data_to_send())

    def raw(self, data: bytes) -> list[Event]:
        return self.child.reply(Data(data)).events

    def respond(
        self, stream: int, headers: Headers, *body: bytes, trailers: Headers | None = None, end: bool = True
    ) -> list[Event]:
        """Send a response, in one piece."""
        self.read()
        last = end and trailers is None
        self.h2.send_headers(stream, headers, end_stream=last and not body)
        for number, piece in enumerate(body, 1):
            self.h2.send_data(stream, piece, end_stream=last and number == len(body))
        if trailers is not None:
            self.h2.send_headers(stream, trailers, end_stream=True)
        return self.send()


OK: Headers = [(":status", "200")]
EMPTY: list[Event] = []


def tape_of(version: Any = 2, key: Any = "k", **given: Any) -> Tape:
    """One request's stream; others with the same sessions are its ``again()``."""
    return Tape(MuxHTTP, target("c"), key, {"maxIdle": 10, "bufferSize": 10, "version": version, **given})


def start(method: str = "GET", path: str = "/", **headers: str) -> MessageStart:
    """The start of a request that a script has made."""
    return MessageStart(Head({"method": method, "path": path, "headers": {"host": "h", **headers}}))


def received(text: bytes) -> list[Event]:
    """The events of a request from a client of HTTP/1."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(text)
    return events


def shown(events: list[Event]) -> list[object]:
    """Statuses of heads, bytes, ``END`` or the trailers, failures."""
    result: list[object] = []
    for event in events:
        if isinstance(event, MessageStart):
            result.append(event.head.get("status") if event.head else None)
        elif isinstance(event, Data):
            result.append(event.payload)
        elif isinstance(event, MessageEnd):
            result.append("END" if event.tail is None else event.tail.get("headers"))
        else:
            result.append(event.error)
    return result


def ask(tape: Tape, *body: bytes, method: str = "GET", path: str = "/") -> None:
    """Play a whole request."""
    assert tape.play(start(method, path), *map(Data, body), END).events == []


def begun(**settings: int) -> tuple[Tape, Server]:
    """A session with one request on it, and its server, whose settings have come."""
    tape = tape_of()
    ask(tape)
    server = Server(tape, **settings)
    server.read()
    assert server.send() == []
    return tape, server


# -- one exchange -----------------------------------------------------------------------------------------------------


def test_one_exchange() -> None:
    """The request becomes a stream, the response comes back decoded."""
    tape = tape_of()
    assert tape.play(start("POST", "/p?q", accept="*/*"), Data(b"abc"), END).events == []
    assert len(tape.child("c").fed) == 1  # one write
    server = Server(tape)
    request, data, end = server.read(h2.events.RequestReceived, h2.events.DataReceived, h2.events.StreamEnded)
    assert dict(request.headers) == {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/p?q",
        ":authority": "h",
        "accept": "*/*",
        "content-length": "3",
    }
    assert data.data == b"abc"
    assert end.stream_id == 1
    events = server.respond(1, [(":status", "201"), ("x-a", "1"), ("content-length", "2")], b"ok")
    assert shown(events) == [201, b"ok", "END"]
    head = events[0].head
    assert head.get("headers") == {"x-a": "1", "content-length": "2"}
    assert tape.play(start(), Data(b"x"), END, EOS).events == []  # one message a stream
    assert server.requests() == []


def test_context_is_a_copy_of_the_first_users() -> None:
    """As over HTTP/1."""
    tape = Tape(MuxHTTP, target("c"), "k", {"maxIdle": 10, "bufferSize": 10, "version": 2}, variables={"x": 1})
    ask(tape)
    ask(tape.again({"x": 2}))
    assert len(tape.children("c")) == 1
    assert tape.child("c").variables == {"x": 1}
    assert not tape.child("c").shares_context


@pytest.mark.parametrize(
    ("text", "fields", "streamed"),
    [
        (
            b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: x-b\r\nX-B: 1\r\nX-A: 2\r\nTE: trailers\r\n\r\n",
            {"x-a": "2", "te": "trailers"},
            False,
        ),
        (b"POST /a HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\nKeep-Alive: 5\r\n\r\nabc", {"content-length": "3"}, False),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", {"content-length": "3"}, False),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", {}, True),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", {"content-length": "0"}, False),
        (b"GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n", {":authority": "other"}, False),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nCookie: a\r\nCookie: b\r\n\r\n", {"cookie": "a; b"}, False),
        (
            b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n",
            {},
            False,
        ),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: TLS/1.3\r\n\r\n", {}, False),
    ],
)
def test_requests_of_http_1(text: bytes, fields: dict[str, str], streamed: bool) -> None:
    """What is about the connection stays behind; a length is said where it is known."""
    tape = tape_of()
    tape.play(*received(text)).expect()
    if streamed:
        tape.advance(0).expect()
    server = Server(tape)
    (headers,) = server.requests()
    expected = {":method": text.split()[0].decode(), ":scheme": "http", ":path": "/a", ":authority": "h"}
    assert headers == {**expected, **fields}
    assert isinstance(server.events[-1], h2.events.StreamEnded) is not streamed


def test_a_websocket_is_refused() -> None:
    """It would need RFC 8441; the server is not asked."""
    for head in (
        received(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
        [start(upgrade="websocket"), END],
    ):
        tape = tape_of()
        assert shown(tape.play(*head).events) == [501, "END"]
        assert tape.child("c").fed == []
        assert not tape.pipeline.busy()


def test_a_head_waits_for_the_end_of_its_turn_only() -> None:
    """A body that is not there yet must not hold up the head."""
    tape = tape_of()
    tape.play(start("POST", "/")).expect()
    assert tape.child("c").fed == []
    tape.advance(0).expect()
    server = Server(tape)
    assert [headers.get("content-length", "none") for headers in server.requests()] == ["none"]
    tape.play(Data(b"a"), FLUSH).expect()
    assert [event.data for event in server.read(h2.events.DataReceived)] == [b"a"]
    assert shown(server.respond(1, OK, b"one", end=False)) == [200, b"one"]
    tape.play(Data(b"b")).expect()
    assert [event.data for event in server.read(h2.events.DataReceived)] == [b"b"]
    server.h2.send_data(1, b"two", end_stream=True)
    tape.play(MessageEnd(Head({"headers": {"x-sum": "1"}}))).expect()
    (trailers,) = server.read(h2.events.TrailersReceived)
    assert trailers.headers == [("x-sum", "1")]
    assert shown(server.send()) == [b"two", "END"]


def test_streams_do_not_wait_for_each_other() -> None:
    """Responses come in any order, in pieces."""
    one = tape_of()
    two = one.again()
    ask(one, path="/1")
    ask(two, path="/2")
    server = Server(one)
    assert [headers[":path"] for headers in server.requests()] == ["/1", "/2"]
    server.respond(3, OK, b"a", end=False)
    server.respond(1, OK, b"b")
    assert shown(one.play().events) == []
    server.h2.send_data(3, b"c", end_stream=True)
    server.send()


def test_whose_response_it_is() -> None:
    """Each stream gets its own."""
    one = tape_of()
    two = one.again()
    ask(one)
    ask(two)
    server = Server(one)
    server.read()
    server.h2.send_headers(3, OK, end_stream=True)
    assert server.send() == []
    assert shown(two.play().events) == [200, "END"]


def test_interim_responses_and_trailers() -> None:
    """They are passed on; a response may have nothing but trailers behind its head."""
    tape = tape_of()
    events = received(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
    interims: list[int] = []

    class Client:
        def interim(self, head: Any) -> None:
            interims.append(head.status)

    events[0].head.relay = Client()
    tape.play(*events).expect()
    server = Server(tape)
    server.read()
    server.h2.send_headers(1, [(":status", "103"), ("link", "x")])
    assert server.send() == []
    assert interims == [103]
    assert shown(server.respond(1, OK, trailers=[("grpc-status", "5")])) == [200, {"grpc-status": "5"}]


@pytest.mark.parametrize(
    ("method", "headers", "body", "expected"),
    [
        ("HEAD", [(":status", "200"), ("content-length", "9")], [], [200, "END"]),
        ("GET", [(":status", "304"), ("content-length", "9")], [], [304, "END"]),
        ("GET", [(":status", "204")], [], [204, "END"]),
        ("GET", [(":status", "200"), ("content-length", "2")], [b"o", b"k"], [200, b"o", b"k", "END"]),
    ],
)
def test_lengths(method: str, headers: Headers, body: list[bytes], expected: list[object]) -> None:
    """What is announced is not always sent."""
    tape = tape_of()
    ask(tape, method=method)
    assert shown(Server(tape).respond(1, headers, *body)) == expected


# -- what servers get wrong -----------------------------------------------------------------------------------------------


def fields(*pairs: tuple[bytes, bytes], number: int = 1, end: bool = False) -> bytes:
    """HEADERS made by hand: literals that are not remembered."""
    block = b"".join(b"\0%c%b%c%b" % (len(name), name, len(value), value) for name, value in pairs)
    return wire.header_frames(number, block, end, 16384)


STATUS = (b":status", b"200")


def broken_stream(data: bytes, code: ErrorCodes = ErrorCodes.PROTOCOL_ERROR) -> list[object]:
    """What a request gets to see if the server answers with *data*; another one on the same connection lives on."""
    one, server = begun()
    two = one.again()
    ask(two)
    result = shown(server.raw(data))
    (reset,) = server.read(h2.events.StreamReset)
    assert (reset.stream_id, reset.error_code) == (1, code)
    server.respond(3, OK)
    assert shown(two.play().events) == [200, "END"]
    return result


@pytest.mark.parametrize(
    "data",
    [
        fields((b"x-a", b"1")),
        fields((b":status", b"20")),
        fields((b":status", b"101")),
        fields(STATUS, STATUS),
        fields((b"x-a", b"1"), STATUS),
        fields(STATUS, (b":path", b"/")),
        fields(STATUS, (b"X-A", b"1")),
        fields(STATUS, (b"x-a", b"1\r\nb: c")),
        fields(STATUS, (b"x-a", b" 1")),
        fields(STATUS, (b"connection", b"close")),
        fields(STATUS, (b"transfer-encoding", b"chunked")),
        fields(STATUS, (b"content-length", b"x")),
        fields(STATUS, (b"content-length", b"1"), (b"content-length", b"2")),
        fields(STATUS, (b"content-length", b"1"), end=True),
        fields((b":status", b"100"), end=True),
        fields((b":status", b"100")) * 200,
        wire.frame(wire.DATA, 0, 1, b"x"),
        wire.frame(wire.DATA, wire.END_STREAM, 1),
        wire.window_update(1, 0),
    ],
)
def test_malformed_responses(data: bytes) -> None:
    """They are not passed on (RFC 9113, 8.1.1)."""
    assert broken_stream(data) == [502, Failure.PROTOCOL_ERROR]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (fields(STATUS) + fields((b"x-a", b"1")), [200]),
        (fields(STATUS) + fields((b":status", b"200"), end=True), [200]),
        (fields(STATUS, (b"content-length", b"1")) + wire.frame(wire.DATA, 0, 1, b"xy"), [200]),
        (fields(STATUS, (b"content-length", b"2")) + wire.frame(wire.DATA, wire.END_STREAM, 1, b"x"), [200]),
        (fields(STATUS, (b"content-length", b"2")) + fields((b"x-a", b"1"), end=True), [200]),
    ],
)
def test_bodies_that_are_wrong(data: bytes, expected: list[object]) -> None:
    """What was given out already is followed by the error."""
    assert broken_stream(data) == [*expected, Failure.PROTOCOL_ERROR]


def test_more_than_the_window() -> None:
    """Of one stream."""
    data = fields(STATUS) + wire.frame(wire.DATA, 0, 1, b"x" * 16384) * (STREAM_WINDOW // 16384)
    one, server = begun()
    valves = full_client(one)
    events = server.raw(data)
    assert len(events) == 1 + STREAM_WINDOW // 16384
    assert shown(server.raw(wire.frame(wire.DATA, 0, 1, b"x"))) == [Failure.PROTOCOL_ERROR]
    (reset,) = server.read(h2.events.StreamReset)
    assert reset.error_code == ErrorCodes.FLOW_CONTROL_ERROR
    assert valves


def full_client(tape: Tape) -> list[Any]:
    """The client behind *tape* does not take anything: what is emitted closes a valve. Gives the valves."""
    valve = tape.pipeline.new_valve()
    emit = tape.pipeline._filters[0].emit

    def press(event: Event) -> None:
        emit(event)
        if isinstance(event, Data):
            valve.close()
            tape.pipeline.hold(valve)

    tape.pipeline._filters[0].emit = press
    return [valve]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wire.frame(wire.PING, 0, 0, b"12345678"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.SETTINGS, wire.ACK, 0), ErrorCodes.PROTOCOL_ERROR),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorCodes.FRAME_SIZE_ERROR),
        (b"SSH-2.0-OpenSSH", ErrorCodes.FRAME_SIZE_ERROR),
    ],
)
def test_servers_that_do_not_speak_it(data: bytes, code: ErrorCodes) -> None:
    """Their first frame is not SETTINGS."""
    tape = tape_of()
    ask(tape)
    server = Server(tape)
    server.read()
    assert shown(server.raw(data)) == [502, Failure.PROTOCOL_ERROR]
    assert goodbye(server) == code


def goodbye(server: Server) -> int:
    """The error code that the session ended with."""
    (end,) = server.read(h2.events.ConnectionTerminated)
    assert server.child.fed[-1] == EOS
    return int(end.error_code)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wire.frame(wire.DATA, 0, 5, b"x"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.DATA, 0, 2, b"x"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.DATA, 0, 0, b"x"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.DATA, wire.PADDED, 1, b""), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.DATA, wire.PADDED, 1, b"\x05abc"), ErrorCodes.PROTOCOL_ERROR),
        (fields(STATUS, number=5), ErrorCodes.PROTOCOL_ERROR),
        (fields(STATUS, number=0), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.HEADERS, wire.END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"), ErrorCodes.COMPRESSION_ERROR),
        (wire.frame(wire.HEADERS, 0, 1, b"\x88") + wire.frame(wire.DATA, 0, 1), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.HEADERS, 0, 1, b"\x88") + wire.frame(wire.CONTINUATION, 0, 3), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.HEADERS, 0, 1) + wire.frame(wire.CONTINUATION, 0, 1) * 100, ErrorCodes.ENHANCE_YOUR_CALM),
        (wire.frame(wire.HEADERS, 0, 1) + wire.frame(wire.CONTINUATION, 0, 1, b"x" * 16384) * 9, ErrorCodes.ENHANCE_YOUR_CALM),
        (wire.frame(wire.CONTINUATION, wire.END_HEADERS, 1, b"\x88"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(5, wire.END_HEADERS, 1, b"\0\0\0\x02\x88"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(2, 0, 0, b"12345"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(2, 0, 1, b"1234"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.rst_stream(5, 0), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.RST_STREAM, 0, 1, b"123"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.SETTINGS, 0, 1), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.SETTINGS, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.SETTINGS, wire.ACK, 0, b"123456"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.settings({wire.PUSH_SETTING: 1}), ErrorCodes.PROTOCOL_ERROR),
        (wire.settings({wire.PUSH_SETTING: 2}), ErrorCodes.PROTOCOL_ERROR),
        (wire.settings({wire.WINDOW_SETTING: 2**31}), ErrorCodes.FLOW_CONTROL_ERROR),
        (wire.settings({wire.FRAME_SETTING: 100}), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.PING, 0, 1, b"12345678"), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.PING, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.GOAWAY, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.GOAWAY, 0, 1, b"12345678"), ErrorCodes.PROTOCOL_ERROR),
        (wire.goaway(1, 0) + wire.goaway(3, 0), ErrorCodes.PROTOCOL_ERROR),
        (wire.window_update(0, 0), ErrorCodes.PROTOCOL_ERROR),
        (wire.window_update(0, 2**31 - 1), ErrorCodes.FLOW_CONTROL_ERROR),
        (wire.window_update(5, 1), ErrorCodes.PROTOCOL_ERROR),
        (wire.frame(wire.WINDOW_UPDATE, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", ErrorCodes.FRAME_SIZE_ERROR),
        (wire.frame(wire.PING, 0, 0, b"12345678") * (2 * MAX_NOISE + 2), ErrorCodes.ENHANCE_YOUR_CALM),
        (wire.settings({}) * (2 * MAX_NOISE + 2), ErrorCodes.ENHANCE_YOUR_CALM),
        (wire.frame(99, 0, 0) * (2 * MAX_NOISE + 2), ErrorCodes.ENHANCE_YOUR_CALM),
        (fields(STATUS) + wire.frame(wire.DATA, 0, 1) * (2 * MAX_NOISE + 2), ErrorCodes.ENHANCE_YOUR_CALM),
    ],
)
def test_broken_connections(data: bytes, code: ErrorCodes) -> None:
    """Every request on it gets an error; the server is told why."""
    one, server = begun()
    two = one.again()
    ask(two)
    events = shown(server.raw(data))
    assert events[-1] is Failure.PROTOCOL_ERROR
    assert shown(two.play().events) == [502, Failure.PROTOCOL_ERROR]
    assert goodbye(server) == code
    three = one.again()
    ask(three)
    assert len(one.children("c")) == 2


def test_keepalive_is_no_flood() -> None:
    """Many pings are too many only if they come in a short time."""
    tape, server = begun()
    for _ in range(4):
        assert server.raw(wire.frame(wire.PING, 0, 0, b"12345678") * (MAX_NOISE - 10)) == []
        tape.advance(12).expect()
    assert shown(server.respond(1, OK)) == [200, "END"]
    answers = server.read(h2.events.PingReceived)
    assert answers == []


def test_what_must_be_ignored() -> None:
    """Frames that nobody knows, priorities, flags, padding."""
    _, server = begun()
    data = wire.frame(77, 255, 1, b"abc") + wire.frame(2, 0, 1, b"12345") + wire.settings({99: 1})
    data += wire.frame(wire.HEADERS, wire.END_HEADERS | wire.PADDED | wire.WITH_PRIORITY, 1, b"\x02\0\0\0\0\x10\x88\0\0")
    data += wire.frame(wire.DATA, wire.PADDED | wire.END_STREAM, 1, b"\x03ok\0\0\0")
    assert shown(server.raw(data)) == [200, b"ok", "END"]
    assert server.raw(wire.frame(wire.DATA, 0, 1, b"late") + wire.rst_stream(1, 0) + wire.window_update(1, 9)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_in_pieces(size: int) -> None:
    """It does not matter in what pieces it comes."""
    _, server = begun()
    data = fields(STATUS, (b"x-a", b"1" * 100)) + wire.frame(wire.DATA, 0, 1, b"body") + fields((b"x-t", b"1"), end=True)
    events: list[Event] = []
    for position in range(0, len(data), size):
        events += server.raw(data[position : position + size])
    assert shown(events) == [200, b"body", {"x-t": "1"}]


# -- windows ------------------------------------------------------------------------------------------------------------


def test_an_upload_waits_for_windows() -> None:
    """What the server does not take holds the client back, and goes on when there is room."""
    tape, server = begun(INITIAL_WINDOW_SIZE=1000)
    upload = tape.again()
    upload.play(start("POST", "/")).expect()
    upload.advance(0).expect()
    assert [headers[":method"] for headers in server.requests()] == ["POST"]
    upload.play(Data(b"x" * 3000)).expect()
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 1000
    assert not upload.held
    upload.play(Data(b"x" * HIGH_WATER)).expect()
    assert upload.held
    upload.play(END).expect()
    valve = upload.world.valves[0] if upload.world.valves else None
    received = 1000
    while received < 3000 + HIGH_WATER:
        server.h2.increment_flow_control_window(20000, 3)
        server.h2.increment_flow_control_window(20000)
        server.send()
        received += sum(len(event.data) for event in server.read(h2.events.DataReceived))
    assert received == 3000 + HIGH_WATER
    assert isinstance(server.events[-1], h2.events.StreamEnded)
    assert valve is None or not valve.closed
    server.respond(3, OK)
    assert shown(upload.play().events) == [200, "END"]


def test_settings_shrink_windows() -> None:
    """Below zero, even; then they have to grow first (RFC 9113, 6.9.2)."""
    tape = tape_of()
    ask(tape, b"x" * 10000, method="POST")
    server = Server(tape, INITIAL_WINDOW_SIZE=5000)
    server.read()
    server.send()
    two = tape.again()
    ask(two, b"y" * 6000, method="POST")
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 5000
    server.h2.increment_flow_control_window(1000, 3)
    server.send()
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 1000
    assert isinstance(server.events[-1], h2.events.StreamEnded)


def test_a_slow_client_holds_up_only_itself() -> None:
    """Its stream's window is not opened again before it takes what there is; the connection's is."""
    one, server = begun()
    two = one.again()
    ask(two)
    server.read()
    (valve,) = full_client(one)
    server.respond(1, OK, end=False)
    for _ in range(STREAM_WINDOW // 16384):
        server.h2.send_data(1, b"x" * 16384)
        server.send()
        server.read()
    assert not one.held
    assert server.h2.local_flow_control_window(1) == 0
    server.respond(3, OK, b"y" * 16384)
    assert len(two.play().events) == 3
    valve.open()
    one.advance(0).expect()
    server.read()
    assert server.h2.local_flow_control_window(1) == STREAM_WINDOW


def test_a_download_is_acknowledged() -> None:
    """A client that takes everything gets more than the windows hold."""
    _, server = begun()
    server.respond(1, OK, end=False)
    total = 0
    while total < 3 * 1024 * 1024:
        server.h2.send_data(1, b"x" * 16384)
        total += sum(len(event.payload) for event in server.send() if isinstance(event, Data))
        server.read()


def test_a_connection_that_is_full_gets_no_bodies() -> None:
    """They wait in their streams, and their clients do."""
    tape, server = begun(INITIAL_WINDOW_SIZE=2**20)
    server.h2.increment_flow_control_window(2**20)
    server.send()
    valve = tape.pipeline.new_valve()
    child = tape.world.children[0]
    keep = child.process

    def press(event: Event) -> None:
        keep(event)
        valve.close()
        child.host.hold(valve)

    child.host._first = press  # type: ignore[attr-defined]
    upload = tape.again()
    upload.play(start("POST", "/"), Data(b"x" * 1000)).expect()
    upload.advance(0).expect()
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 1000
    upload.play(Data(b"x" * 1000)).expect()
    upload.play(Data(b"x" * HIGH_WATER)).expect()
    assert upload.held
    assert server.read(h2.events.DataReceived) == []
    valve.open()
    upload.advance(0).expect()
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 1000 + HIGH_WATER


def test_a_body_that_nobody_takes() -> None:
    """Whoever cannot be made to wait is cut off."""
    tape, server = begun(INITIAL_WINDOW_SIZE=0)
    upload = tape.again()
    upload.play(start("POST", "/")).expect()
    upload.advance(0).expect()
    events = upload.play(*[Data(b"x" * 2**20)] * (HARD_LIMIT // 2**20 + 1)).events
    assert shown(events) == [502, Failure.BUFFER_OVERFLOW]
    (reset,) = server.read(h2.events.StreamReset)
    assert reset.error_code == ErrorCodes.CANCEL


# -- how many -----------------------------------------------------------------------------------------------------------


def test_as_many_as_the_server_allows() -> None:
    """The others wait in order."""
    one, server = begun(MAX_CONCURRENT_STREAMS=2)
    others = [one.again() for _ in range(3)]
    for number, tape in enumerate(others):
        ask(tape, path=f"/{number}")
    assert [headers[":path"] for headers in server.requests()] == ["/0"]
    others[1].close().expect()  # it will not come back
    assert shown(server.respond(1, OK)) == [200, "END"]
    assert [headers[":path"] for headers in server.requests()] == ["/2"]


def test_as_many_as_are_usual_before_it_says_so() -> None:
    """RFC 9113, 6.5.2 recommends that it be no fewer than 100."""
    one = tape_of()
    tapes = [one, *(one.again() for _ in range(FIRST_REQUESTS))]
    for tape in tapes:
        ask(tape)
    server = Server(one, MAX_CONCURRENT_STREAMS=1000)
    assert len(server.requests()) == FIRST_REQUESTS
    server.send()
    assert len(server.requests()) == 1


# -- cancelled and refused ------------------------------------------------------------------------------------------------


def test_a_request_is_cancelled() -> None:
    """The server is told; others go on."""
    one, server = begun()
    two = one.again()
    ask(two)
    server.read()
    one.close().expect()
    (reset,) = server.read(h2.events.StreamReset)
    assert (reset.stream_id, reset.error_code) == (1, ErrorCodes.CANCEL)
    server.respond(3, OK)
    assert shown(two.play().events) == [200, "END"]


def test_an_error_before_the_request_is_complete() -> None:
    """It is all the answer there will be."""
    failed = StreamEnd(Failure.RUNTIME_ERROR)
    tape = tape_of()
    tape.play(start("POST"), Data(b"x"), failed).expect(failed)
    tape.advance(0).expect()
    assert tape.child("c").fed == []
    tape = tape.again()
    tape.play(start("POST"), Data(b"x")).expect()
    tape.advance(0).expect()
    tape.play(failed).expect(failed)
    server = Server(tape)
    assert [event.error_code for event in server.read(h2.events.StreamReset)] == [ErrorCodes.CANCEL]


def test_busy_while_an_answer_may_come() -> None:
    """A client that has ended its side is kept for it."""
    tape, server = begun()
    tape.play(EOS).expect()
    assert tape.pipeline.busy()
    assert shown(server.respond(1, OK)) == [200, "END"]
    assert not tape.pipeline.busy()


def test_a_stream_is_reset() -> None:
    """Before and in the middle of its response."""
    one, server = begun()
    server.h2.reset_stream(1, ErrorCodes.INTERNAL_ERROR)
    assert shown(server.send()) == [502, Failure.CONNECTION_RESET]
    two = one.again()
    ask(two)
    server.respond(3, OK, b"x", end=False)
    assert shown(two.play().events) == [200, b"x"]
    server.h2.reset_stream(3, ErrorCodes.NO_ERROR)
    server.send()
    assert shown(two.play().events) == [Failure.CONNECTION_RESET]


@pytest.mark.parametrize("body", [b"", b"x" * 1000])
def test_a_refused_request_is_repeated(body: bytes) -> None:
    """The server has not looked at it (RFC 9113, 8.7); not for ever."""
    tape = tape_of()
    ask(tape, body, method="POST")
    server = Server(tape)
    for attempt in range(3):
        assert [headers[":method"] for headers in server.requests()] == ["POST"]
        number = 2 * attempt + 1
        server.h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
        assert server.send() == []
    assert len(server.requests()) == 1
    assert (
        b"".join(event.data for event in server.events if isinstance(event, h2.events.DataReceived) and event.stream_id == 7)
        == body
    )
    server.h2.reset_stream(7, ErrorCodes.REFUSED_STREAM)
    assert shown(server.send()) == [502, Failure.CONNECTION_RESET]


def test_what_cannot_be_repeated() -> None:
    """A long body is not kept."""
    tape = tape_of()
    ask(tape, b"x" * (HIGH_WATER + 1), method="POST")
    server = Server(tape)
    server.read()
    server.h2.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    assert shown(server.send()) == [502, Failure.CONNECTION_RESET]


def test_a_response_before_the_end_of_the_request() -> None:
    """The rest of it is not sent."""
    tape = tape_of()
    tape.play(start("POST"), Data(b"x")).expect()
    tape.advance(0).expect()
    server = Server(tape)
    assert shown(server.respond(1, OK, b"enough")) == [200, b"enough", "END"]
    (reset,) = server.read(h2.events.StreamReset)
    assert reset.error_code == ErrorCodes.NO_ERROR
    tape.play(Data(b"more"), END).expect()
    assert server.read() == []


def test_a_head_that_cannot_be_sent() -> None:
    """It is a mistake of the script, and ends this stream only."""
    tape, server = begun()
    bad = MessageStart(Head({"method": "GET", "path": "/", "headers": {"host": "h", "x": "a\r\nb: c"}}))
    two = tape.again()
    two.play(bad, END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert not two.pipeline.busy()
    assert server.requests() == []
    assert shown(server.respond(1, OK)) == [200, "END"]


def test_a_trailer_that_cannot_be_sent() -> None:
    """The stream is reset then, if it has begun."""
    bad = MessageEnd(Head({"headers": {"x": "a\r\nb: c"}}))
    tape, server = begun()
    two = tape.again()
    two.play(start("POST"), Data(b"x"), bad).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert server.requests() == []
    three = tape.again()
    three.play(start("POST"), Data(b"x")).expect()
    three.advance(0).expect()
    three.play(bad).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert [event.error_code for event in server.read(h2.events.StreamReset)] == [ErrorCodes.CANCEL]


def test_a_large_body_that_waits_for_its_turn() -> None:
    """Its client is not read from; one that cannot be made to wait is cut off."""
    one, server = begun(MAX_CONCURRENT_STREAMS=1)
    two, three = one.again(), one.again()
    two.play(start("POST"), Data(b"x" * HIGH_WATER)).expect()
    assert not two.held
    two.play(Data(b"x")).expect()
    assert two.held
    valve = two.world.valves[0]
    assert shown(three.play(start("POST"), *[Data(b"x" * 2**20)] * (HARD_LIMIT // 2**20 + 1)).events) == [
        502,
        Failure.BUFFER_OVERFLOW,
    ]
    three.play(Data(b"x"), END).expect()
    server.respond(1, OK)
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 65535
    assert not valve.closed
    two.play(END).expect()
    server.h2.increment_flow_control_window(10, 3)
    server.h2.increment_flow_control_window(10)
    server.send()
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 2
    assert isinstance(server.events[-1], h2.events.StreamEnded)


def test_much_that_comes_too_early_for_a_tunnel() -> None:
    """Its client is not read from until the tunnel is there."""
    tape, server = tunnel()
    tape.play(Data(b"x" * HIGH_WATER)).expect()
    assert tape.held
    valve = tape.world.valves[0]
    server.respond(1, OK, end=False)
    assert not valve.closed
    assert sum(len(event.data) for event in server.read(h2.events.DataReceived)) == 65535
    tape.play(Data(b"y")).expect()
    tape.play(EOS).expect()
    server.h2.increment_flow_control_window(10, 1)
    server.h2.increment_flow_control_window(10)
    server.send()
    assert isinstance(server.read()[-1], h2.events.StreamEnded)


def test_an_early_end_of_a_tunnel() -> None:
    """It is passed on when the tunnel is there."""
    tape, server = tunnel()
    tape.play(EOS).expect()
    server.respond(1, OK, end=False)
    assert [event.stream_id for event in server.read(h2.events.StreamEnded)] == [1]


# -- the end of sessions ----------------------------------------------------------------------------------------------------


def test_goaway() -> None:
    """What the server will not look at goes elsewhere, what it has begun is finished, nothing new comes."""
    one, server = begun()
    two = one.again()
    ask(two, path="/2")
    server.read()
    server.h2.clear_outbound_data_buffer()
    assert server.raw(wire.goaway(1, 0)) == []
    assert len(one.children("c")) == 2
    other = Server(one, 1)
    assert [headers[":path"] for headers in other.requests()] == ["/2"]
    ask(one.again(), path="/3")
    assert [headers[":path"] for headers in other.requests()] == ["/3"]
    assert shown(server.respond(1, OK, b"x")) == [200, b"x", "END"]
    assert goodbye(server) == ErrorCodes.NO_ERROR
    other.respond(1, OK)
    assert shown(two.play().events) == [200, "END"]
    assert not server.child.closed
    server.child.reply(EOS).expect()
    assert server.child.closed


def test_goaway_while_others_wait() -> None:
    """They need not wait any more."""
    one, server = begun(MAX_CONCURRENT_STREAMS=1)
    two = one.again()
    ask(two, path="/2")
    server.raw(wire.goaway(2**31 - 1, 0))
    server.raw(wire.goaway(1, 0))
    assert [headers[":path"] for headers in Server(one, 1).requests()] == ["/2"]


def test_a_server_that_does_not_end_the_connection() -> None:
    """It gets some time."""
    tape, server = begun()
    server.respond(1, OK)
    tape.close().expect()
    tape.advance(10).expect()
    assert goodbye(server) == ErrorCodes.NO_ERROR
    assert not server.child.closed
    tape.advance(5).expect()
    assert server.child.closed


def test_idle_sessions_are_used_again_and_end() -> None:
    """As over HTTP/1."""
    one, server = begun()
    server.respond(1, OK)
    one.close().expect()
    one.advance(9).expect()
    two = one.again()
    ask(two)
    assert len(one.children("c")) == 1
    server.respond(3, OK)
    assert shown(two.play().events) == [200, "END"]
    two.close().expect()
    two.advance(10).expect()
    assert server.child.fed[-1] == EOS
    ask(one.again())
    assert len(one.children("c")) == 2


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure.CONNECTION_REFUSED, [502, Failure.CONNECTION_REFUSED]),
        (Failure.CONNECTION_TIMEOUT, [504, Failure.CONNECTION_TIMEOUT]),
        (Failure.NONE, [502, Failure.CONNECTION_RESET]),
        (Failure.READ_ERROR, [502, Failure.READ_ERROR]),
    ],
)
def test_a_session_fails(failure: Failure, expected: list[object]) -> None:
    """Everybody gets the error; the next one gets a new session."""
    one = tape_of()
    two = one.again()
    ask(one)
    ask(two, b"x", method="POST")
    assert shown(one.child("c").reply(StreamEnd(failure)).events) == expected
    assert shown(two.play().events) == expected
    assert one.child("c").closed
    ask(one.again())
    assert len(one.children("c")) == 2


def test_those_who_waited_go_elsewhere() -> None:
    """Nothing of them has been sent."""
    one, server = begun(MAX_CONCURRENT_STREAMS=1)
    two = one.again()
    ask(two, b"x", method="POST", path="/2")
    server.child.reply(StreamEnd(Failure.READ_ERROR)).anything()
    assert [headers[":path"] for headers in Server(one, 1).requests()] == ["/2"]


def test_a_lost_session_that_worked_before() -> None:
    """What does no harm is repeated, once."""
    one, server = begun()
    server.respond(1, OK)
    two, three = one.again(), one.again()
    ask(two, path="/2")
    ask(three, b"x", method="POST")
    server.child.reply(EOS).expect()
    assert shown(three.play().events) == [502, Failure.CONNECTION_RESET]
    other = Server(one, 1)
    assert [headers[":path"] for headers in other.requests()] == ["/2"]
    ask(one.again(), path="/4")
    other.respond(3, OK)
    other.child.reply(EOS).anything()
    assert shown(two.play().events) == [502, Failure.CONNECTION_RESET]


def test_a_response_that_is_cut_off() -> None:
    """It must not pass for a whole one."""
    _, server = begun()
    server.respond(1, OK, b"x", end=False)
    assert shown(server.child.reply(EOS).events) == [Failure.CONNECTION_RESET]


@pytest.mark.parametrize("how", ["answered", "cancelled", "lost", "waiting"])
def test_nothing_stays_behind(how: str) -> None:
    """What a request needed goes with it, without the collector."""
    gc.collect()
    gc.disable()
    try:
        one, server = begun(MAX_CONCURRENT_STREAMS=1 if how == "waiting" else 10)
        tape = one.again()
        opening = start("POST")
        head = weakref.ref(opening.head)
        tape.play(opening, Data(b"x"), END).expect()
        del opening
        server.read()
        if how == "answered":
            server.respond(3, OK, b"x")
            tape.play().anything()
        elif how == "lost":
            server.child.reply(StreamEnd(Failure.READ_ERROR)).anything()
            tape.play().anything()
        tape.close().expect()
        assert head() is None
    finally:
        gc.enable()


# -- tunnels ---------------------------------------------------------------------------------------------------------------


def tunnel() -> tuple[Tape, Server]:
    """CONNECT, with something behind it that came too early."""
    tape = tape_of()
    head = Head({"method": "CONNECT", "path": "far:443", "headers": {"host": "far:443"}})
    tape.play(MessageStart(head), END, Data(b"early")).expect()
    server = Server(tape)
    assert server.requests() == [{":method": "CONNECT", ":authority": "far:443"}]
    assert server.read(h2.events.DataReceived) == []
    return tape, server


def test_a_tunnel() -> None:
    """Bytes both ways until one side ends."""
    tape, server = tunnel()
    assert shown(server.respond(1, OK, end=False)) == [200, "END"]
    assert [event.data for event in server.read(h2.events.DataReceived)] == [b"early"]
    tape.play(Data(b"there")).expect()
    assert [event.data for event in server.read(h2.events.DataReceived)] == [b"there"]
    server.h2.send_data(1, b"back")
    assert shown(server.send()) == [b"back"]
    tape.play(EOS).expect()
    assert [event.stream_id for event in server.read(h2.events.StreamEnded)] == [1]
    server.h2.send_data(1, b"last", end_stream=True)
    assert shown(server.send()) == [b"last", Failure.NONE]


def test_a_tunnel_that_fails() -> None:
    """A reset is an error on its other side too, both ways."""
    tape, server = tunnel()
    server.respond(1, OK, end=False)
    server.h2.reset_stream(1, ErrorCodes.CONNECT_ERROR)
    assert shown(server.send()) == [Failure.CONNECTION_RESET]
    tape, server = tunnel()
    server.respond(1, OK, end=False)
    server.read()
    tape.play(StreamEnd(Failure.READ_ERROR)).expect()
    (reset,) = server.read(h2.events.StreamReset)
    assert reset.error_code == ErrorCodes.CANCEL


def test_a_tunnel_that_is_refused() -> None:
    """What came too early is not sent."""
    _, server = tunnel()
    assert shown(server.respond(1, [(":status", "403"), ("content-length", "2")], b"no")) == [403, b"no", "END"]
    assert server.read(h2.events.DataReceived) == []


# -- versions ----------------------------------------------------------------------------------------------------------------


def test_a_function_gives_the_version() -> None:
    """Whenever there is a new session."""
    tape = tape_of(version=lambda: tape.world.current["v"])
    one = tape.again({"v": 1})
    ask(one)
    assert b"HTTP/1.1" in one.child("c").fed[1].payload
    two = tape.again({"v": 1})
    ask(two)
    three = tape_of(version=lambda: 2)
    ask(three)
    assert Server(three).requests()
