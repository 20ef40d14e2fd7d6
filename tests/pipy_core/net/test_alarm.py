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
