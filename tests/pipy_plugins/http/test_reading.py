"""Requests that come together wait for room, whatever filter decodes them."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import END, EOS, Data, Event, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.kit.pressure import press, relieve
from pipy_core.limits import DEFAULTS
from pipy_core.testing import Tape, merged, target
from pipy_core.testing.guards import look
from pipy_core.turn import Valve
from pipy_plugins.http.codecs import DecodeRequest
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.serve import ServeHTTP
from pipy_plugins.http.v2.preface import SWITCHING
from tests.pipy_plugins.http.test_requests import decode, short
from tests.pipy_plugins.http.v2.peer import HELLO as PREFACE
from tests.pipy_plugins.http.v2.test_upgrade import upgrade

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
CONNECT = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
HELLO = Message(Head({}), Data(b"hi"))
AGREED = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"  # to the settings behind the preface


class Answering(Filter):
    """Answers when it has all of a request."""

    def process(self, event: Event) -> None:
        if event is END:
            self.emit(MessageStart(Head({})))
            self.emit(Data(b"hi"))
            self.emit(END)
        elif isinstance(event, StreamEnd):
            self.emit(event)


class Narrow(Filter):
    """Is full with every piece that comes out here."""

    def __init__(self, valves: list[Valve]) -> None:
        self._valves = valves

    def process(self, event: Event) -> None:
        if isinstance(event, Data) and event.payload:
            self._valves.append(press(self.host, None))
        self.emit(event)


class Line:
    """A connection whose client takes one answer at a time."""

    def __init__(self, make: Callable[[Filter], Tape]) -> None:
        self.valves: list[Valve] = []
        self.tape = make(Narrow(self.valves))

    def play(self, *events: Event) -> str:
        """What comes out: ``2`` for an answer, ``4`` for one with 400, ``|`` for the end."""
        return told(self.tape.play(*events).events)

    def take(self) -> str:
        """The client takes what there is; what comes out then."""
        while self.valves:
            relieve(self.valves.pop())
        return told(self.tape.advance(0).events)


def told(events: list[Event]) -> str:
    """See ``Line.play``."""
    return "".join(
        "|" if isinstance(event, StreamEnd) else "4" if b" 400 " in event.payload else "2"
        for event in events
        if isinstance(event, Data | StreamEnd)
    )


def served(narrow: Filter) -> Tape:
    return Tape([(ServeHTTP, HELLO), lambda: narrow])


def demuxed(narrow: Filter) -> Tape:
    return Tape([(DemuxHTTP, target("r", [Answering]), {"bufferSize": 10}), lambda: narrow])


def decoded(narrow: Filter) -> Tape:
    return Tape([DecodeRequest, Answering, lambda: narrow])


Kind: TypeAlias = Callable[[Filter], Tape]
ALL = pytest.mark.parametrize("kind", [served, demuxed, decoded])
SERVERS = pytest.mark.parametrize("kind", [served, demuxed])


@ALL
def test_the_next_one_waits_for_room(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET * 3)) == "2"
    assert line.tape.held
    assert line.tape.advance(0).events == []
    assert line.take() == "2"
    assert line.take() == "2"
    assert line.take() == ""
    assert not line.tape.pipeline.busy()
    assert line.play(Data(GET)) == "2"


@ALL
def test_what_comes_meanwhile_waits_too_and_so_does_who_brings_it(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET + POST[:-1])) == "2"
    waiting = line.tape.world.valves
    assert line.play(Data(POST[-1:] + GET[:5])) == ""
    assert line.tape.held
    assert line.play(Data(GET[5:])) == ""
    assert line.take() == "2"
    assert any(valve.closed for valve in waiting)
    assert line.take() == "2"
    assert not any(valve.closed for valve in waiting if valve not in line.valves)


def test_it_does_not_matter_how_much_waits() -> None:
    """Who brought it goes on when it is decoded, not when it is answered."""

    class AnsweringGet(Answering):
        def process(self, event: Event) -> None:
            if isinstance(event, MessageStart) and event.head is not None and event.head.get("method") == "GET":
                super().process(END)

    line = Line(lambda narrow: Tape([(DemuxHTTP, target("r", [AnsweringGet]), {"bufferSize": 10}), lambda: narrow]))
    body = bytes(200_000)
    assert line.play(Data(GET + b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) == "2"
    assert line.tape.held
    waiting = line.tape.world.valves
    assert line.take() == ""
    assert not any(valve.closed for valve in waiting)


@ALL
def test_a_message_is_finished_and_half_a_head_is_no_request(kind: Kind) -> None:
    """There is nothing to wait for in the middle of one."""
    line = Line(kind)
    assert line.play(Data(GET), Data(POST[:-1])) == "2"
    assert line.play(Data(POST[-1:] + GET[:-1])) == "2"
    assert line.play(Data(GET[-1:])) == "2"


@ALL
def test_the_end_comes_behind_what_waits(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET * 2), EOS) == "2"
    assert line.tape.pipeline.busy()
    assert line.take() == "2|"
    assert line.take() == ""


@ALL
def test_a_failure_does_not_wait(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET * 2), StreamEnd(Failure.READ_ERROR)) == "2|"
    assert line.take() == ""
    assert not line.tape.held


@ALL
def test_the_end_of_the_connection(kind: Kind) -> None:
    """Nothing is made for nobody, and who waits is let go."""
    line = Line(kind)
    assert line.play(Data(GET * 3)) == "2"
    assert line.tape.held
    waiting = line.tape.world.valves
    line.tape.close().expect()
    assert line.take() == ""
    assert not any(valve.closed for valve in waiting)


@SERVERS
def test_what_is_malformed_is_answered_in_its_turn(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET + GET + b"\0" + GET), EOS) == "2"
    assert line.take() + line.take() + line.take() == "24|"


def test_what_is_malformed_ends_a_stream_of_requests_once() -> None:
    line = Line(decoded)
    assert line.play(Data(GET + GET + b"\0" + GET), EOS) == "2"
    assert line.take() + line.take() + line.take() == "2|"


@ALL
def test_the_last_request_is_the_last_one(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET + LAST + GET)) == "2"
    assert line.take() == ("2" if kind is decoded else "2|")
    assert line.take() == ("2" if kind is decoded else "")


@SERVERS
def test_draining_answers_what_waits(kind: Kind) -> None:
    """Only the last answer says that it is the last one."""
    line = Line(kind)
    assert line.play(Data(GET * 3)) == "2"
    for _ in range(3):
        line.tape.drain().expect()
    assert line.take() == "2"
    relieve(line.valves.pop())
    *_, last, end, over = line.tape.advance(0).events
    assert isinstance(last, Data)
    assert b"connection: close\r\n" in last.payload
    assert (end, over) == (END, EOS)


@SERVERS
def test_nobody_waits_for_a_client_whose_requests_wait(kind: Kind) -> None:
    """Whether or not it may still be read from."""
    line = Line(kind)
    assert line.play(Data(GET * 2 + GET[:-1]), EOS) == "2"
    for _ in range(3):
        assert look(line.tape) == ""
        line.tape.advance(DEFAULTS.header_timeout + 1).expect()
    guard = line.tape.context.group.guard
    assert guard is not None
    assert not guard.idle
    assert line.take() == "2|"


@SERVERS
def test_a_change_of_protocol_among_what_waits(kind: Kind) -> None:
    line = Line(kind)
    assert line.play(Data(GET + upgrade() + PREFACE)) == "2"
    relieve(line.valves.pop())
    sent = b"".join(event.payload for event in line.tape.advance(0).events if isinstance(event, Data))
    assert sent.startswith(SWITCHING)
    assert b"hi" in sent
    assert sent.endswith(AGREED)


class TestOthersTurn:
    """Requests behind one for another protocol are decoded when that is refused: in the turn of whoever brings the answer."""

    @pytest.fixture
    def line(self) -> Line:
        line = Line(lambda narrow: Tape([(DemuxHTTP, target("r"), {"bufferSize": 10}), lambda: narrow]))
        assert line.play(Data(CONNECT + GET * 2)) == ""
        played = line.tape.child("r").reply(MessageStart(Head({"status": 403})), END)
        assert told(played.events) == "2"
        return line

    def test_the_one_who_answers_does_not_wait_for_the_requests(self, line: Line) -> None:
        assert len(line.tape.children("r")) == 2  # the third one waits
        assert line.tape.world.valves == line.valves

    def test_who_brings_more_does(self, line: Line) -> None:
        assert line.play(Data(GET)) == ""
        assert line.tape.held
        waiting = line.tape.world.valves
        assert line.take() == ""
        assert len(line.tape.children("r")) == 4
        assert not any(valve.closed for valve in waiting)

    def test_what_is_malformed_is_answered_in_its_turn(self, line: Line) -> None:
        assert line.play(Data(b"\0")) == ""
        assert line.take() == ""
        two, three = line.tape.children("r")[1:]
        assert told(two.reply(MessageStart(Head({})), END).events) == "2"
        assert told(three.reply(MessageStart(Head({})), END).events) == "24|"


def test_a_change_of_protocol_behind_one_that_was_refused() -> None:
    """All that came behind it is heard, although nothing more comes."""
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10})
    tape.play(Data(CONNECT + upgrade() + PREFACE)).expect()
    refusal, *switched = tape.child("r").reply(MessageStart(Head({"status": 403})), END).events[1:]
    assert isinstance(refusal, Data)
    assert refusal.payload.startswith(b"HTTP/1.1 403 ")
    sent = b"".join(event.payload for event in switched if isinstance(event, Data))
    assert sent.startswith(SWITCHING)
    assert sent.endswith(AGREED)


@given(
    st.lists(st.sampled_from([GET, POST, GET.replace(b"GET", b"\r\nHEAD")]), min_size=1, max_size=8).map(b"".join),
    st.lists(st.integers(1, 60), max_size=8),
    st.data(),
)
def test_pauses_mean_nothing(wire: bytes, cuts: list[int], data: st.DataObject) -> None:
    """Wherever they are."""
    events: list[Event] = []
    decoder = RequestDecoder(events.append, pauses=lambda: data.draw(st.booleans()))
    start = 0
    for size in [*cuts, len(wire)]:
        decoder.feed(wire[start : start + size])
        start += size
        if data.draw(st.booleans()):
            decoder.go_on()
    while decoder.held:
        decoder.go_on()
        decoder.feed(b"")
    assert "".join(map(str, short(merged(events)))) == "".join(map(str, short(decode([wire])[0])))
