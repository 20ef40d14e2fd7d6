"""Sessions: something that many streams share by key, and that goes away when nobody has used it for a while.

Decides who shares what and for how long; what a session does is its owner's business. Knows no events and no filters:
the clock is lent by whoever lets go of a session.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

#: Seconds after which it is looked whether an idle session is still of use, at the latest.
LOOK_AGAIN: Final = 5.0
#: Seconds that an idle session is kept at most once nobody new can come who would use it.
RETIRED_IDLE: Final = 1.0


class Clock(Protocol):
    """What tells the time and runs a callable later; ``retired``: see ``filter.Clock``."""

    retired: bool

    def now(self) -> float:
        """Seconds."""

    def after(self, seconds: float, then: Callable[[], None]) -> Any:
        """Run *then*, *seconds* from now."""


class Session(ABC):
    """One shared thing. It is in its table until it is retired; streams that have it keep it even then.

    :ivar context: of what the streams share, if that has one. :ivar retired: nobody can find it any more.
    """

    __slots__ = ("__weakref__", "_armed", "_key", "_released", "_table", "_users", "context", "retired")

    def __init__(self) -> None:
        self.context: Any = None
        self.retired = True  # it is in no table yet
        self._users = 0
        self._armed = False  # a timer runs; there is one at most, whatever the number of uses
        self._released = 0.0
        self._key: Hashable = None
        self._table: dict[Hashable, Any] | None = None

    def acquire(self) -> None:
        """One more stream uses it."""
        self._users += 1

    def release(self, clock: Clock, max_idle: float) -> None:
        """One stream less does. If it was the last and none comes for *max_idle* seconds, ``expire`` is called.

        A session that was retired meanwhile needs no clock: its owner ends it.
        """
        self._users -= 1
        if self._users or self.retired:
            return
        self._released = clock.now()
        if not self._armed:
            self._arm(clock, max_idle, max_idle)

    def retire(self) -> None:
        """Nobody is to get it any more."""
        self.retired = True
        table, self._table = self._table, None
        if table is not None and table.get(self._key) is self:
            del table[self._key]

    @abstractmethod
    def expire(self) -> None:
        """It has been idle for too long and is already retired. Must not raise."""

    def _arm(self, clock: Clock, seconds: float, max_idle: float) -> None:
        self._armed = True
        clock.after(min(seconds, LOOK_AGAIN), lambda: self._look(clock, max_idle))

    def _look(self, clock: Clock, max_idle: float) -> None:
        self._armed = False
        if self._users or self.retired:
            return
        remaining = self._released + (min(max_idle, RETIRED_IDLE) if clock.retired else max_idle) - clock.now()
        if remaining > 0:
            self._arm(clock, remaining, max_idle)
        else:
            self.retire()
            self.expire()


S = TypeVar("S", bound=Session)


class Sessions(Generic[S]):
    """A table of sessions: one per use of a filter in a script."""

    def __init__(self) -> None:
        self._table: dict[Hashable, S] = {}

    def __len__(self) -> int:
        return len(self._table)

    def find(self, key: Any) -> S | None:
        """The session with *key*, if there is one."""
        return self._table.get(key if type(key) is str else key_of(key))

    def add(self, key: Any, session: S) -> S:
        """Make *session* the one with *key*; give it back."""
        session._key = key if type(key) is str else key_of(key)
        session._table = self._table
        session.retired = False
        self._table[session._key] = session
        return session


def key_of(value: Any) -> Hashable:
    """*value* as a key that is equal where the script's values are: booleans are no numbers, and NaN is NaN."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, float) and math.isnan(value):
        return (float, "NaN")
    if type(value) is list:
        return object()  # arrays arrive as copies: none can be told to be the same as another
    return value  # type: ignore[no-any-return]  # strings and numbers by value, None, undefined, objects by identity
