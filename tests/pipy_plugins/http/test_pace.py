"""How long servers are waited for, and how many requests may wait for them: over both versions."""

from dataclasses import replace
from typing import Any

import h2.events
import pytest

from pipy_core.counters import Tally
from pipy_core.events import END, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.limits import DEFAULTS
from pipy_core.testing import Tape, target
from pipy_core.testing.clock import FakeClock
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.pace import Pace, Silence
from tests.pipy_plugins.http.v2.test_upstream import Server, full_client

LIMITS = replace(DEFAULTS, response_timeout=20.0, max_pending=2)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def first(version: int = 1, limits: Any = LIMITS, **given: Any) -> Tape:
    settings = {"maxIdle": 1000, "bufferSize": 10, "version": version, "responseTimeout": None, "maxPending": None, **given}
    return with_tally(Tape(MuxHTTP, target("c"), "k", settings, limits=limits))


def with_tally(tape: Tape) -> Tape:
    tape.context.group.tally = Tally("port")
    return tape


def start(method: str = "GET") -> MessageStart:
    return MessageStart(Head({"method": method, "path": "/", "headers": {"host": "h"}}))


def statuses(events: Any) -> list[Any]:
    return [event.head.get("status") for event in events if isinstance(event, MessageStart)]


class TestHTTP1:
    def test_a_server_that_says_nothing(self):
        tape = first()
        tape.play(start(), END).expect()
        tape.advance(20).expect()
        events = tape.advance(5).events
        assert statuses(events) == [504]
        assert events[-1] == StreamEnd(Failure.READ_TIMEOUT)
        assert tape.child("c").closed
        assert tape.context.group.tally.refused == {"response timeout": 1}

    def test_every_byte_counts(self):
        tape = first()
        tape.play(start(), END).expect()
        for byte in OK[:8]:
            tape.advance(19).expect()
            tape.child("c").reply(Data(bytes([byte]))).expect()
        assert statuses(tape.advance(30).events) == [504]

    def test_a_response_that_stops_in_the_middle(self):
        tape = first()
        tape.play(start(), END).expect()
        assert statuses(tape.child("c").reply(Data(OK[:-1])).events) == [200]
        tape.advance(30).expect(StreamEnd(Failure.READ_TIMEOUT))

    def test_events_may_be_rare(self):
        tape = first()
        tape.play(start(), END).expect()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert statuses(tape.child("c").reply(Data(head)).events) == [200]
        tape.advance(1000).expect()

    def test_a_client_that_takes_nothing_is_not_the_server_s_silence(self):
        """Nothing is read from the server meanwhile."""
        tape = first()
        tape.play(start(), END).expect()
        (valve,) = full_client(tape)
        assert statuses(tape.child("c").reply(Data(OK[:-1])).events) == [200]
        assert tape.held
        tape.advance(1000).expect()
        valve.open()
        tape.advance(19).expect()
        tape.advance(11).expect(StreamEnd(Failure.READ_TIMEOUT))

    def test_half_a_request_is_no_question(self):
        tape = first()
        tape.play(start("POST"), Data(b"x" * 200_000)).expect()
        assert tape.child("c").fed
        tape.advance(1000).expect()
        tape.play(END).expect()
        assert statuses(tape.advance(30).events) == [504]

    def test_a_tunnel_may_be_silent(self):
        tape = first()
        tape.play(start("CONNECT"), END).expect()
        tape.child("c").reply(Data(b"HTTP/1.1 200 OK\r\n\r\n")).events  # noqa: B018  # agreed
        tape.advance(1000).expect()

    def test_an_idle_session_is_not_waited_for(self):
        tape = first()
        tape.play(start(), END).expect()
        tape.child("c").reply(Data(OK)).events  # noqa: B018  # answered
        tape.advance(900).expect()
        assert not tape.child("c").closed
        again = with_tally(tape.again())
        again.play(start(), END).expect()
        assert statuses(again.advance(26).events) == [504]

    def test_those_behind_go_elsewhere(self):
        tape = first()
        tape.play(start("POST"), END).expect()
        other = with_tally(tape.again())
        other.play(start(), END).expect()
        assert statuses(tape.advance(26).events) == [504]
        assert len(tape.children("c")) == 2
        assert tape.child("c", 1).fed

    @pytest.mark.parametrize("method", ["POST", "GET"])  # others are sent behind a GET at once
    def test_no_more_may_wait_than_that(self, method):
        tape = first()
        tape.play(start(method), END).expect()
        for _ in range(2):
            tape.again().play(start(), END).expect()
        refused = with_tally(tape.again())
        events = refused.play(start(), END).events
        assert [type(event).__name__ for event in events] == ["MessageStart", "MessageEnd"]
        assert events[0].head.fields["headers"] == {"retry-after": "5"}
        assert statuses(events) == [503]
        assert tape.context.group.tally.refused == {"pending": 1}


