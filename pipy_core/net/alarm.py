"""A timer that is set again and again and hardly ever goes off: it is started once for many settings."""

from collections.abc import Callable

from pipy_core.net.reactor import Reactor, ReactorTimer


class Alarm:
    """Goes off in a turn of its own, *seconds* after it was last set."""

    __slots__ = ("_on", "_reactor", "_seconds", "_since", "_then", "_timer")

    def __init__(self, reactor: Reactor, seconds: float, then: Callable[[], None]) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._then = then
        self._on = False
        self._since = 0.0
        self._timer: ReactorTimer | None = None

    def set(self) -> None:
        """From now on."""
        self._since = self._reactor.now()
        self._on = True
        if self._timer is None:
            self._timer = self._reactor.after(self._seconds, self._look)

    def rest(self) -> None:
        """Not before it is set again; that is likely, so the timer goes on."""
        self._on = False

    def cancel(self) -> None:
        """Nobody needs it any more."""
        self._on = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._on:
            left = self._since + self._seconds - self._reactor.now()
            if left <= 0:
                self._on = False
                self._then()
            else:
                self._timer = self._reactor.after(left, self._look)
