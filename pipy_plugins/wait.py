"""``wait(condition)``: holds the stream back until a condition is true.

Looked at with each event, and when a connection or child process of the same context group gives something out. Since the next
event may be what the condition waits for, the reader is not made to wait; 16 MiB are held at most.
"""

from collections.abc import Callable

from pipy_core.api import (
    FUNCTION,
    Backlog,
    Event,
    Failure,
    Filter,
    Function,
    Param,
    Registry,
    StreamEnd,
    Timer,
    get_logger,
    hookimpl,
)


class Wait(Filter):
    """Holds events until the script says yes, which it is not asked again."""

    def __init__(self, condition: Function) -> None:
        self._condition = condition
        self._backlog = Backlog()
        self._decided = False
        self._gave_up = False
        self._stop_watching: Callable[[], None] | None = None
        self._look: Timer | None = None

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._gave_up:
            return
        if self._decided and not self._backlog:
            self.emit(event)
        elif not self._backlog.add(event):
            get_logger("wait").error("more than 16 MiB came before the condition was true")
            self._give_up(StreamEnd(Failure.BUFFER_OVERFLOW))
        elif not self._decided:
            if self._stop_watching is None:
                self._stop_watching = self.host.context.group.watch(self._notified)
            self._check()
            if type(event) is StreamEnd and event.error is Failure.RUNTIME_ERROR and not self._decided:
                self._give_up(event)  # a function of the script has failed, maybe the one that was to decide

    def busy(self) -> bool:
        """See ``Filter``."""
        return bool(self._backlog)

    def close(self) -> None:
        """See ``Filter``."""
        if self._stop_watching is not None:
            self._stop_watching()

    def _notified(self) -> None:
        # In a turn of its own: what is true at the end of the notifier's turn counts, and an error in the condition is not its own.
        if self._look is None and not self._decided:
            self._look = self.host.after(0, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        if not self._decided:
            self._check()

    def _check(self) -> None:
        if self.host.call(self._condition):
            self._decided = True
            self.close()
            self._backlog.drain(self._pass)

    def _pass(self, event: Event) -> None:
        self.emit(event)

    def _give_up(self, end: StreamEnd) -> None:
        self._gave_up = self._decided = True
        self._backlog.clear()
        self.close()
        self.emit(end)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "wait",
        Wait,
        [Param("condition", FUNCTION, "looked at with each event, and when something comes from a connection of the same context")],
        help="Holds all events back until the condition is true for the first time.",
        group="flow",
    )
