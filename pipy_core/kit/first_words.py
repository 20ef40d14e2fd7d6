"""What a client has to say before anybody knows what it wants: a handshake, or whatever a protocol is told by.

A filter that waits for it is the connection's guard (see ``Guard``) until it has heard enough, or until one takes over that speaks
with the client and has timeouts of its own. Where the connection has such a guard already, as in a tunnel, nothing is limited.
"""

import math

from pipy_core.context import Group, Guard


class FirstWords:
    """They have ``header_timeout`` from now on. A ``Guard``; the connection of a client that is too late ends with ``ReadTimeout``.

    :param group: that of the connection. :param now: on the clock of ``Host.now``.
    """

    __slots__ = ("_before", "_group", "_heard", "due", "fresh")

    def __init__(self, group: Group, now: float) -> None:
        self._group = group
        self._heard = False
        self._before: FirstWords | None = None  # another filter that waits too
        self.fresh = False
        self.due = now + (group.limits.header_timeout or math.inf)
        guard = group.guard
        if guard is None or isinstance(guard, FirstWords):
            self._before = guard
            group.guard = self

    def heard(self) -> None:
        """Nothing more is waited for. May be called twice."""
        self._heard = True
        guard: Guard | None = self._group.guard
        while isinstance(guard, FirstWords) and guard._heard:
            guard = guard._before
        self._group.guard = guard

    @property
    def idle(self) -> bool:
        """See ``Guard``."""
        return False

    def look(self, now: float, held: bool) -> str:
        """See ``Guard``."""
        return "handshake timeout" if now >= self.due and not held else ""

    def expire(self) -> None:
        """See ``Guard``. Whoever has the connection ends it: filters behind may wait for something else."""
        self.heard()
