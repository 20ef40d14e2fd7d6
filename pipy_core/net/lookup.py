"""Asking for the addresses of a name, once: with c-ares, which tells for how long they hold, or with the system's own resolver.

c-ares reads what the system's resolver reads (``/etc/hosts``, ``resolv.conf`` with its search domains, the order in
``nsswitch.conf``), and runs in the reactor. Names that only the system can find are left to it: see ``choose``.
"""

import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from gevent.event import Event

from pipy_core.net.reactor import Reactor
from pipy_core.net.writer import WRITE

try:
    import pycares
except ImportError:  # it is not everywhere: see pyproject.toml
    pycares = None  # type: ignore[assignment]  # what it is without it

#: Family, IP address and, for IPv6, flow and scope.
Found: TypeAlias = tuple[int, str, tuple[int, ...]]
#: Gives the addresses of a name, best first, and the seconds for which they hold; raises ``socket.gaierror``. It waits.
Lookup: TypeAlias = Callable[[str], tuple[list[Found], float]]

#: Seconds for which what the system's resolver says is taken to hold: it does not tell. What CoreDNS says unless told otherwise.
SYSTEM_TTL: Final = 30.0

#: libev's number for it.
READ: Final = 1

RESOLV_CONF: Final = Path("/etc/resolv.conf")
NSSWITCH_CONF: Final = Path("/etc/nsswitch.conf")
_NO_SOCKET: Final = -1
#: Sources of names that c-ares knows itself, and those that only answer for names of this machine or its network.
_ORDINARY: Final = re.compile(r"files|dns|resolve|myhostname|mymachines|mdns\d?(_minimal)?|\[.*?\]")


def choose(reactor: Reactor) -> Lookup:
    """c-ares, if it is there and the system finds names in files and by DNS only; otherwise the system's resolver."""
    system = SystemLookup(reactor)
    if pycares is None or not is_ordinary(_read(NSSWITCH_CONF)):
        return system
    return CaresLookup(reactor, system)


def is_ordinary(nsswitch: str) -> bool:
    """Whether *nsswitch*, the content of ``nsswitch.conf``, names no source of host names but files and DNS."""
    found = re.search(r"^\s*hosts:([^#\n]*)", nsswitch, re.MULTILINE)
    return found is None or all(_ORDINARY.fullmatch(source) for source in re.findall(r"\[.*?\]|\S+", found[1]))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


class SystemLookup:
    """``getaddrinfo``, in a thread of the hub's pool."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor

    def __call__(self, host: str) -> tuple[list[Found], float]:
        """See ``Lookup``."""
        answers = self._reactor.hub.resolver.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        return [(family, address[0], tuple(address[2:])) for family, _, _, _, address in answers], SYSTEM_TTL


class CaresLookup:
    """c-ares, driven by the reactor.

    A configuration that changes takes effect with the next name, which gets a new channel: one that reads it again does so in a
    thread of c-ares, and would close sockets there that the reactor watches.

    :param system: for names that DNS does not have: ``.local``, and that of this machine.
    :param options: of ``pycares.Channel``; for tests.
    """

    def __init__(self, reactor: Reactor, system: Lookup, **options: Any) -> None:
        self._reactor = reactor
        self._system = system
        self._options = options
        self._configured = _version(RESOLV_CONF)
        self._channel = Channel(reactor, options)

    def __call__(self, host: str) -> tuple[list[Found], float]:
        """See ``Lookup``."""
        if host.endswith((".local", ".local.")) or host == socket.gethostname():
            return self._system(host)
        self._reconfigure()
        result, error = self._channel.ask(host.encode("idna").decode())
        if error is not None:
            raise _failure(error)
        times = [each.ttl for each in (*result.nodes, *result.cnames)]
        return [_found(node) for node in result.nodes], float(min(times, default=0))

    def _reconfigure(self) -> None:
        changed = _version(RESOLV_CONF)
        if changed != self._configured:
            self._configured = changed
            self._channel.retire()
            self._channel = Channel(self._reactor, self._options)


class Channel:
    """A channel of c-ares, and what it waits for.

    :param options: of ``pycares.Channel``.
    """

    def __init__(self, reactor: Reactor, options: dict[str, Any]) -> None:
        self._reactor = reactor
        self._watchers: dict[int, Any] = {}
        self._timer: Any = None
        self._pending = 0  # questions that are not answered
        self._retired = False
        self._cares: Any = pycares.Channel(sock_state_cb=self._watch, **options)

    def ask(self, name: str) -> tuple[Any, Any]:
        """The answer, or None and c-ares' number of the error. It waits."""
        done = Event()
        outcome: list[tuple[Any, Any]] = []

        def answered(result: Any, error: Any) -> None:
            outcome.append((result, error))
            self._pending -= 1
            done.set()

        self._cares.getaddrinfo(name, None, type=socket.SOCK_STREAM, callback=answered)
        self._pending += 1
        self._go_on()
        done.wait()
        ((result, error),) = outcome
        return result, error

    def retire(self) -> None:
        """Nothing is asked any more: it ends with the last answer."""
        self._retired = True
        self._go_on()

    def _watch(self, fd: int, readable: bool, writable: bool) -> None:
        """What c-ares wants to know of one of its sockets has changed."""
        watcher = self._watchers.pop(fd, None)
        if watcher is not None:
            watcher.close()
        events = (READ if readable else 0) | (WRITE if writable else 0)
        if events:
            watcher = self._watchers[fd] = self._reactor.loop.io(fd, events)
            watcher.start(self._ready, fd, pass_events=True)

    def _ready(self, events: int, fd: int) -> None:
        self._cares.process_fd(fd if events & READ else _NO_SOCKET, fd if events & WRITE else _NO_SOCKET)
        self._go_on()

    def _late(self) -> None:
        self._cares.process_fd(_NO_SOCKET, _NO_SOCKET)
        self._go_on()

    def _go_on(self) -> None:
        """Wake up when c-ares next has something to do although nothing comes: ask again, or give up."""
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        if self._pending:  # there may be sockets without: some versions keep them for the next question
            self._timer = self._reactor.loop.timer(max(self._cares.timeout(), 0.001))
            self._timer.start(self._late)
        elif self._retired:
            self._end()

    def _end(self) -> None:
        """Closing is done by a thread of pycares, later, but the reactor belongs to this one: nothing is watched any more."""
        while self._watchers:
            self._watchers.popitem()[1].close()
        self._cares.close()


def _found(node: Any) -> Found:
    host, _port, *rest = node.addr
    return node.family, host.decode() if isinstance(host, bytes) else host, tuple(rest)


def _failure(code: int) -> socket.gaierror:
    """What ``getaddrinfo`` would have raised, with its words."""
    if code == pycares.errno.ARES_ENOTFOUND:
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if code == pycares.errno.ARES_ENODATA:
        return socket.gaierror(_NODATA, "No address associated with hostname")
    if code in (pycares.errno.ARES_EBADNAME, pycares.errno.ARES_EBADQUERY):
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


#: FreeBSD has no such number.
_NODATA: Final[int] = getattr(socket, "EAI_NODATA", socket.EAI_NONAME) if sys.platform != "freebsd" else socket.EAI_NONAME


def _version(path: Path) -> tuple[int, ...]:
    """Something else whenever the file is another one; its time alone stays the same for changes within a tick of the clock."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
