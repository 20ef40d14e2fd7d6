"""Turns: one input arrives and all its consequences run to completion; then every socket that was written to is flushed once.

Knows no socket: what can be flushed says so by ``Sink``. See the architecture, section 4.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol


class Sink(Protocol):
    """Something written to during a turn."""

    def flush(self) -> None:
        """Send what was written. Must not yield."""


class Valve:
    """Back-pressure without a thread: whoever fed a closed valve waits, after the turn, until it opens.

    Readers wait by leaving a callback, so that this class needs to know nothing of greenlets.
    """

    __slots__ = ("_waiting", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._waiting: list[Callable[[], None]] = []

    def close(self) -> None:
        """Make readers wait."""
        self.closed = True

    def open(self) -> None:
        """Let the waiting readers go on; each callback only schedules its reader."""
        self.closed = False
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()

    def when_open(self, resume: Callable[[], None]) -> None:
        """Call *resume* once, at the next ``open``."""
        self._waiting.append(resume)


class Turn:
    """What the turns since the last flush have touched. One per worker: turns never overlap.

    Turns that follow on each other are flushed together: sockets written to by many of them are sent to once, and whoever
    receives wakes up once (``contrib/decisions``).

    :param schedule: makes sure that ``flush`` is called soon, when the inputs that are there already have had their turns.
    """

    __slots__ = ("_now", "_schedule", "_scheduled", "dirty", "eager", "held")

    def __init__(self, schedule: Callable[[], None]) -> None:
        self.dirty: list[Sink] = []
        self.held: list[Valve] = []
        self.eager = False  # there is so much to be sent that it should not wait
        self._schedule = schedule
        self._scheduled = False
        self._now = 0.0  # not looked at

    def now(self) -> float:
        """Seconds on a clock that never goes back. It is looked at once for all turns that are flushed together: this costs more
        than all that is counted of a request.
        """
        now = self._now
        if now == 0.0:
            now = self._now = monotonic()
            if not self._scheduled:
                self._scheduled = True
                self._schedule()
        return now

    def lapse(self) -> None:
        """What is going to be done may take its time: look at the clock again behind it."""
        self._now = 0.0

    def finish(self) -> list[Valve]:
        """End a turn; give the valves that whoever brought its input must wait for.

        Where there may be one everything is flushed now: what the kernel takes opens valves again.
        """
        if self.held or self.eager:
            self.flush()
            held, self.held = self.held, []
            return [valve for valve in held if valve.closed]
        if self.dirty and not self._scheduled:
            self._scheduled = True
            self._schedule()
        return self.held

    def flush(self) -> None:
        """Flush every sink that was written to. If one raises, which is a bug, the others are still to be flushed."""
        self._scheduled = self.eager = False
        self._now = 0.0
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for number, sink in enumerate(dirty, 1):
                try:
                    sink.flush()
                except BaseException:
                    self.dirty = dirty[number:] + self.dirty
                    raise
