"""What comes before somebody has agreed to take it: kept in order and bounded, and whoever sends it too fast has to wait."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from pipy_core.events import Event
from pipy_core.kit import pressure
from pipy_core.kit.body import Backlog
from pipy_core.kit.pressure import press, relieve

#: Bytes kept until whoever sends them has to wait; ``body.LIMIT`` is for those who cannot.
HIGH_WATER: Final = 64 * 1024
#: Seconds for it to open: as long as ``connect`` may take to a proxy, and as long again for the proxy.
ANSWER_LIMIT: Final = 120.0


class Host(pressure.Host, Protocol):
    """What a pipeline lends to a gate: see ``filter.Host``."""

    def after(self, seconds: float, then: Callable[[], None]) -> Any:
        """See there."""


class Gate:
    """Events in front of a closed gate. Made closed; it opens once, or never.

    :param expired: called when it has been neither opened nor forgotten for ``ANSWER_LIMIT`` seconds.
    """

    __slots__ = ("_backlog", "_host", "_timer", "_valve")

    def __init__(self, host: Host, expired: Callable[[], None]) -> None:
        self._host = host
        self._backlog = Backlog()
        self._valve: Any = None
        self._timer = host.after(ANSWER_LIMIT, expired)

    def keep(self, event: Event) -> bool:
        """Keep *event* until the gate opens; false if there is no room for it."""
        if not self._backlog.add(event):
            return False
        if self._backlog.size > HIGH_WATER:
            self._valve = press(self._host, self._valve)
        return True

    def open(self, feed: Callable[[Event], None]) -> None:
        """Hand all that was kept to *feed*, in order, with what is kept meanwhile."""
        self._timer.cancel()
        self._backlog.drain(feed)
        relieve(self._valve)

    def forget(self) -> None:
        """It will never open."""
        self._timer.cancel()
        self._backlog.clear()
        relieve(self._valve)
