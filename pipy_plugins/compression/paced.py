"""Work that may take long, in turns: others get theirs in between, and nothing is made that the receiver has no room for."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Final

from pipy_core.api import Backlog, Event, Failure, Filter, StreamEnd, Valve, get_logger, press, relieve

#: Bytes of output that are made in one turn, or work that takes as long.
BURST: Final = 256 * 1024


class Paced(Filter):
    """Does what an event asks for step by step. What comes meanwhile waits, and so does whoever feeds this stream."""

    #: What the log calls it.
    component: ClassVar[str]

    def __init__(self) -> None:
        self._steps: Iterator[int] | None = None  # what is still to be done for the last event
        self._backlog = Backlog()  # what came behind it
        self._valve: Valve | None = None
        self._ended = False

    @abstractmethod
    def work(self, event: Event) -> Iterator[int]:
        """Deal with *event*; give, after each step, how many bytes it has made (or could have made in that time)."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if self.paused:
            self._hold_back(event)
        else:
            self._steps = self.work(event)
            self._go_on()

    @property
    def paused(self) -> bool:
        """Whether something is still to be done for an earlier event."""
        return self._steps is not None or bool(self._backlog)

    def busy(self) -> bool:
        """See ``Filter``."""
        return self.paused

    def close(self) -> None:
        """See ``Filter``."""
        self._stop()

    def end(self, end: StreamEnd) -> None:
        """Emit *end*; nothing is done any more."""
        self._stop()
        self.emit(end)

    def _stop(self) -> None:
        self._ended = True
        self._steps = None
        self._backlog.clear()
        relieve(self._valve)

    def _go_on(self) -> None:
        made = 0
        while self._steps is not None:
            for size in self._steps:
                made += size
                if self._ended:
                    return
                if made >= BURST:
                    self._pause()
                    return
            self._steps = self.work(self._backlog.take()) if self._backlog and not self._ended else None
        relieve(self._valve)

    def _pause(self) -> None:
        self.host.when_relieved(self._go_on)
        self._valve = press(self.host, self._valve)

    def _hold_back(self, event: Event) -> None:
        if self._valve is not None:
            self.host.hold(self._valve)
        if not self._backlog.add(event):
            get_logger(self.component).error("more than 16 MiB wait for their turn")
            self.end(StreamEnd(Failure.BUFFER_OVERFLOW))
