"""Once a second, a look at all connections: whose client is waited for too long, and what to do where memory is short.

No connection has a timer for that. What a connection waits for is known to the filter that speaks with its client: its ``Guard``.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, Protocol

from pipy_core.context import Group, Guard
from pipy_core.kit.first_words import FirstWords
from pipy_core.limits import Limits
from pipy_core.net.reactor import Reactor, ReactorTimer

#: Seconds between two looks; less where a timeout is so short that it would matter.
INTERVAL: Final = 1.0
SHORTEST_INTERVAL: Final = 0.05
#: Connections that are looked at in one go, and as how many of these one counts that is to end: so no look at ten thousand
#: connections, nor the end of all of them, keeps others waiting for more than some milliseconds.
SLICE: Final = 512
ENDING: Final = 64
#: Looks while a timeout passes, so that it is kept to within a quarter.
_LOOKS: Final = 4


class Inbound(Protocol):
    """A connection of a client: see ``net.inbound``."""

    group: Group

    @property
    def held(self) -> bool:
        """Whether it is we who do not read from it."""

    def time_out(self) -> None:
        """End with ``ReadTimeout``."""


class Sweep:
    """The timer, and what it does.

    :param inbounds: gives all connections.
    """

    def __init__(self, reactor: Reactor, inbounds: Callable[[], Iterable[Inbound]]) -> None:
        self._reactor = reactor
        self._inbounds = inbounds
        self._interval = INTERVAL
        self._timer: ReactorTimer | None = None

    def start(self, limits: Iterable[Limits]) -> None:
        """Begin, or go on with these *limits* of the ports."""
        timeouts = [
            seconds for each in limits for seconds in (each.header_timeout, each.body_timeout, each.idle_timeout) if seconds
        ]
        self._interval = max(SHORTEST_INTERVAL, min([INTERVAL, *(seconds / _LOOKS for seconds in timeouts)]))
        self.stop()
        self._timer = self._reactor.after(self._interval, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Begin with a look at all. Runs in a turn."""
        self._reactor.admission.look()
        self._go_on(iter(list(self._inbounds())), self._reactor.now() + self._interval)

    def _go_on(self, rest: Iterator[Inbound], next_look: float) -> None:
        """Look at some more. Connections that are to end have turns of their own: what goes wrong with one stays there."""
        reactor = self._reactor
        now = reactor.now()
        left = SLICE
        for inbound in rest:
            guard = inbound.group.guard
            left -= 1
            if guard is not None:
                cause = self._cause(guard, inbound, now)
                if cause:
                    reactor.run(_expire, inbound, cause)
                    left -= ENDING
            if left <= 0:
                self._timer = reactor.after(0.0, partial(self._go_on, rest, next_look))
                return
        self._timer = reactor.after(max(next_look - now, 0.0), self._look)

    def _cause(self, guard: Guard, inbound: Inbound, now: float) -> str:
        """Why the connection is to end, if it is."""
        if self._reactor.limits.load.memory_short and guard.idle:
            return "memory"
        return guard.look(now, inbound.held) if guard.fresh or guard.due <= now else ""


def _expire(inbound: Inbound, cause: str) -> None:
    guard = inbound.group.guard
    if guard is not None:
        inbound.group.tally.refuse(cause)
        guard.expire()
        if isinstance(guard, FirstWords):  # nobody speaks with the client yet
            inbound.time_out()
