"""Turns: one input arrives, all its consequences run to completion, then every socket that was written to is flushed once.

Knows no socket: what can be flushed says so by ``Sink``. See the architecture, section 4.
"""

from collections.abc import Callable
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
    """What the running turn has touched. One per worker: turns never overlap."""

    __slots__ = ("dirty", "held")

    def __init__(self) -> None:
        self.dirty: list[Sink] = []
        self.held: list[Valve] = []

    def finish(self) -> list[Valve]:
        """Flush every sink that was written to; give the valves that whoever brought the input must wait for."""
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for sink in dirty:
                sink.flush()
        if not self.held:
            return self.held
        held, self.held = self.held, []
        return [valve for valve in held if valve.closed]
