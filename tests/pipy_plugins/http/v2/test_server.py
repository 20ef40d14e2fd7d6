"""HTTP/2 in demuxHTTP: stories of one connection whose requests the test answers."""

import gc
import weakref
from typing import Any

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.testing import ChildTape, Tape, logged, target
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.framing import read_fields
from pipy_plugins.http.heads import FailureHead, ResponseHead
from pipy_plugins.http.v2.heads import Request, Response
from pipy_plugins.http.v2.limits import CONNECTION_WINDOW, HIGH_WATER, MAX_STREAMS, MAX_UNSENT, STREAM_WINDOW
from tests.pipy_plugins.http.v2.peer import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    GET_BLOCK,
    GOAWAY,
    HEADERS,
    HELLO,
    PING,
    POST,
    POST_BLOCK,
    PREFACE,
    RST,
    Peer,
    frames,
    raw,
)


def tape_of(size: int = 4096) -> Tape:
    """A connection."""
    return Tape(DemuxHTTP, target("r"), {"bufferSize": size})


def start(status: int = 200, **headers: str) -> MessageStart:
    """The start of an answer that a script has made."""
    return MessageStart(Head({"status": status, "headers": headers}))


def received(status: int = 200, lines: bytes = b"") -> MessageStart:
    """The start of an answer that came over HTTP/1."""
    return MessageStart(ResponseHead(status, b"%d X" % status, 1, read_fields(b"\r\n" + lines + b"\r\n")))


def answer(peer: Peer, child: ChildTape, *events: Event) -> None:
    """The sub-pipeline answers; the client gets it."""
    peer.take(child.reply(*events).events)
    peer.send()


def names(child: ChildTape) -> list[str]:
    """What a sub-pipeline got, by kind."""
    return [type(event).__name__ for event in child.fed]


def head_of(child: ChildTape) -> Request:
    """The request a sub-pipeline got."""
    event = child.fed[0]
    assert isinstance(event, MessageStart)
    assert isinstance(event.head, Request)
    return event.head


def test_one_request() -> None:
    """It goes into a sub-pipeline with a context of its own, which is let go of with the answer."""
    peer = Peer(tape_of())
    number = peer.request([*GET, ("x-a", "1")])
    child = peer.tape.child("r")
    assert names(child) == ["MessageStart", "MessageEnd"]
    assert not child.shares_context
    assert head_of(child).fields == {
        "protocol": "HTTP/2",
        "headers": {"host": "h", "x-a": "1"},
        "method": "GET",
        "scheme": "http",
        "authority": "h",
        "path": "/",
    }
    answer(peer, child, start(201, **{"X-B": "2"}), Data(b"ok"), END)
    assert peer.headers(number) == {":status": "201", "x-b": "2", "content-length": "2"}
    assert peer.body(number) == b"ok"
    assert peer.is_complete(number)
    assert child.closed
    assert not peer.ended


def test_a_short_answer_is_sent_in_one_piece() -> None:
    """Head, body and end, in two frames and one write."""
    peer = Peer(tape_of())
    peer.request()
    sent = peer.tape.child("r").reply(start(), Data(b"a"), Data(b"b"), END).events
    assert len(sent) == 1
    head, body = frames(sent)
    assert "END_STREAM" not in head.flags
    assert "END_STREAM" in body.flags


@pytest.mark.parametrize("size", [1, 5, 23, 24, 30])
def test_the_preface_may_come_in_pieces(size: int) -> None:
    """Nobody is disturbed by where they end."""
    tape = tape_of()
    data = HELLO + raw(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK)
    tape.play(*(Data(data[at : at + size]) for at in range(0, len(data), size))).anything()
    assert names(tape.child("r")) == ["MessageStart", "MessageEnd"]


