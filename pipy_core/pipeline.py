"""Pipelines: the runs of layouts, and the one place where an exception becomes a StreamEnd."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from pipy_core.context import Context, Function
from pipy_core.counters import Book
from pipy_core.events import Event, Failure, StreamEnd
from pipy_core.filter import Branch, Clock, Emit, Filter, Target, Timer, ignore
from pipy_core.layout import Layout, Services
from pipy_core.limits import Limits
from pipy_core.turn import Valve


class Pipeline:
    """One run of a layout: the ``Host`` of its filters and the ``Branch`` of whoever started it."""

    __slots__ = ("_closed", "_filters", "_first", "_output", "_services", "_timers", "context", "layout")

    def __init__(self, layout: Layout, context: Context, output: Emit) -> None:
        self.layout = layout
        self.context = context
        self._services = layout.services
        self._timers: set[_PipelineTimer] | None = None
        self._output = output
        self._closed = False
        filters = []
        for make in reversed(layout.makes):
            stage = make()
            stage.emit = output
            stage.host = self
            output = stage.process
            filters.append(stage)
            if stage.begins:
                stage.begin()
        self._filters = filters
        self._first = output
        layout.running += 1

    # -- as a branch ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Push *event* in at the top; an exception of a filter ends that filter's stream, not the caller's."""
        try:
            self._first(event)
        except Exception as error:  # noqa: BLE001  # the boundary: whatever a filter raises is reported, and ends one stream
            fail(error, self)

    def close(self) -> None:
        """Close every filter once and cut all ties between them, so that nothing is replied and reference counts go to zero."""
        filters, self._filters = self._filters, []
        if not self._closed:
            self._closed = True
            self.layout.running -= 1
        self._first = self._output = ignore
        if self._timers:
            for timer in list(self._timers):
                timer.cancel()
        for stage in filters:
            stage.emit = ignore
        for stage in filters:
            try:
                stage.close()
            except Exception as error:  # noqa: BLE001  # one filter's broken clean-up must not keep the others from theirs
                self._services.report(error, self.layout.name)

    def busy(self) -> bool:
        """See ``Branch``: a filter is, or a timer is running."""
        return bool(self._timers) or any(stage.busy() for stage in self._filters)

    def drain(self) -> None:
        """Ask the filters to finish what they have begun; see ``Filter.drain``. Exceptions are dealt with as in ``feed``."""
        try:
            for stage in reversed(self._filters):
                stage.drain()
        except Exception as error:  # noqa: BLE001  # as in feed
            fail(error, self)

    def abandon(self, culprit: Filter | None) -> None:
        """End the stream with ``RuntimeError`` behind *culprit*; what comes in from now on is dropped."""
        emit = culprit.emit if culprit is not None else self._output
        self._first = ignore
        for stage in reversed(self._filters):  # those before it may hold events back, and have timers of their own
            stage.emit = ignore
            if stage is culprit:
                break
        deliver(emit, StreamEnd(Failure.RUNTIME_ERROR), self)

    def report(self, error: BaseException) -> None:
        """Log *error* as one that ended this pipeline's stream."""
        self._services.report(error, self.layout.name)

    # -- as a host --------------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """See ``Host.limits``."""
        return self.context.group.limits

    def join(self, target: Target, reply: Emit, context: Context | None = None) -> "Pipeline":
        """See ``Host.join``."""
        assert isinstance(target, Layout)
        return Pipeline(target, self.context if context is None else context, reply)

    def clone_context(self) -> Context:
        """See ``Host.clone_context``."""
        return self._services.clone_context(self.context)

    def fork_contexts(self, initializers: Any) -> list[Context]:
        """See ``Host.fork_contexts``."""
        return self._services.fork_contexts(self.context, self.layout.module, initializers)

    def call(self, function: Function, *args: Any, ahead: tuple[Function, ...] = (), plain: bool = False) -> Any:
        """See ``Host.call``."""
        return self._services.call(self.context, function, args, ahead, plain)

    def value(self, setting: Any) -> Any:
        """See ``Host.value``."""
        if type(setting) is Function:
            return self._services.call(self.context, setting, ())
        return setting

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Branch:
        """See ``Host.connect``."""
        return self._services.connect(address, options, reply)

    def spawn(self, arguments: Sequence[str], options: Any, reply: Emit, exited: Callable[[int], None]) -> Branch:
        """See ``Host.spawn``."""
        return self._services.spawn(arguments, options, reply, exited)

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """See ``Host.after``."""
        if self._timers is None:
            self._timers = set()
        return _PipelineTimer(self._timers, self._services, seconds, then, self)

    def now(self) -> float:
        """See ``Host.now``."""
        return self._services.now()

    @property
    def clock(self) -> Clock:
        """See ``Host.clock``."""
        return self._services

    @property
    def book(self) -> Book:
        """See ``Host.book``."""
        return self._services.book

    def hold(self, valve: Any) -> None:
        """See ``Host.hold``."""
        if valve.closed:
            self._services.turn.held.append(valve)

    def new_valve(self) -> Valve:
        """See ``Host.new_valve``."""
        return Valve()

    def full(self) -> bool:
        """See ``Host.full``."""
        held = self._services.turn.held
        return bool(held) and any(valve.closed for valve in held)

    def when_relieved(self, then: Callable[[], None]) -> None:
        """See ``Host.when_relieved``."""
        full = next((valve for valve in self._services.turn.held if valve.closed), None)
        if full is None:
            self.after(0.0, then)
        else:
            full.when_open(lambda: self._soon(then))

    def _soon(self, then: Callable[[], None]) -> None:
        if not self._closed:
            self.after(0.0, then)

    def held_by(self, feed: Emit, event: Event) -> list[Valve]:
        """See ``Host.held_by``."""
        turn = self._services.turn
        held, turn.held = turn.held, []
        try:
            feed(event)
        finally:
            caused, turn.held = turn.held, held
        return [valve for valve in caused if valve.closed]


