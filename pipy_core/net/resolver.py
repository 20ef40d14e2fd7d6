"""Names and their addresses, remembered for as long as they hold (RFC 1035, 3.2.1), at least and at most for a while.

Decides what is asked again and when; how it is asked, see ``lookup``. Whoever needs a name while it is being asked for waits for
the same answer. When the servers do not answer, what was known before goes on to be used (RFC 8767), and that is logged.
"""

import socket
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Final, TypeAlias

from gevent.event import Event

from pipy_core.logs import get_logger
from pipy_core.net.lookup import Found, Lookup
from pipy_core.net.reactor import Reactor

#: A family, and an address as sockets take it.
Endpoint: TypeAlias = tuple[int, tuple[Any, ...]]

#: Names that are remembered; of more, those that were not needed for longest are forgotten.
MAX_NAMES: Final = 1_000
#: Addresses of a name that are looked at: as many as will ever be tried.
MAX_ADDRESSES: Final = 16
#: Seconds for which an answer is used at least, and at most, whatever it says itself.
MIN_TTL: Final = 1.0
MAX_TTL: Final = 3600.0
#: Seconds for which it is remembered that there is no such name.
NEGATIVE_TTL: Final = 5.0
#: Seconds for which outdated addresses may be used while the servers do not answer; RFC 8767, 4, recommends one to three days.
STALE_LIMIT: Final = 86_400.0
#: Seconds until the servers are asked again that have not answered (RFC 8767, 5: not below 30).
RECHECK: Final = 30.0

#: These say that the name has no address; anything else, that nobody could be asked.
_DEFINITE: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

_log = get_logger("dns")


class _Entry:
    """What is known of one name: addresses, or (none) why there are none."""

    __slots__ = ("error", "expires", "found", "outdated", "turn")

    def __init__(self, found: Sequence[Found], expires: float, error: tuple[Any, ...] = ()) -> None:
        self.found = found
        self.expires = expires
        self.outdated = expires  # when the servers said it would be, however long it is used
        self.error = error
        self.turn = 0


class _Flight:
    """A question that was asked and is not answered."""

    __slots__ = ("entry", "landed")

    def __init__(self) -> None:
        self.landed = Event()
        self.entry: _Entry | None = None


class Resolver:
    """The names of one worker. What waits here are greenlets, never turns."""

    def __init__(self, reactor: Reactor, lookup: Lookup) -> None:
        self._reactor = reactor
        self._lookup = lookup
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: dict[str, _Flight] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def addresses(self, host: str, port: int) -> list[Endpoint]:
        """All addresses of *host*, in the order to try them: best family first, families in turns (RFC 8305, 4).

        Each time another one of several addresses of a family is the first.

        :raises socket.gaierror: there is no such name, or nobody could be asked.
        """
        entry = self._entries.get(host)
        if entry is None or entry.expires <= self._reactor.now():
            entry = self._ask(host)
        else:
            self._entries.move_to_end(host)
        if not entry.found:
            raise socket.gaierror(*entry.error)
        turn, entry.turn = entry.turn, entry.turn + 1
        return [(family, (address, port, *rest)) for family, address, rest in in_order(entry.found, turn)]

    def _ask(self, host: str) -> _Entry:
        flight = self._flights.get(host)
        if flight is None:
            flight = self._flights[host] = _Flight()
            self._reactor.spawn(self._fly, host, flight)  # on its own: whoever waits may be cut off, others go on waiting
        flight.landed.wait()
        assert flight.entry is not None
        return flight.entry

    def _fly(self, host: str, flight: _Flight) -> None:
        try:
            flight.entry = self._learn(host)
        except Exception as error:  # noqa: BLE001  # a bug must not leave those waiting who need the answer
            flight.entry = _Entry((), 0.0, (socket.EAI_FAIL, str(error)))
            self._reactor.report(error, "resolver")
        finally:
            del self._flights[host]
            flight.landed.set()

    def _learn(self, host: str) -> _Entry:
        try:
            found, ttl = self._lookup(host)
        except OSError as error:
            return self._failed(host, error)
        if not found:
            return self._failed(host, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
        return self._keep(host, _Entry(found[:MAX_ADDRESSES], self._reactor.now() + min(max(ttl, MIN_TTL), MAX_TTL)))

    def _failed(self, host: str, error: OSError) -> _Entry:
        now = self._reactor.now()
        reason = (error.errno, error.strerror or str(error))
        if error.errno in _DEFINITE:
            return self._keep(host, _Entry((), now + NEGATIVE_TTL, reason))
        known = self._entries.get(host)
        if known is None or not known.found or now > known.outdated + STALE_LIMIT:
            return _Entry((), now, reason)
        _log.warning(f"{host}: {reason[1]}; going on with the addresses of before")
        known.expires = now + RECHECK
        return known

    def _keep(self, host: str, entry: _Entry) -> _Entry:
        self._entries[host] = entry
        self._entries.move_to_end(host)
        while len(self._entries) > MAX_NAMES:
            self._entries.popitem(last=False)
        return entry


def in_order(found: Sequence[Found], turn: int) -> list[Found]:
    """Families in turns, beginning with that of the first address; each family begins with its address number *turn*."""
    families: dict[int, list[Found]] = {}
    for each in found:
        families.setdefault(each[0], []).append(each)
    rotated = [members[turn % len(members) :] + members[: turn % len(members)] for members in families.values()]
    return [each for each in chain.from_iterable(zip_longest(*rotated)) if each is not None]