@pytest.mark.parametrize("text", [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRO", b"POST / HTTP/1.1\r\nhost: h\r\n\r\n"])
def test_what_begins_like_the_preface_is_http_1(text: bytes) -> None:
    """Whatever is in front of the difference is not lost."""
    whole, pieces = tape_of(), tape_of()
    first = whole.play(Data(text)).events
    assert pieces.play(*(Data(bytes((byte,))) for byte in text)).events == first
    assert len(whole.children("r")) == text.startswith(b"POST")


def test_streams_are_independent() -> None:
    """Answers go when they come."""
    peer = Peer(tape_of())
    one, two = peer.request(), peer.request()
    first, second = peer.tape.children("r")
    answer(peer, second, start(), Data(b"2"), END)
    assert peer.body(two) == b"2"
    assert not peer.of(one)
    answer(peer, first, start(), Data(b"1"), END)
    assert peer.body(one) == b"1"


def test_request_bodies_are_streamed() -> None:
    """Each part when it comes."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    peer.h2.send_data(1, b"a")
    peer.send()
    child = peer.tape.child("r")
    assert child.fed[1:] == [Data(b"a")]
    peer.h2.send_data(1, b"b", end_stream=True)
    peer.send()
    assert child.fed[2:] == [Data(b"b"), END]


def test_trailers_of_a_request() -> None:
    """They are the tail of its end."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    peer.h2.send_data(1, b"a")
    peer.h2.send_headers(1, [("x-sum", "1")], end_stream=True)
    peer.send()
    assert peer.tape.child("r").fed[2:] == [MessageEnd(Head({"headers": {"x-sum": "1"}}))]


@pytest.mark.parametrize("body", [[], [Data(b"x")], [Data(b"x" * 5000)]])
def test_trailers_of_a_response(body: list[Data]) -> None:
    """They come behind the body, and end the stream."""
    peer = Peer(tape_of())
    number = peer.request([*GET, ("te", "trailers")])
    answer(peer, peer.tape.child("r"), start(), *body, MessageEnd(Head({"headers": {"grpc-status": "0"}})))
    assert peer.body(number) == b"".join(data.payload for data in body)
    assert peer.trailers(number) == [("grpc-status", "0")]
    assert peer.is_complete(number)


def test_only_trailers() -> None:
    """A response over HTTP/2 that is one header list stays one (gRPC)."""
    peer = Peer(tape_of())
    peer.request()
    head = Response(200, read_fields(b"\r\ngrpc-status: 12\r\n\r\n"))
    (frame,) = frames(peer.tape.child("r").reply(MessageStart(head), END).events)
    assert {"END_STREAM", "END_HEADERS"} == set(frame.flags)


def test_a_response_that_is_streamed_is_not_held_up() -> None:
    """The head goes when the turn is over, parts of the body when they come."""
    peer = Peer(tape_of())
    number = peer.request()
    child = peer.tape.child("r")
    answer(peer, child, received(200, b"x-a: 1\r\n"))
    assert not peer.headers(number)
    peer.take(peer.tape.advance(0).events)
    assert peer.headers(number) == {":status": "200", "x-a": "1"}
    answer(peer, child, Data(b"a"))
    assert peer.body(number) == b"a"
    answer(peer, child, END)
    assert peer.is_complete(number)


def test_a_long_response_has_no_length() -> None:
    """It begins when it is longer than the limit."""
    peer = Peer(tape_of(3))
    number = peer.request()
    child = peer.tape.child("r")
    answer(peer, child, received(200, b"content-length: 6\r\n"), Data(b"abcd"))
    assert peer.headers(number) == {":status": "200"}
    answer(peer, child, Data(b"ef"), END)
    assert peer.body(number) == b"abcdef"


@pytest.mark.parametrize(
    ("method", "events", "expected"),
    [
        ("HEAD", [received(200, b"content-length: 7\r\n"), END], {":status": "200", "content-length": "7"}),
        ("HEAD", [start(), Data(b"abc"), END], {":status": "200", "content-length": "3"}),
        ("HEAD", [received(), END], {":status": "200"}),
        ("GET", [start(204), Data(b"abc"), END], {":status": "204"}),
        ("GET", [start(304), END], {":status": "304"}),
        ("GET", [start(), END], {":status": "200", "content-length": "0"}),
        ("GET", [start(**{"connection": "close", "keep-alive": "1", "transfer-encoding": "chunked"}), END], {":status": "200", "content-length": "0"}),
        ("GET", [start(101), END], {":status": "502", "content-length": "0"}),
        ("GET", [StreamEnd(Failure.CONNECTION_REFUSED)], {":status": "502", "content-length": "0"}),
        ("GET", [StreamEnd(Failure.READ_TIMEOUT)], {":status": "504", "content-length": "0"}),
        ("GET", [StreamEnd(Failure.RUNTIME_ERROR)], {":status": "500", "content-length": "0"}),
        ("GET", [EOS], {":status": "200", "content-length": "0"}),
        ("GET", [received(), Data(b"a"), StreamEnd(Failure.CONNECTION_RESET)], {":status": "502", "content-length": "0"}),
        (
            "GET",
            [MessageStart(FailureHead(Failure.CANNOT_RESOLVE)), StreamEnd(Failure.CANNOT_RESOLVE)],
            {":status": "502", "content-length": "0"},
        ),
        ("GET", [start(503), StreamEnd(Failure.CANNOT_RESOLVE)], {":status": "503", "content-length": "0"}),
    ],
)  # fmt: skip
def test_answers(method: str, events: list[Event], expected: dict[str, str]) -> None:
    """What the client sees of them."""
    peer = Peer(tape_of())
    number = peer.request([(":method", method), *GET[1:]])
    answer(peer, peer.tape.child("r"), *events)
    assert peer.headers(number) == expected
    assert peer.body(number) == b""
    assert peer.is_complete(number)
    assert not peer.ended


@pytest.mark.parametrize("body", [b"", b"x" * 5000])
def test_a_head_that_cannot_be_sent(body: bytes) -> None:
    """The script's fault, whenever it shows."""
    peer = Peer(tape_of())
    number = peer.request()
    bad = start(x="a\nb")
    peer.take(peer.tape.child("r").reply(bad, Data(body), END).fails(ScriptError).events)
    assert peer.headers(number) == {":status": "500", "content-length": "0"}
    assert peer.is_complete(number)


def test_trailers_that_cannot_be_sent() -> None:
    """It is too late for another answer if the head is gone."""
    bad = MessageEnd(Head({"headers": {"a b": "1"}}))
    peer = Peer(tape_of(0))
    one, two = peer.request(), peer.request()
    first, second = peer.tape.children("r")
    peer.take(first.reply(start(), bad).fails(ScriptError).events)
    peer.take(second.reply(start(), Data(b"x"), bad).fails(ScriptError).events)
    assert peer.headers(one)[":status"] == "500"
    assert peer.reset(two) == ErrorCodes.INTERNAL_ERROR


def test_a_response_that_breaks_off() -> None:
    """The client is told by RST_STREAM, and other streams go on."""
    peer = Peer(tape_of(1))
    number = peer.request()
    answer(peer, peer.tape.child("r"), start(), Data(b"abc"), StreamEnd(Failure.CONNECTION_RESET))
    assert peer.reset(number) == ErrorCodes.INTERNAL_ERROR
    assert not peer.ended


def test_a_tunnel_ends_once_however_often_its_client_says_so() -> None:
    connect = b"\x42\x07CONNECT\x01\x03a:1"
    tape = tape_of()
    tape.play(Data(HELLO + raw(HEADERS, END_HEADERS | END_STREAM, 1, connect))).anything()
    child = tape.child("r")
    assert child.fed[1:] == [END, EOS]
    tape.play(Data(raw(RST, 0, 1, bytes(4)))).anything()
    assert child.fed[1:] == [END, EOS]
    assert child.closed


def test_interim_responses() -> None:
    """They go ahead of the response."""
    peer = Peer(tape_of())
    number = peer.request()
    child = peer.tape.child("r")
    relay = head_of(child).relay
    assert relay is not None
    relay.interim(ResponseHead(103, b"103 X", 1, read_fields(b"\r\nlink: a\r\n\r\n")))
    answer(peer, child, start(), END)
    assert [type(event).__name__ for event in peer.of(number)][:2] == ["InformationalResponseReceived", "ResponseReceived"]


def test_an_early_answer_stops_the_request() -> None:
    """RST_STREAM without an error, behind the whole answer (RFC 9113, 8.1)."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    peer.send()
    answer(peer, peer.tape.child("r"), start(413), END)
    assert peer.headers(1)[":status"] == "413"
    assert peer.reset(1) == ErrorCodes.NO_ERROR
    assert not peer.ended


def test_a_reset_by_the_client() -> None:
    """The sub-pipeline is told, and closed."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    peer.send()
    child = peer.tape.child("r")
    peer.h2.reset_stream(1)
    peer.send()
    assert child.fed[1:] == [StreamEnd(Failure.CONNECTION_RESET)]
    assert child.closed
    number = peer.request()
    answer(peer, peer.tape.children("r")[1], start(), END)
    assert peer.is_complete(number)


def test_what_is_reset_at_once_is_never_begun() -> None:
    """Nobody works for it."""
    tape = tape_of()
    tape.play(Data(HELLO + raw(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK) + raw(RST, 0, 1, b"\0\0\0\x08"))).anything()
    assert not tape.children("r")


@pytest.mark.parametrize("behind", [raw(RST, 0, 1, b"\0\0\0\x08"), raw(DATA, END_STREAM, 1)])
def test_everything_in_one_piece(behind: bytes) -> None:
    """h2 knows of the end before the rest has been dealt with."""
    tape = tape_of()
    body = raw(DATA, 0, 1, bytes(15_000)) * 4
    data = HELLO + raw(HEADERS, END_HEADERS, 1, POST_BLOCK)
    tape.play(Data(data), Data(body), Data(body + raw(DATA, 0, 1, bytes(11_073)) + behind)).anything()
    child = tape.child("r")
    assert isinstance(child.fed[-1], MessageEnd | StreamEnd)
    assert sum(len(event.payload) for event in child.fed if isinstance(event, Data)) == 131_073


class Echo(Filter):
    """Answers with a body as soon as there is a request, and ends with it."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, Data):
            self.emit(start())
            self.emit(Data(event.payload * 3))
        elif isinstance(event, MessageEnd):
            self.emit(END)


@pytest.mark.parametrize("size", [1, 100])
def test_an_answer_to_what_has_been_reset(size: int) -> None:
    """It is dropped: h2 knows of the reset already."""
    tape = Tape(DemuxHTTP, target("r", [Echo]), {"bufferSize": 10})
    upload = raw(HEADERS, END_HEADERS, 1, POST_BLOCK)
    tape.play(Data(HELLO + upload)).anything()
    rest = raw(DATA, END_STREAM, 1, bytes(size)) + raw(RST, 0, 1, b"\0\0\0\x08")
    assert frames(tape.play(Data(rest)).events) == []
    peer_frames = frames(tape.play(Data(upload.replace(b"\0\0\0\1", b"\0\0\0\3", 1) + raw(DATA, END_STREAM, 3, b"x"))).events)
    assert [frame.type for frame in peer_frames] == [HEADERS, DATA]


def test_a_large_read() -> None:
    """It is dealt with bit by bit; what is behind an error is not dealt with at all."""
    tape = Tape(DemuxHTTP, target("r", [Echo]), {"bufferSize": 10})
    requests = [
        raw(HEADERS, END_HEADERS, number, POST_BLOCK) + raw(DATA, END_STREAM, number, bytes(1000)) for number in range(1, 99, 2)
    ]
    out = frames(tape.play(Data(HELLO + b"".join(requests))).events)
    assert len([frame for frame in out if frame.type == HEADERS]) == len(requests)
    out = frames(tape.play(Data(raw(HEADERS, 0, 0) + b"".join(requests))).events)
    assert [frame.type for frame in out] == [GOAWAY]


def test_a_large_table() -> None:
    """Of header fields is not made for a client that wishes for it."""
    tape = tape_of()
    peer = Peer(tape)
    peer.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 1 << 30})
    peer.send()
    number = peer.request()
    fields = {f"x-{n}": "y" * 100 for n in range(100)}
    answer(peer, tape.child("r"), start(**fields), END)
    assert peer.headers(number)["x-99"] == "y" * 100
    assert peer.h2.decoder.header_table.maxsize <= 4096


def test_only_tunnels_depend_on_their_sub_pipeline() -> None:
    """Whether something may still come out of a tunnel, the sub-pipeline knows."""
    peer, child = connect()
    answer(peer, child, start(), END)
    peer.tape.advance(0).expect()
    assert peer.tape.pipeline.busy()
    assert [frame.type for frame in frames(peer.tape.drain().events)] == [GOAWAY, PING]
    assert child.drained
    events = child.reply(EOS).events
    assert [frame.flags for frame in frames(events) if frame.type == DATA] == [{"END_STREAM"}]
    assert not peer.tape.pipeline.busy()
    assert peer.tape.drain().events[-1] == EOS


# -- tunnels ------------------------------------------------------------------------------------------------------------


def connect() -> tuple[Peer, ChildTape]:
    """A client that has asked for a tunnel."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, [(":method", "CONNECT"), (":authority", "x:1")])
    peer.send()
    return peer, peer.tape.child("r")


def test_a_tunnel() -> None:
    """Data both ways behind the answer, and an end in each direction."""
    peer, child = connect()
    assert names(child) == ["MessageStart", "MessageEnd"]
    assert head_of(child).fields["path"] == "x:1"
    answer(peer, child, start(), END)
    assert peer.headers(1) == {":status": "200"}
    peer.h2.send_data(1, b"up")
    peer.send()
    answer(peer, child, Data(b"down"))
    assert child.fed[2:] == [Data(b"up")]
    assert peer.body(1) == b"down"
    peer.h2.end_stream(1)
    peer.send()
    assert child.fed[3:] == [EOS]
    answer(peer, child, Data(b"!"), EOS)
    assert peer.body(1) == b"down!"
    assert peer.is_complete(1)
    assert child.closed


def test_a_tunnel_that_breaks() -> None:
    """CONNECT_ERROR (RFC 9113, 8.5)."""
    peer, child = connect()
    answer(peer, child, start(), END, StreamEnd(Failure.READ_ERROR))
    assert peer.reset(1) == ErrorCodes.CONNECT_ERROR


def test_a_tunnel_that_is_refused() -> None:
    """It is an answer like any other."""
    peer, child = connect()
    answer(peer, child, start(403), Data(b"no"), END)
    assert peer.headers(1)[":status"] == "403"
    assert peer.body(1) == b"no"
    assert child.closed


# -- windows ------------------------------------------------------------------------------------------------------------


def test_a_response_waits_for_the_window_of_its_stream() -> None:
    """And goes on when it grows; so does whoever brings it."""
    tape = tape_of(0)
    peer = Peer(tape, window=10)
    number = peer.request()
    child = tape.child("r")
    peer.take(child.reply(start(), Data(b"x" * HIGH_WATER)).events)
    assert not tape.held
    peer.take(child.reply(Data(b"y" * 10)).events)
    assert len(peer.body(number)) == 10
    peer.take(child.reply(Data(b"z")).events)
    assert tape.held
    peer.h2.increment_flow_control_window(HIGH_WATER + 1, number)
    peer.h2.increment_flow_control_window(HIGH_WATER)
    peer.send()
    assert len(peer.body(number)) == HIGH_WATER + 11
    assert not tape.held
    answer(peer, child, END)
    assert peer.is_complete(number)


def test_streams_share_the_window_of_the_connection() -> None:
    """Nobody gets all of it."""
    tape = tape_of(0)
    peer = Peer(tape, window=1 << 20)
    one, two = peer.request(), peer.request()
    for child in tape.children("r"):
        peer.take(child.reply(start(), Data(b"x" * 100_000), END).events)
    assert (len(peer.body(one)), len(peer.body(two))) == (65535, 0)
    peer.h2.increment_flow_control_window(40_000)
    peer.send()
    assert len(peer.body(one)) - 65535 > 10_000
    assert len(peer.body(two)) > 10_000
    peer.h2.increment_flow_control_window(200_000)
    peer.send()
    assert peer.is_complete(one)
    assert peer.is_complete(two)


def test_a_client_that_takes_nothing() -> None:
    """What can be kept for it is limited."""
    peer = Peer(tape_of(), window=0)
    numbers = [peer.request() for _ in range(3)]
    body = bytes(MAX_UNSENT // 2)
    with logged() as lines:
        for child in peer.tape.children("r"):
            answer(peer, child, start(), Data(body), END)
    assert [peer.reset(number) for number in numbers] == [None, None, ErrorCodes.ENHANCE_YOUR_CALM]
    assert "takes too little" in lines[0]


def test_a_client_may_send_what_is_taken() -> None:
    """Both windows grow with what is passed on."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    peer.send()
    sent = 0
    while sent < 3 * CONNECTION_WINDOW:
        size = min(peer.h2.local_flow_control_window(1), 16384)
        assert size > 0
        peer.h2.send_data(1, bytes(size))
        peer.send()
        sent += size


class Slow(Filter):
    """Wants no more behind each Data."""

    valve: Any = None

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, Data):
            self.valve = self.valve or self.host.new_valve()
            Slow.valve = self.valve
            self.valve.close()
            self.host.hold(self.valve)


def test_a_slow_server_stops_one_stream() -> None:
    """The connection is read on; the window of the stream stays closed until there is room."""
    tape = Tape(DemuxHTTP, target("r", [Slow]), {"bufferSize": 10})
    peer = Peer(tape)
    peer.h2.send_headers(1, POST)
    peer.send()
    sent = 0
    while size := min(16384, peer.h2.local_flow_control_window(1)):
        peer.h2.send_data(1, bytes(size))
        peer.send()
        sent += size
        assert not tape.held
    assert sent == STREAM_WINDOW
    Slow.valve.open()
    peer.take(tape.advance(0).events)
    assert peer.h2.local_flow_control_window(1) == STREAM_WINDOW


def test_a_slow_server_that_is_forgotten() -> None:
    """Its stream may be gone when it wants more."""
    tape = Tape(DemuxHTTP, target("r", [Slow]), {"bufferSize": 10})
    peer = Peer(tape)
    peer.h2.send_headers(1, POST)
    peer.h2.send_data(1, b"x")
    peer.send()
    peer.h2.reset_stream(1)
    peer.send()
    Slow.valve.open()
    tape.advance(0).expect()


# -- the end ------------------------------------------------------------------------------------------------------------


def test_too_many_streams_are_refused() -> None:
    """The client may try again; those there are go on."""
    tape = tape_of()
    requests = b"".join(raw(HEADERS, END_STREAM | END_HEADERS, number, GET_BLOCK) for number in range(1, 2 * MAX_STREAMS + 3, 2))
    out = tape.play(Data(HELLO + requests)).events
    assert len(tape.children("r")) == MAX_STREAMS
    (reset,) = [frame for frame in frames(out) if frame.type == RST]
    assert (reset.stream_id, reset.error_code) == (2 * MAX_STREAMS + 1, ErrorCodes.REFUSED_STREAM)


def says(events: list[Event]) -> list[tuple[int, int, int]]:
    """The GOAWAY frames: last stream and code; the others with their type and stream only."""
    return [
        (frame.type, frame.last_stream_id, frame.error_code) if frame.type == GOAWAY else (frame.type, frame.stream_id, 0)
        for frame in frames([event for event in events if isinstance(event, Data)])
    ]


FIRST_WORDS = [(GOAWAY, 2**31 - 1, 0), (PING, 0, 0)]


def heard(sent: list[Event]) -> Data:
    """The client's answer to the PING among what it was sent."""
    [echo] = [frame.opaque_data for frame in frames(sent) if frame.type == PING]
    return Data(raw(PING, ACK, 0, echo))


def test_drain() -> None:
    """The client is told to stop; what it has sent until it has read that is served; then nothing more; then the end."""
    peer = Peer(tape_of())
    peer.request()
    sent = peer.tape.drain().events
    assert says(sent) == FIRST_WORDS
    assert peer.tape.pipeline.busy()
    peer.tape.play(Data(raw(HEADERS, END_STREAM | END_HEADERS, 3, GET_BLOCK))).expect()
    one, two = peer.tape.children("r")
    assert says(peer.tape.play(heard(sent)).events) == [(GOAWAY, 3, 0)]
    peer.tape.play(heard(sent)).expect()
    refused = frames(peer.tape.play(Data(raw(HEADERS, END_STREAM | END_HEADERS, 5, GET_BLOCK))).events)
    assert [(frame.stream_id, frame.error_code) for frame in refused] == [(5, ErrorCodes.REFUSED_STREAM)]
    assert says(one.reply(start(), END).events) == [(HEADERS, 1, 0)]
    peer.tape.drain().expect()
    events = two.reply(start(), END).events
    assert says(events) == [(HEADERS, 3, 0)]
    assert events[-1] == EOS


def test_drain_of_a_client_that_gives_no_sign() -> None:
    """When it is asked for the second time it has had its time."""
    peer = Peer(tape_of())
    peer.tape.play(Data(raw(PING, ACK, 0, b"whatever"))).expect()
    peer.request()
    child = peer.tape.child("r")
    assert says(peer.tape.drain().events) == FIRST_WORDS
    peer.tape.play(Data(raw(PING, ACK, 0, b"whatever"))).expect()
    assert says(peer.tape.drain().events) == [(GOAWAY, 1, 0)]
    assert child.reply(start(), END).events[-1] == EOS


def test_drain_of_an_idle_connection() -> None:
    """It ends as soon as the client has read that."""
    peer = Peer(tape_of())
    sent = peer.tape.drain().events
    assert says(sent) == FIRST_WORDS
    events = peer.tape.play(heard(sent)).events
    assert says(events) == [(GOAWAY, 0, 0)]
    assert events[-1] == EOS


def test_drain_before_the_first_byte() -> None:
    """What the client begins with is served."""
    tape = tape_of()
    tape.drain().expect()
    out = tape.play(Data(HELLO + raw(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK))).events
    assert says(out)[-2:] == FIRST_WORDS
    assert says(tape.play(heard(out)).events) == [(GOAWAY, 1, 0)]
    assert tape.child("r").reply(start(), END).events[-1] == EOS


def test_a_client_that_leaves() -> None:
    """GOAWAY from the client lets its streams end."""
    peer = Peer(tape_of())
    number = peer.request()
    peer.take(peer.tape.play(Data(raw(GOAWAY, 0, 0, bytes(8)))).events)
    assert not peer.ended
    answer(peer, peer.tape.child("r"), start(), Data(b"x"), END)
    assert peer.body(number) == b"x"
    assert peer.ended


def test_a_client_that_half_closes() -> None:
    """What it has asked for completely is answered."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, POST)
    number = peer.request()
    incomplete, complete = peer.tape.children("r")
    peer.take(peer.tape.play(EOS).events)
    assert peer.reset(1) == ErrorCodes.CANCEL
    assert incomplete.closed
    assert not peer.ended
    peer.take(complete.reply(start(), Data(b"x"), END).events)
    assert peer.body(number) == b"x"
    assert peer.ended


@pytest.mark.parametrize("event", [StreamEnd(Failure.CONNECTION_RESET), None])
def test_nothing_is_left(event: Event | None) -> None:
    """When the connection is gone, so are its streams, without the garbage collector."""
    tape = tape_of(0)
    peer = Peer(tape, window=1)
    for _ in range(3):
        peer.request()
    children = tape.children("r")
    peer.take(children[0].reply(start(), Data(b"abc")).events)
    head = weakref.ref(head_of(children[1]))
    gc.disable()
    try:
        if event is not None:
            peer.take(tape.play(event).events)
        tape.close().anything()
        assert all(child.closed for child in children)
        for child in children:
            child.fed.clear()
        children[1]._fed.fed.clear()
        assert head() is None
    finally:
        gc.enable()


# -- what is wrong ------------------------------------------------------------------------------------------------------


MALFORMED: dict[str, Any] = {
    "upper case": [("X-A", "1")],
    "connection": [("connection", "close")],
    "keep-alive": [("keep-alive", "1")],
    "proxy-connection": [("proxy-connection", "1")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "upgrade": [("upgrade", "x")],
    "te": [("te", "gzip")],
    "pseudo behind": [("a", "b"), (":path", "/x")],
    "unknown pseudo": [(":x", "1")],
    "status": [(":status", "200")],
    "blank before": [("a", " b")],
    "blank behind": [("a", "b\t")],
    "line end": [("a", "b\r\nc: d")],
    "nul": [("a", "\0")],
    "empty name": [("", "x")],
    "colon in name": [("a:b", "x")],
    "host": [("host", "other")],
    "lengths": [("content-length", "0"), ("content-length", "0")],
    "protocol": [(":protocol", "websocket")],
}


@pytest.mark.parametrize("headers", [pytest.param([*GET, *fields], id=name) for name, fields in MALFORMED.items()])
def test_malformed_requests(headers: list[tuple[str, str]]) -> None:
    """The stream is reset; the connection goes on (RFC 9113, 8.1.1)."""
    assert_reset(headers)


@pytest.mark.parametrize(
    "headers",
    [
        GET[:3],
        GET[1:],
        [*GET[:1], *GET[2:]],
        [*GET[:2], GET[3]],
        [*GET, GET[0]],
        [*GET[:3], (":path", "")],
        [*GET[:3], (":path", "x")],
        [*GET[:3], (":path", "/a b")],
        [*GET[:3], (":path", "/#a")],
        [*GET[:3], (":path", "*")],
        [(":method", "G T"), *GET[1:]],
        [*GET[:2], (":authority", "a@b"), GET[3]],
        [(":method", "CONNECT"), *GET[1:]],
        [(":method", "CONNECT"), (":authority", "h")],
        [(":method", "CONNECT")],
    ],
)
def test_malformed_pseudo_headers(headers: list[tuple[str, str]]) -> None:
    """The same."""
    assert_reset(headers)


def assert_reset(headers: list[tuple[str, str]]) -> None:
    """*headers* are refused, and the next request is served."""
    peer = Peer(tape_of())
    peer.h2.config.validate_outbound_headers = peer.h2.config.normalize_outbound_headers = False
    number = peer.request(headers)
    assert peer.reset(number) == ErrorCodes.PROTOCOL_ERROR
    assert not peer.tape.children("r")
    assert not peer.ended
    peer.request()
    assert len(peer.tape.children("r")) == 1


def test_fields_that_are_allowed() -> None:
    """Cookies are joined, ``te: trailers`` and an equal Host stay."""
    peer = Peer(tape_of())
    peer.request([*GET, ("cookie", "a=1"), ("host", "h"), ("cookie", "b=2"), ("te", "trailers"), ("a", ""), ("a", "x")])
    assert head_of(peer.tape.child("r")).fields["headers"] == {
        "host": "h",
        "cookie": "a=1; b=2",
        "te": "trailers",
        "a": ", x",
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [([("a", "x" * 70_000)], "431"), ([(f"a{n}", "x") for n in range(200)], "431"), ([], "414")],
)
def test_requests_that_are_too_large(fields: list[tuple[str, str]], status: str) -> None:
    """They are answered."""
    peer = Peer(tape_of())
    number = peer.request([*GET[:3], (":path", "/" + "x" * (9000 if status == "414" else 1)), *fields])
    assert peer.headers(number)[":status"] == status
    assert not peer.ended


@pytest.mark.parametrize(
    ("declared", "body"), [("5", None), ("5", b"abcd"), ("3", b"abcd"), ("x", b"abcd"), ("+4", b"abcd")]
)  # fmt: skip
def test_a_wrong_length(declared: str, body: bytes | None) -> None:
    """It ends the stream and no other (RFC 9113, 8.1.1)."""
    peer = Peer(tape_of())
    other = peer.request()
    number = peer.request([*POST, ("content-length", declared)], body)
    assert peer.reset(number) == ErrorCodes.PROTOCOL_ERROR
    answer(peer, peer.tape.child("r"), start(), Data(b"1"), END)
    assert peer.headers(other)[":status"] == "200"
    assert [child.fed[-1] for child in peer.tape.children("r")[1:]] in ([], [StreamEnd(Failure.PROTOCOL_ERROR)])


def test_more_than_the_declared_length() -> None:
    """It is noticed when it comes, and not passed on."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, [*POST, ("content-length", "3")])
    peer.h2.send_data(1, b"abc")
    peer.send()
    assert peer.reset(1) is None
    peer.h2.send_data(1, b"d")
    peer.send()
    assert peer.reset(1) == ErrorCodes.PROTOCOL_ERROR
    assert peer.tape.child("r").fed[1:] == [Data(b"abc"), StreamEnd(Failure.PROTOCOL_ERROR)]


def test_a_wrong_length_with_trailers() -> None:
    """h2 does not look there."""
    peer = Peer(tape_of())
    peer.h2.send_headers(1, [*POST, ("content-length", "5")])
    peer.h2.send_data(1, b"abc")
    peer.h2.send_headers(1, [("x", "y")], end_stream=True)
    peer.send()
    assert peer.reset(1) == ErrorCodes.PROTOCOL_ERROR
    assert peer.tape.child("r").fed[-1] == StreamEnd(Failure.PROTOCOL_ERROR)


def error_of(data: bytes) -> int | None:
    """The error code of the GOAWAY that *data* leads to; None if the connection goes on."""
    tape = tape_of()
    events = tape.play(Data(data)).events
    codes = [frame.error_code for frame in frames(events) if frame.type == GOAWAY]
    assert bool(codes) == (bool(events) and events[-1] == EOS)
    return codes[0] if codes else None


PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION, CALM = 1, 3, 5, 6, 9, 11
REQUEST = raw(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK)
UPLOAD = raw(HEADERS, END_HEADERS, 1, POST_BLOCK)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (HELLO, None),
        (PREFACE + REQUEST, PROTOCOL),
        (PREFACE + raw(4, 1, 0), PROTOCOL),
        (HELLO + raw(0x16, 0, 0, b"x"), None),
        (HELLO + REQUEST + raw(0x16, 255, 1, b"x"), None),
        (HELLO + raw(4, 0, 0, b"x"), SIZE),
        (HELLO + raw(4, 1, 0, bytes(6)), PROTOCOL),
        (HELLO + raw(4, 0, 1), PROTOCOL),
        (HELLO + raw(4, 0, 0, b"\0\x02\0\0\0\x02"), PROTOCOL),
        (HELLO + raw(4, 0, 0, b"\0\x04\x80\0\0\0"), FLOW),
        (HELLO + raw(4, 0, 0, b"\0\x05\0\0\0\x01"), PROTOCOL),
        (HELLO + raw(4, 0, 0, b"\0\x99\0\0\0\x01"), None),
        (HELLO + raw(6, 0, 0, bytes(7)), SIZE),
        (HELLO + raw(6, 0, 1, bytes(8)), PROTOCOL),
        (HELLO + raw(6, 0, 0, bytes(8)), None),
        (HELLO + raw(0, 0, 1, b"x"), PROTOCOL),
        (HELLO + raw(0, 0, 0, b"x"), PROTOCOL),
        (HELLO + raw(3, 0, 1, bytes(4)), PROTOCOL),
        (HELLO + raw(8, 0, 1, b"\0\0\0\x01"), PROTOCOL),
        (HELLO + raw(8, 0, 0, b"\0\0\0\0"), PROTOCOL),
        (HELLO + raw(8, 0, 0, b"\x7f\xff\xff\xff"), FLOW),
        (HELLO + raw(8, 0, 0, b"\0\0\0"), SIZE),
        (HELLO + raw(9, 4, 1, b""), PROTOCOL),
        (HELLO + raw(5, 4, 1, bytes(4) + GET_BLOCK), PROTOCOL),
        (HELLO + raw(1, 5, 2, GET_BLOCK), PROTOCOL),
        (HELLO + raw(1, 5, 0, GET_BLOCK), PROTOCOL),
        (HELLO + raw(1, 5, 3, GET_BLOCK) + REQUEST, PROTOCOL),
        (HELLO + raw(1, 5, 1, b"\xff\xff\xff\xff\xff\xff"), COMPRESSION),
        (HELLO + raw(1, 5, 1, b"\xbf"), COMPRESSION),
        (HELLO + raw(1, 1, 1, GET_BLOCK) + raw(6, 0, 0, bytes(8)), PROTOCOL),
        (HELLO + raw(1, 1, 1, GET_BLOCK[:2]) + raw(9, 0, 1, GET_BLOCK[2:4]) + raw(9, 4, 1, GET_BLOCK[4:]), None),
        (HELLO + raw(1, 1, 1, GET_BLOCK) + raw(9, 4, 3, b""), PROTOCOL),
        (HELLO + raw(1, 9 | 4, 1, b"\x20" + GET_BLOCK), PROTOCOL),
        (HELLO + raw(1, 5 | 0x20, 1, b"\0\0\0\x01\x10" + GET_BLOCK), PROTOCOL),
        (HELLO + raw(2, 0, 3, b"\0\0\0\x03\x10"), PROTOCOL),
        (HELLO + raw(2, 0, 3, b"\0\0\0\x01\x10"), None),
        (HELLO + raw(2, 0, 3, b"\0"), SIZE),
        (HELLO + UPLOAD + raw(1, 4, 1, POST_BLOCK), PROTOCOL),
        (HELLO + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", SIZE),
        (HELLO + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", SIZE),
        (HELLO + UPLOAD + raw(DATA, 8, 1, b"\x05abc"), PROTOCOL),
    ],
)
def test_errors_of_the_connection(data: bytes, code: int | None) -> None:
    """GOAWAY with the code of RFC 9113, then the end; or neither."""
    assert error_of(data) == code


def test_a_window_that_overflows_ends_the_stream() -> None:
    """RFC 9113, 6.9.1."""
    tape = tape_of()
    out = tape.play(Data(HELLO + UPLOAD + raw(8, 0, 1, b"\x7f\xff\xff\xff"))).events
    assert [(frame.stream_id, frame.error_code) for frame in frames(out) if frame.type == RST] == [(1, FLOW)]
    assert tape.child("r").closed


def test_frames_on_a_stream_that_has_ended() -> None:
    """STREAM_CLOSED (RFC 9113, 5.1)."""
    tape = tape_of()
    out = tape.play(Data(HELLO + REQUEST + raw(DATA, 0, 1, b"x"))).events
    codes = [frame.error_code for frame in frames(out) if frame.type in (RST, GOAWAY)]
    assert codes == [CLOSED]