class TestHTTP2:
    def begin(self, **given):
        tape = first(2, **given)
        tape.play(start(), END).expect()
        server = Server(tape)
        server.read()
        server.send()
        return tape, server

    def test_a_server_that_is_dead(self):
        tape, _ = self.begin()
        tape.advance(20).expect()
        assert statuses(tape.advance(10).events) == [504]
        assert not tape.child("c").closed  # it has said hello
        again = with_tally(tape.again())
        again.play(start(), END).expect()
        assert statuses(again.advance(30).events) == [504]
        assert tape.child("c").closed

    def test_half_a_request_is_no_question(self):
        tape = first(2)
        tape.play(start("POST")).expect()
        tape.advance(1000).expect()
        tape.play(END).expect()
        assert statuses(tape.advance(30).events) == [504]

    def test_a_server_that_forgets_one_stream(self):
        tape, server = self.begin()
        other = with_tally(tape.again())
        tape.advance(15).expect()
        other.play(start(), END).expect()
        server.read()
        assert statuses(server.respond(3, [(":status", "200")])) == []
        events = tape.advance(15).events
        assert statuses(events) == [504]
        assert [type(event) for event in server.read(h2.events.StreamReset)] == [h2.events.StreamReset]
        assert tape.context.group.tally.refused == {"response timeout": 1}

    def test_a_body_may_take_its_time(self):
        tape, server = self.begin()
        assert statuses(server.respond(1, [(":status", "200")], end=False)) == [200]
        tape.advance(1000).expect()

    def test_no_more_may_wait_than_that(self):
        tape = first(2)
        tape.play(start(), END).expect()
        server = Server(tape)
        server.read()
        others = [with_tally(tape.again()) for _ in range(150)]
        answers = [statuses(other.play(start(), END).events + other.advance(0).events) for other in others]
        assert tape.context.group.tally.refused == {"pending": answers.count([503])}
        assert answers.count([]) == len(answers) - answers.count([503])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"responseTimeout": None, "maxPending": None}, Pace(20.0, 2)),
        ({"responseTimeout": 0.0, "maxPending": 7.0}, Pace(0.0, 7)),
        ({}, Pace(20.0, 2)),
    ],
)
def test_options_win(settings, expected):
    assert Pace.of(settings, LIMITS) == expected


class TestSilence:
    def make(self, timeout=4.0):
        self.due: dict[str, int] = {}
        self.over: list[str] = []
        self.clock = FakeClock()
        return Silence[str](self.clock, timeout, self._due, self.over.extend)

    def _due(self):
        return self.due.items()

    def test_one_timer_for_all(self):
        silence = self.make()
        self.due = {"a": 0, "b": 0}
        for _ in range(5):
            silence.arm()
        assert len(self.clock._timers) == 1
        self.clock.advance(3)
        self.due["b"] = 1
        self.clock.advance(2)
        assert self.over == ["a"]
        del self.due["a"]
        self.clock.advance(3)
        assert self.over == ["a", "b"]

    def test_it_rests_when_nothing_is_due(self):
        silence = self.make()
        silence.arm()
        self.clock.advance(1)
        assert not self.clock._timers
        assert not silence.armed

    def test_for_ever(self):
        silence = self.make(0.0)
        assert silence.armed
        silence.arm()
        assert not self.clock._timers
