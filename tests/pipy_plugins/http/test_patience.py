"""How long clients are waited for, and how many requests they may have."""

from dataclasses import replace

import pytest
from hyperframe.frame import GoAwayFrame, PingFrame

from pipy_core.counters import Tally
from pipy_core.events import END, EOS, Data, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.limits import DEFAULTS, Limits
from pipy_core.testing import Tape, logged, target
from pipy_core.testing.guards import expire, look
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.patience import refusal
from pipy_plugins.http.serve import ServeHTTP
from tests.pipy_plugins.http.v2.peer import DATA, GET, HEADERS, HELLO, PING, POST_BLOCK, Peer, frames, raw

LIMITS = replace(DEFAULTS, header_timeout=10.0, body_timeout=20.0, idle_timeout=30.0, write_timeout=40.0)
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
CLOSE = b"content-length: 0\r\nconnection: close\r\n\r\n"


def served(limits: Limits = LIMITS) -> Tape:
    tape = Tape(ServeHTTP, Message(Head({}), Data(b"hi")), limits=limits)
    tape.context.group.tally = Tally("port")
    return tape


def demuxed(limits: Limits = LIMITS) -> Tape:
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10}, limits=limits)
    tape.context.group.tally = Tally("port")
    return tape


def wire(events) -> bytes:
    return b"".join(event.payload if isinstance(event, Data) else b"|" if isinstance(event, StreamEnd) else b"" for event in events)


def answer(tape: Tape, number: int = 0) -> bytes:
    return wire(tape.child("r", number).reply(MessageStart(Head({"status": 200})), END).events)


def watch(tape: Tape, seconds: int, *, held: bool = False) -> tuple[int, str]:
    """Look every second; after how many it was over, and why."""
    for passed in range(seconds + 1):
        cause = look(tape, held=held)
        if cause:
            return passed, cause
        tape.advance(1).expect()
    return seconds, ""


BOTH = pytest.mark.parametrize("tape_of", [served, demuxed])


@BOTH
class TestHeads:
    def test_a_client_that_says_nothing(self, tape_of):
        tape = tape_of()
        assert watch(tape, 20) == (10, "header timeout")
        expire(tape).expect(StreamEnd())
        assert tape.context.group.guard is None

    def test_one_that_never_gets_to_the_end_of_its_head(self, tape_of):
        tape = tape_of()
        for passed in range(10):
            assert look(tape) == ""
            tape.play(Data(REQUEST[passed : passed + 1])).expect()
            tape.advance(1).expect()
        assert look(tape) == "header timeout"
        assert wire(expire(tape).events) == b"HTTP/1.1 408 Request Timeout\r\n" + CLOSE + b"|"

    def test_what_comes_after_that_is_nothing(self, tape_of):
        tape = tape_of()
        tape.play(Data(REQUEST[:10])).expect()
        expire(tape).events  # noqa: B018  # see above
        tape.play(Data(REQUEST[10:])).expect()

    def test_every_head_has_its_time(self, tape_of):
        tape = tape_of()
        look(tape)
        tape.advance(8).expect()
        tape.play(Data(REQUEST)).events  # noqa: B018  # not what this is about
        if tape_of is demuxed:
            answer(tape)
        tape.play(Data(REQUEST[:5])).expect()
        assert watch(tape, 20) == (10, "header timeout")


@BOTH
class TestBodies:
    def test_one_that_stops(self, tape_of):
        tape = tape_of()
        tape.play(Data(UPLOAD + b"12")).expect()
        assert watch(tape, 30) == (20, "body timeout")
        assert wire(expire(tape).events) == b"HTTP/1.1 408 Request Timeout\r\n" + CLOSE + b"|"

    def test_one_that_gets_on(self, tape_of):
        tape = tape_of()
        tape.play(Data(UPLOAD)).expect()
        for _ in range(9):
            assert watch(tape, 18) == (18, "")
            tape.play(Data(b".")).expect()

    def test_one_that_nobody_reads(self, tape_of):
        tape = tape_of()
        tape.play(Data(UPLOAD)).expect()
        assert watch(tape, 100, held=True) == (100, "")
        assert watch(tape, 30) == (20, "body timeout")


