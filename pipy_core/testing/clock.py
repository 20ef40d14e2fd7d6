"""A clock that stands still until a test turns it."""

import heapq
from collections.abc import Callable
from itertools import count

from pipy_core.counters import Book


class FakeTimer:
    """A timer on the fake clock."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then: Callable[[], None] | None = then

    def cancel(self) -> None:
        """See ``Timer``."""
        self.then = None


class FakeClock:
    """What ``Host.now`` and ``Host.after`` go by.

    :ivar book: what filters have counted. :ivar retired: see ``filter.Clock``.
    """

    retired = False

    def __init__(self) -> None:
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._order = count()
        self.book = Book()
        self._time = 1000.0  # not 0, which a filter might take for "never"

    def now(self) -> float:
        """Seconds."""
        return self._time

    def after(self, seconds: float, then: Callable[[], None]) -> FakeTimer:
        """Start a timer."""
        timer = FakeTimer(then)
        heapq.heappush(self._timers, (self._time + seconds, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass; timers fire in order, each in a turn of its own."""
        until = self._time + seconds
        while self._timers and self._timers[0][0] <= until:
            self._time, _, timer = heapq.heappop(self._timers)
            if timer.then is not None:
                timer.then()
                self.finish()
        self._time = until

    def finish(self) -> None:
        """End the turn of a timer."""
