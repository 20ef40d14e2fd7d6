"""How long servers are waited for, and how many requests may wait for them. Knows neither version of HTTP."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pipy_core.api import Clock, Limits

#: Looks while the time passes that a server is given, so that it is kept to within a quarter.
_LOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """What applies to a session.

    :ivar timeout: seconds without a byte from the server while it has to say something; 0: for ever.
    :ivar most: requests that may wait for their turn.
    """

    timeout: float = 0.0
    most: int = 1024

    @classmethod
    def of(cls, settings: dict[str, Any], limits: Limits) -> "Pace":
        """What the options of ``muxHTTP`` say, or the process's limits where they say nothing."""
        timeout, most = settings.get("responseTimeout"), settings.get("maxPending")
        return cls(limits.response_timeout if timeout is None else timeout, limits.max_pending if most is None else int(most))


S = TypeVar("S", bound=Hashable)


class Silence(Generic[S]):
    """Notices whom a server has to say something to and does not. One timer at a time, whatever the number of requests.

    :param due: gives each of those with a number that changes whenever the server says something to them; None: not asked yet.
    :param give_up: called with those for whom it has taken too long.
    """

    __slots__ = ("_clock", "_due", "_give_up", "_seen", "_timeout", "armed")

    def __init__(
        self, clock: Clock, timeout: float, due: Callable[[], Iterable[tuple[S, int | None]]], give_up: Callable[[list[S]], None]
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._due = due
        self._give_up = give_up
        self._seen: dict[S, tuple[int | None, float]] = {}  # what had been said when it was last looked, and since when
        self.armed = not timeout  # a timer runs, or none ever will

    def arm(self) -> None:
        """A request is on its way. Nothing if ``armed``."""
        if not self.armed:
            self.armed = True
            self._clock.after(self._timeout / _LOOKS, self._look)

    def _look(self) -> None:
        now = self._clock.now()
        seen = {}
        over = []
        for each, said in self._due():
            before = self._seen.get(each)
            since = before[1] if before is not None and before[0] == said is not None else now
            seen[each] = said, since
            if now - since >= self._timeout:
                over.append(each)
        self._seen = seen
        self.armed = False
        if seen:
            self.arm()
        if over:
            self._give_up(over)