class TestDemux:
    def test_who_waits_for_an_answer_is_not_waited_for(self):
        tape = demuxed()
        tape.play(Data(REQUEST)).expect()
        assert watch(tape, 1000) == (1000, "")
        assert not tape.context.group.guard.idle
        answer(tape)
        assert watch(tape, 40) == (30, "idle timeout")

    def test_who_was_not_told_to_go_on_is_not_waited_for(self):
        tape = demuxed()
        tape.play(Data(UPLOAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))).expect()
        assert watch(tape, 100) == (100, "")

    def test_an_answer_that_has_begun_is_cut(self):
        tape = demuxed()
        tape.play(Data(UPLOAD)).expect()
        tape.child("r").reply(MessageStart(Head({"status": 200})), Data(b"x" * 20)).events  # noqa: B018  # it has been sent
        assert watch(tape, 30) == (20, "body timeout")
        expire(tape).expect(StreamEnd(Failure.PROTOCOL_ERROR))

    def test_tunnels_may_be_silent(self):
        tape = demuxed()
        tape.play(Data(b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n")).expect()
        answer(tape)
        assert watch(tape, 1000) == (1000, "")


@BOTH
class TestBetween:
    def test_one_that_asks_for_nothing_more(self, tape_of):
        tape = tape_of()
        tape.play(Data(REQUEST)).events  # noqa: B018  # see above
        if tape_of is demuxed:
            answer(tape)
        assert tape.context.group.guard.idle
        assert watch(tape, 40) == (30, "idle timeout")
        expire(tape).expect(StreamEnd())

    def test_one_that_does_now_and_then(self, tape_of):
        tape = tape_of()
        for number in range(5):
            tape.play(Data(REQUEST)).events  # noqa: B018  # see above
            if tape_of is demuxed:
                answer(tape, number)
            assert watch(tape, 29) == (29, "")

    def test_without_limits_nobody_is_late(self, tape_of):
        tape = tape_of(replace(LIMITS, header_timeout=0.0, body_timeout=0.0, idle_timeout=0.0))
        assert watch(tape, 100) == (100, "")
        tape.play(Data(UPLOAD)).expect()
        assert watch(tape, 100) == (100, "")


@BOTH
class TestNumbers:
    def test_the_last_request_ends_the_connection(self, tape_of):
        tape = tape_of(replace(LIMITS, max_requests=2))
        first, second = (
            wire(tape.play(Data(REQUEST)).events) + (answer(tape, number) if tape_of is demuxed else b"") for number in range(2)
        )
        assert b"keep-alive" in first
        assert b"connection: close" in second
        assert second.endswith(b"|")
        assert tape.context.group.tally.refused == {"requests": 1}

    def test_where_memory_is_short_requests_are_refused(self, tape_of):
        limits = Limits()
        tape = tape_of(limits)
        limits.load.memory_short = True
        refusals = wire(tape.play(Data(REQUEST * 2)).events)
        assert refusals == b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n" + CLOSE + b"|"
        assert tape.context.group.tally.refused == {"memory": 1}

    @pytest.mark.parametrize(
        ("limits", "request_", "status", "cause"),
        [
            ({"max_request_line": 100}, b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"414", "header size"),
            ({"max_request_line": 100}, b"GET /" + b"a" * 100, b"414", "header size"),
            ({"max_header_size": 300}, b"GET / HTTP/1.1\r\nHost: h\r\nx: " + b"a" * 300 + b"\r\n\r\n", b"431", "header size"),
            ({"max_header_size": 300}, b"GET / HTTP/1.1\r\nHost: h\r\nx: " + b"a" * 300, b"431", "header size"),
            ({"max_header_count": 2}, b"GET / HTTP/1.1\r\nHost: h\r\na: b\r\nc: d\r\n\r\n", b"431", "header size"),
            ({}, b"GET / HTTP/1.1\r\n\r\n", b"400", "protocol"),
        ],
    )
    def test_what_is_too_large_is_refused(self, tape_of, limits, request_, status, cause):
        tape = tape_of(replace(DEFAULTS, **limits))
        assert wire(tape.play(Data(request_)).events).startswith(b"HTTP/1.1 " + status)
        assert tape.context.group.tally.refused == {cause: 1}


def test_a_body_for_a_function_is_limited():
    tape = Tape(ServeHTTP, lambda _message: Message(Head({})), limits=replace(DEFAULTS, max_body_buffer=9))
    tape.context.group.tally = Tally("port")
    assert wire(tape.play(Data(UPLOAD + b"0123456789")).events).startswith(b"HTTP/1.1 413")
    assert tape.context.group.tally.refused == {"body size": 1}


def test_the_innermost_one_is_not_asked():
    """A connection inside a connection is whoever speaks with the client's business."""
    tape = demuxed()
    guard = tape.context.group.guard
    inner = Tape(ServeHTTP, Message(Head({})), world=tape.world)
    inner.pipeline.context.group = tape.context.group
    inner.pipeline._filters[0].begin()
    assert tape.context.group.guard is guard
    inner.close().expect()
    assert tape.context.group.guard is guard


def test_refusals_have_causes():
    assert [refusal(status) for status in (400, 413, 414, 431, 503)] == [
        *("protocol", "body size", "header size", "header size", "memory")
    ]


class TestHTTP2:
    def test_a_client_that_asks_for_nothing(self):
        tape = demuxed()
        Peer(tape)
        assert watch(tape, 20) == (10, "header timeout")
        assert expire(tape).events[-1] == EOS

    def test_a_client_that_asks_for_nothing_more(self):
        tape = demuxed()
        peer = Peer(tape)
        peer.request()
        assert watch(tape, 100) == (100, "")
        peer.take(tape.child("r").reply(MessageStart(Head({"status": 200})), END).events)
        assert watch(tape, 40) == (30, "idle timeout")
        peer.take(expire(tape).events)
        assert (peer.goaway(), peer.ended) == (0, True)

    def test_a_body_that_stops(self):
        tape = demuxed()
        peer = Peer(tape)
        tape.play(Data(raw(HEADERS, 4, 1, POST_BLOCK) + raw(DATA, 0, 1, b"abc"))).events  # noqa: B018  # it is on its way
        assert watch(tape, 30) == (20, "body timeout")
        assert tape.context.group.guard.look(tape.world.now(), False) == "body timeout"
        expire(tape).events  # noqa: B018  # the reset
        assert tape.child("r").fed[-1] == StreamEnd(Failure.READ_TIMEOUT)
        assert not peer.ended

    def test_a_body_that_gets_on(self):
        tape = demuxed()
        tape.play(Data(HELLO + raw(HEADERS, 4, 1, POST_BLOCK))).events  # noqa: B018  # it is on its way
        for _ in range(5):
            assert watch(tape, 19) == (19, "")
            tape.play(Data(raw(DATA, 0, 1, b"abc"))).expect()

    @pytest.mark.parametrize(
        "block",
        [pytest.param(POST_BLOCK + b"\x0f\x10\x10application/grpc", id="grpc")],
    )
    def test_streams_of_messages_may_pause(self, block):
        tape = demuxed()
        tape.play(Data(HELLO + raw(HEADERS, 4, 1, block))).events  # noqa: B018  # it is on its way
        assert watch(tape, 200) == (200, "")

    def test_an_answer_that_has_begun_may_pause(self):
        tape = demuxed()
        tape.play(Data(HELLO + raw(HEADERS, 4, 1, POST_BLOCK))).events  # noqa: B018  # it is on its way
        tape.child("r").reply(MessageStart(Head({"status": 200})), Data(b"x" * 20)).events  # noqa: B018  # nor this
        assert watch(tape, 200) == (200, "")

    def test_an_answer_that_nobody_takes(self):
        tape = demuxed()
        peer = Peer(tape, window=5)
        number = peer.request()
        peer.take(tape.child("r").reply(MessageStart(Head({"status": 200})), Data(b"x" * 20), END).events)
        assert peer.body(number) == b"x" * 5
        assert watch(tape, 50) == (40, "write timeout")
        peer.take(expire(tape).events)
        assert peer.reset(number) == 8

    def test_an_answer_that_is_taken_slowly(self):
        tape = demuxed()
        peer = Peer(tape, window=5)
        number = peer.request()
        peer.take(tape.child("r").reply(MessageStart(Head({"status": 200})), Data(b"x" * 20), END).events)
        for _ in range(3):
            assert watch(tape, 39) == (39, "")
            peer.h2.increment_flow_control_window(5, number)
            peer.send()
        assert peer.is_complete(number)

    def test_the_last_request_ends_the_connection(self):
        tape = demuxed(replace(LIMITS, max_requests=2))
        peer = Peer(tape)
        for expected in ([], [GoAwayFrame, PingFrame]):
            peer.request()
            assert [type(frame) for frame in frames(tape.advance(0).events)] == expected
        assert tape.context.group.tally.refused == {"requests": 1}

    @pytest.mark.parametrize(
        ("limits", "more", "status"),
        [
            ({"max_header_count": 3}, [("a", "b"), ("c", "d"), ("e", "f")], "431"),
            ({"max_header_size": 300}, [("a", "b" * 300)], "431"),
            ({"max_request_line": 64}, [], "414"),
        ],
    )
    def test_what_is_too_large_is_refused(self, limits, more, status):
        tape = demuxed(replace(DEFAULTS, **limits))
        peer = Peer(tape)
        long = [*GET[:3], (":path", "/" + "a" * 70)]
        number = peer.request([*(long if status == "414" else GET), *more])
        assert peer.headers(number)[":status"] == status
        assert tape.context.group.tally.refused == {"header size": 1}

    def test_where_memory_is_short_requests_are_refused(self):
        limits = Limits()
        limits.load.memory_short = True
        tape = demuxed(limits)
        peer = Peer(tape)
        number = peer.request()
        assert peer.headers(number) == {":status": "503", "retry-after": "5", "content-length": "0"}

    def test_floods_are_counted(self):
        tape = demuxed()
        with logged() as lines:
            tape.play(Data(HELLO + raw(PING, 0, 0, bytes(8)) * 2100)).events  # noqa: B018  # the end of it
        assert tape.context.group.tally.refused == {"flood": 1}
        assert len(lines) == 1


PIPELINED = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 5


@pytest.mark.parametrize("cut", [len(PIPELINED), 40])
def test_nothing_is_read_behind_the_last_request(cut):
    """However much comes: the answers to those before it are not lost."""
    served = Tape(ServeHTTP, Message(Head({})), limits=replace(DEFAULTS, max_requests=2))
    sent = wire(served.play(Data(PIPELINED[:cut]), Data(PIPELINED[cut:])).events)
    assert (sent.count(b"200 OK"), sent.count(b"connection: close")) == (2, 1)
    tape = demuxed(replace(DEFAULTS, max_requests=2))
    assert tape.play(Data(PIPELINED[:cut]), Data(PIPELINED[cut:])).events == []
    first, second = tape.children()
    sent = b"".join(wire(child.reply(MessageStart(Head({})), END).events) for child in (second, first))
    assert (sent.count(b"200 OK"), sent.count(b"connection: close")) == (2, 1)
    assert tape.context.group.guard is None


@pytest.mark.parametrize(("large", "status"), [(True, b"413"), (False, b"502")])
def test_a_request_that_was_too_large_for_a_filter(large, status):
    """The client is told that it was its request, and not that of the server."""
    tape = demuxed()
    tape.play(Data(PIPELINED[:30])).expect()
    child = tape.children()[0]
    if large:
        assert child.fed[0].head.too_large()
    assert wire(child.reply(StreamEnd(Failure.BUFFER_OVERFLOW)).events)[9:12] == status
