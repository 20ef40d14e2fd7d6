"""How many connections a process has, and whether there may be more. One for all of its ports but the admin port."""

import resource
from collections.abc import Callable
from typing import Final

from pipy_core.limits import Limits
from pipy_core.logs import get_logger

#: Descriptors that are asked for at most: where there is no limit, a table of all that could be would be large.
MOST_DESCRIPTORS: Final = 1024 * 1024
#: Descriptors that are not for clients: files, pipes, listening sockets; half of all where there are few.
#: And of the rest, the part for connections to servers.
KEPT_BACK: Final = 64
FOR_SERVERS: Final = 0.2

_log = get_logger("listener")


class Admission:
    """See the module.

    :ivar open: connections that there are. :ivar most: as many as there may be. :ivar limits: what applies to all of them.
    """

    __slots__ = ("_full", "_ports", "limits", "most", "open")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._full = False
        self._ports: dict[Callable[[], None], None] = {}
        self.open = 0
        self.most = limits.max_connections or room_for_clients()

    @property
    def full(self) -> bool:
        """Whether no more are to be accepted for the time being."""
        return self._full

    def join(self, changed: Callable[[], None]) -> None:
        """Call *changed* whenever ``full`` has changed."""
        self._ports[changed] = None

    def leave(self, changed: Callable[[], None]) -> None:
        """Call *changed* no more."""
        self._ports.pop(changed, None)

    def enter(self) -> None:
        """There is a connection more."""
        self.open += 1
        if self.open >= self.most and not self._full:
            _log.warning(f"the process has {self.open} connections, all that it may have: more have to wait")
            self.look()

    def quit(self) -> None:
        """There is one less."""
        self.open -= 1
        if self._full:
            self.look()

    def look(self) -> None:
        """See whether more may be accepted; tell the ports if that has changed."""
        full = self.open >= self.most or self.limits.load.memory_gone
        if full != self._full:
            self._full = full
            for changed in list(self._ports):
                changed()


def room_for_clients() -> int:
    """How many connections to accept with the descriptors that this process may have; it gets all that it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:  # macOS has a further limit of its own
            _log.debug(f"the limit of {soft} descriptors stays: {error}")
    count = wanted if soft == resource.RLIM_INFINITY else soft
    return max(int((count - min(KEPT_BACK, count // 2)) * (1 - FOR_SERVERS)), 1)
