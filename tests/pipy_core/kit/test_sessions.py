"""Sessions: who shares, and when they expire. ``test_mux`` and ``http/test_mux`` tell the stories around them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.kit.sessions import Session, Sessions, key_of


class FakeClock:
    """A clock that the test turns, with at most one timer per session to keep."""

    retired = False

    def __init__(self) -> None:
        self.time = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        """See ``Clock``."""
        return self.time

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """See ``Clock``."""
        self.timers.append((self.time + seconds, then))

    def advance(self, seconds: float) -> None:
        """Fire what is due, in order."""
        until = self.time + seconds
        while due := [timer for timer in self.timers if timer[0] <= until]:
            timer = min(due, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.time = timer[0]
            timer[1]()
        self.time = until


class Thing(Session):
    """A session that remembers whether it has expired."""

    expired = False

    def expire(self) -> None:
        """See ``Session``."""
        self.expired = True


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, "", False),
        (math.nan, float("nan"), True),
        (True, True, True),
    ],
)
def test_keys(one: Any, two: Any, same: bool) -> None:
    """Equal where the script's values are."""
    assert (key_of(one) == key_of(two)) is same
    sessions: Sessions[Thing] = Sessions()
    thing = sessions.add(one, Thing())
    assert (sessions.find(two) is thing) is same


def test_a_retired_session_cannot_be_found() -> None:
    """Nor does it take its successor with it."""
    sessions: Sessions[Thing] = Sessions()
    old = sessions.add("k", Thing())
    old.retire()
    assert old.retired
    new = sessions.add("k", Thing())
    old.retire()
    assert sessions.find("k") is new
    assert len(sessions) == 1


def test_expiry() -> None:
    """So long after the last user, and only once."""
    clock = FakeClock()
    sessions: Sessions[Thing] = Sessions()
    thing = sessions.add("k", Thing())
    thing.acquire()
    thing.acquire()
    thing.release(clock, 10)
    assert clock.timers == []
    thing.release(clock, 10)
    clock.advance(6)
    thing.acquire()
    thing.release(clock, 10)
    assert len(clock.timers) == 1
    clock.advance(9.9)
    assert not thing.expired
    clock.advance(0.1)
    assert thing.expired
    assert thing.retired
    assert clock.timers == []


def test_no_timer_for_what_is_over() -> None:
    """A retired session is its owner's to end."""
    clock = FakeClock()
    thing = Sessions[Thing]().add("k", Thing())
    thing.acquire()
    thing.retire()
    thing.release(clock, 1.0)
    assert clock.timers == []


@pytest.mark.parametrize("idle", [10.0, math.inf])
def test_once_the_program_is_retired_it_does_not_last_long(idle: float) -> None:
    """Whether it was idle by then or is released later: somebody who is still there may want it soon, but nobody new."""
    clock = FakeClock()
    sessions: Sessions[Thing] = Sessions()
    before, after = sessions.add("before", Thing()), sessions.add("after", Thing())
    for thing in (before, after):
        thing.acquire()
    before.release(clock, idle)
    clock.advance(7)
    clock.retired = True
    after.release(clock, idle)
    clock.advance(0.5)
    after.acquire()
    assert not before.expired
    clock.advance(5)
    assert before.expired
    after.release(clock, idle)
    clock.advance(5)
    assert after.expired
    assert clock.timers == []


def test_a_session_may_live_for_ever() -> None:
    """As long as the program does."""
    clock = FakeClock()
    thing = Sessions[Thing]().add("k", Thing())
    thing.acquire()
    thing.release(clock, math.inf)
    clock.advance(1e6)
    assert not thing.expired
    assert len(clock.timers) == 1


@given(st.lists(st.tuples(st.sampled_from(["acquire", "release", "wait"]), st.integers(0, 12)), max_size=30))
def test_a_session_expires_exactly_when_it_was_unused_long_enough(steps: list[tuple[str, int]]) -> None:
    """Against the plain definition."""
    clock = FakeClock()
    thing: Thing = Sessions[Thing]().add("k", Thing())
    users, unused_since, expired = 0, math.inf, False
    for action, seconds in steps:
        if action == "acquire":
            users += 1
            thing.acquire()
        elif action == "release" and users:
            users -= 1
            thing.release(clock, 10)
            unused_since = clock.time if not users else math.inf
        elif action == "wait":
            clock.advance(seconds)
            expired = expired or (not users and clock.time - unused_since >= 10)
        if users:
            unused_since = math.inf
        assert thing.expired is expired
        assert len(clock.timers) <= 1
        if expired:
            return
