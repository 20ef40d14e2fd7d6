"""Turns: flushing once, and who waits for what."""

import pytest

from pipy_core import turn as turn_module
from pipy_core.turn import Turn, Valve


class Sink:
    def __init__(self, log, then=None):
        self.log = log
        self.then = then

    def flush(self):
        self.log.append(self)
        if self.then is not None:
            self.then()


def test_every_dirty_sink_is_flushed_once_behind_the_turns_that_follow_on_each_other():
    scheduled, log = [], []
    turn = Turn(lambda: scheduled.append(1))
    one, two = Sink(log), Sink(log)
    turn.dirty.append(one)
    assert turn.finish() == []
    turn.dirty.append(two)
    assert turn.finish() == []
    assert (scheduled, log) == ([1], [])
    turn.flush()
    assert log == [one, two]
    turn.finish()
    turn.flush()
    assert (scheduled, log) == ([1], [one, two])


def test_a_sink_that_raises_leaves_the_others_to_be_flushed():
    turn, log = Turn(lambda: None), []
    turn.dirty += [Sink(log), Sink(log, lambda: 1 // 0), Sink(log)]
    with pytest.raises(ZeroDivisionError):
        turn.flush()
    turn.flush()
    assert len(log) == 3


def test_what_becomes_dirty_while_flushing_is_flushed_too():
    turn, log = Turn(lambda: None), []
    second = Sink(log)
    first = Sink(log, lambda: turn.dirty.append(second))
    turn.dirty.append(first)
    turn.flush()
    assert log == [first, second]
    assert turn.dirty == []


def test_the_reader_waits_for_valves_that_are_still_closed():
    turn, shut, opened = Turn(lambda: None), Valve(), Valve()
    shut.close()
    opened.close()
    turn.held += [shut, opened]
    turn.dirty.append(Sink([], opened.open))
    assert turn.finish() == [shut]
    assert turn.finish() == []


def test_a_valve_resumes_each_waiter_once():
    valve, resumed = Valve(), []
    assert not valve.closed
    valve.close()
    valve.when_open(lambda: resumed.append("a"))
    valve.when_open(lambda: resumed.append("b"))
    assert valve.closed
    valve.open()
    valve.open()
    assert resumed == ["a", "b"]
    assert not valve.closed


def test_who_waits_anew_while_resumed_waits_for_the_next_time():
    valve, resumed = Valve(), []

    def again():
        resumed.append("x")
        valve.when_open(again)

    valve.when_open(again)
    valve.open()
    assert resumed == ["x"]
    valve.open()
    assert resumed == ["x", "x"]


def test_turns_that_are_flushed_together_have_one_time(monkeypatch):
    clock = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(turn_module, "monotonic", lambda: next(clock))
    scheduled = []
    turn = Turn(lambda: scheduled.append(1))
    assert [turn.now(), turn.now()] == [1.0, 1.0]
    assert scheduled == [1]  # the flush that ends this time
    turn.flush()
    assert [turn.now(), turn.now()] == [2.0, 2.0]
    turn.lapse()
    assert turn.now() == 3.0
    assert scheduled == [1, 1]
