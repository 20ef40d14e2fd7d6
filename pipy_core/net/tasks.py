"""Tasks: pipelines that run on a clock or on a signal instead of for a connection (spec: model.md, 3.2)."""

from collections.abc import Callable
from typing import Any, Protocol

from pipy_core.context import Context
from pipy_core.events import END, Event, MessageStart, StreamEnd
from pipy_core.filter import Timer
from pipy_core.layout import Layout
from pipy_core.pipeline import Pipeline
from pipy_core.turn import Turn


class Turns(Protocol):
    """What a task needs of the reactor."""

    @property
    def turn(self) -> Turn:
        """See ``Reactor``."""

    def run(self, step: Callable[..., None], *args: Any) -> Any:
        """See ``Reactor``."""

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """See ``Reactor``."""


class TaskRunner:
    """One task of a program. At most one run at a time: it is busy until its pipeline gives a StreamEnd.

    :param interval: seconds between the starts of two runs; 0: run only when asked.
    """

    def __init__(self, reactor: Turns, layout: Layout, interval: float, new_context: Callable[[], Context]) -> None:
        self._reactor = reactor
        self._layout = layout
        self._interval = interval
        self._new_context = new_context
        self._pipeline: Pipeline | None = None
        self._ended = False  # the run has ended and is not released yet
        self._timer: Timer | None = None

    def start(self) -> None:
        """Run now, and then at every interval."""
        self._reactor.run(self._tick)

    def run(self) -> None:
        """Run once, unless it is still running; call it in a turn."""
        if self._ended:
            self._release()
        if self._pipeline is None:
            self._pipeline = Pipeline(self._layout, self._new_context(), self._output)
            self._pipeline.feed(MessageStart())
            if self._pipeline is not None:
                self._pipeline.feed(END)

    def stop(self) -> None:
        """Cut a run that is going on, and run no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._release()

    def _tick(self) -> None:
        if self._interval:
            self._timer = self._reactor.after(self._interval, self._tick)
        self.run()

    def _output(self, event: Event) -> None:
        if type(event) is StreamEnd:
            self._ended = True
            self._reactor.turn.dirty.append(self)  # released when this turn is done with it

    def flush(self) -> None:
        """See ``turn.Sink``: the run has ended, unless another has begun since."""
        if self._ended:
            self._release()

    def _release(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        self._ended = False
        if pipeline is not None:
            pipeline.close()