class _PipelineTimer:
    """A timer that its pipeline forgets when it has fired and cancels when it closes."""

    __slots__ = ("_all", "_pipeline", "_then", "_timer")

    def __init__(
        self, all_timers: "set[_PipelineTimer]", services: Services, seconds: float, then: Callable[[], None], pipeline: Pipeline
    ) -> None:
        self._all = all_timers
        self._then = then
        self._pipeline = pipeline
        all_timers.add(self)
        self._timer = services.after(seconds, self._fire)

    def cancel(self) -> None:
        self._all.discard(self)
        self._timer.cancel()

    def _fire(self) -> None:
        self._all.discard(self)
        try:
            self._then()
        except Exception as error:  # noqa: BLE001  # as in Pipeline.feed
            fail(error, self._pipeline)


def deliver(emit: Emit, event: Event, pipeline: Any) -> None:
    """``emit(event)``, where an exception must not reach the caller because it belongs to another stream.

    For filters that hand events to several streams (``mux`` giving each user its reply): *pipeline* is the filter's ``host``.
    """
    try:
        emit(event)
    except Exception as error:  # noqa: BLE001  # as in Pipeline.feed
        fail(error, pipeline)


def fail(error: Exception, pipeline: Pipeline) -> None:
    """Report *error* and end the stream of the filter that raised it, found by walking the traceback; *pipeline* if none did."""
    culprit = _culprit(error.__traceback__)
    owner = culprit.host if culprit is not None and isinstance(getattr(culprit, "host", None), Pipeline) else pipeline
    assert isinstance(owner, Pipeline)
    owner.report(error)
    owner.abandon(culprit)


def _culprit(traceback: TracebackType | None) -> Filter | None:
    """The innermost filter on the stack of an exception. Costs nothing until something fails."""
    found = None
    while traceback is not None:
        candidate = traceback.tb_frame.f_locals.get("self")
        if isinstance(candidate, Filter):
            found = candidate
        traceback = traceback.tb_next
    return found
