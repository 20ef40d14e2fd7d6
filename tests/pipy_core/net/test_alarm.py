"""A timer that is set again and again."""

import pytest

from pipy_core.net.alarm import Alarm
from pipy_core.testing.clock import FakeClock


class Clock(FakeClock):
    """A reactor's clock; counts the timers that were started."""

    started = 0

    def after(self, seconds, then):
        self.started += 1
        return super().after(seconds, then)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rung():
    return []


@pytest.fixture
def alarm(clock, rung):
    return Alarm(clock, 10.0, lambda: rung.append(clock.now()))


def test_it_goes_off_once(clock, alarm, rung):
    alarm.set()
    clock.advance(9.9)
    assert rung == []
    clock.advance(100)
    assert rung == [1010.0]


def test_every_setting_counts_and_costs_no_timer(clock, alarm, rung):
    for _ in range(100):
        alarm.set()
        clock.advance(0.5)
    assert rung == []
    assert clock.started <= 6
    clock.advance(20)
    assert rung == [1000 + 99 * 0.5 + 10]


def test_while_it_rests_nothing_happens(clock, alarm, rung):
    alarm.set()
    alarm.rest()
    clock.advance(100)
    assert rung == []
    alarm.set()
    clock.advance(10)
    assert rung == [1110.0]


def test_a_rest_that_ends_in_time_does_not_count(clock, alarm, rung):
    alarm.set()
    clock.advance(6)
    alarm.rest()
    alarm.set()
    clock.advance(9)
    assert rung == []
    clock.advance(1)
    assert rung == [1016.0]


def test_nobody_needs_it(clock, alarm, rung):
    alarm.cancel()
    alarm.set()
    alarm.cancel()
    clock.advance(100)
    assert rung == []
    assert all(timer.then is None for _, _, timer in clock._timers)


class Round:
    """A reactor whose loop goes round when the test says."""

    def __init__(self):
        self.time = 0.0
        self.timers = []

    def now(self):
        return self.time

    def after(self, seconds, then):
        self.timers.append((self.time + seconds, then))
        return then

    def go(self):
        """Let the timers fire that are due now."""
        due = [then for at, then in self.timers if at <= self.time]
        self.timers = [(at, then) for at, then in self.timers if at > self.time]
        for then in due:
            then()


def test_the_loop_goes_round_once_more_before_it_goes_off(rung):
    loop = Round()
    alarm = Alarm(loop, 10.0, lambda: rung.append(loop.time))
    alarm.set()
    for late in (30.0, 60.0):  # the process was held up for so long
        loop.time = late
        loop.go()
        alarm.set()  # what came meanwhile is read after that
        loop.go()
        assert rung == []
    loop.time = 70.0
    loop.go()
    assert rung == []
    loop.go()
    assert rung == [70.0]
