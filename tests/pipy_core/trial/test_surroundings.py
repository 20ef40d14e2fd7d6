"""Turns, time and input of a script under test follow the rules of the real reactor."""

import pytest

from pipy_core.events import EOS, Data, Failure, StreamEnd
from pipy_core.trial import surroundings
from pipy_core.trial.surroundings import START, Inlet, Stuck, Surroundings
from pipy_core.turn import Valve


class Sink:
    def __init__(self, log, error=None):
        self.log = log
        self.error = error

    def flush(self):
        self.log.append("flushed")
        if self.error is not None:
            raise self.error


@pytest.fixture
def reports():
    return []


@pytest.fixture
def around(reports):
    return Surroundings(lambda error, where: reports.append((type(error), where)), None, None)


def test_what_a_turn_has_written_is_flushed_at_its_end(around):
    log = []

    def step():
        around.turn.dirty.append(Sink(log))
        log.append("stepped")

    assert around.run(step) == []
    assert log == ["stepped", "flushed"]


def test_an_error_is_reported_and_what_was_written_is_flushed_all_the_same(around, reports):
    log = []

    def step():
        around.turn.dirty += [Sink(log, KeyError()), Sink(log)]
        raise ZeroDivisionError

    around.run(step)
    assert log == ["flushed", "flushed"]
    assert reports == [(ZeroDivisionError, "turn"), (KeyError, "flush")]


def test_timers_have_turns_of_their_own(around, reports):
    log = []

    def fire():
        around.turn.dirty.append(Sink(log))
        raise ZeroDivisionError

    around.after(2, fire)
    cancelled = around.after(1, lambda: log.append("no"))
    cancelled.cancel()
    assert around.until_next() == 2
    around.advance(1.9)
    assert log == []
    around.advance(0.1)
    assert log == ["flushed"]
    assert reports == [(ZeroDivisionError, "turn")]
    assert around.until_next() is None


def test_the_date_goes_with_the_clock(around):
    assert around.date == START
    around.advance(2)
    assert around.date == START + 2
    around.date = 5.0
    around.advance(1)
    assert around.date == 6.0


def test_circles_are_found(around):
    def again():
        around.after(0, again)

    again()
    with pytest.raises(Stuck, match="runs in circles"):
        around.settle()


def test_many_timers_with_time_between_them_are_no_circle(around, monkeypatch):
    monkeypatch.setattr(surroundings, "INSTANT_LIMIT", 10)
    count = 0

    def again():
        nonlocal count
        count += 1
        around.after(0.125, again)

    again()
    around.advance(10)
    assert count == 81


@pytest.mark.parametrize(("address", "name"), [(("a.example", 80), "a.example:80"), (("::1", 80), "[::1]:80")])
def test_upstreams_are_named_as_scripts_name_them(reports, address, name):
    dialled = []
    around = Surroundings(None, lambda *args: dialled.append(args), None)
    around.connect(address, {}, None)
    assert dialled == [(name, {}, None)]


class TestInlet:
    def test_each_event_has_a_turn_of_its_own_later(self, around):
        got = []
        inlet = Inlet(around, got.append)
        inlet.put(Data(b"a"))
        inlet.put(EOS)
        inlet.put(Data(b"behind the end"))
        assert got == []
        around.settle()
        assert got == [Data(b"a"), EOS]

    def test_it_waits_while_the_program_has_enough(self, around):
        got, valve = [], Valve()

        def receive(event):
            got.append(event)
            if len(got) == 1:
                valve.close()
                around.turn.held.append(valve)

        inlet = Inlet(around, receive)
        inlet.put(Data(b"a"))
        inlet.put(Data(b"b"))
        around.settle()
        assert got == [Data(b"a")]
        inlet.put(Data(b"c"))
        around.settle()
        assert got == [Data(b"a")]
        around.run(valve.open)
        around.settle()
        assert got == [Data(b"a"), Data(b"b"), Data(b"c")]

    def test_it_ends_when_nothing_comes_for_long(self, around):
        got = []
        inlet = Inlet(around, got.append, read_timeout=5)
        around.advance(4)
        inlet.put(Data(b"a"))
        around.advance(4)
        assert got == [Data(b"a")]
        around.advance(1)
        assert got == [Data(b"a"), StreamEnd(Failure.READ_TIMEOUT)]

    def test_when_stopped_it_is_silent(self, around):
        got = []
        inlet = Inlet(around, got.append, read_timeout=5)
        inlet.put(Data(b"a"))
        inlet.stop()
        inlet.put(Data(b"b"))
        around.advance(9)
        assert got == []
