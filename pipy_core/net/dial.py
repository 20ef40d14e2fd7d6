"""The two steps to a connected socket, for a greenlet that can wait: resolving a name, connecting to one of its addresses.

Of several addresses the next one is tried when one has failed, or does not answer soon; the first that answers wins (RFC 8305,
Happy Eyeballs).
"""

import errno
import ipaddress
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from gevent.event import Event

from pipy_core.net.lookup import choose
from pipy_core.net.reactor import Reactor
from pipy_core.net.resolver import Resolver
from pipy_core.net.writer import WRITE

Address = tuple[Any, ...]
_IN_PROGRESS: Final = (errno.EINPROGRESS, errno.EWOULDBLOCK)

#: Seconds that an address has for itself before the next one is tried as well (RFC 8305, 5: recommended).
ATTEMPT_DELAY: Final = 0.25


def resolve(reactor: Reactor, host: str, port: int) -> list[tuple[int, Address]]:
    """All addresses of *host*, each with its family, in the order to try them. ``localhost`` is 127.0.0.1 (spec: ``connect``).

    :raises OSError: the name is not known. :raises ValueError: it cannot be a name.
    """
    if host == "localhost":
        return [(socket.AF_INET, ("127.0.0.1", port))]
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        host.encode("idna")  # so that a name that cannot be one is refused here, and not in a thread of the resolver
        if reactor.resolver is None:
            reactor.resolver = Resolver(reactor, choose(reactor))
        found: list[tuple[int, Address]] = reactor.resolver.addresses(host, port)
        return found
    return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]  # IP version 4


def dial(reactor: Reactor, family: int, address: Address) -> socket.socket:
    """A connected, non-blocking socket.

    :raises OSError: nobody answers there; with the system's error number.
    """
    try:
        return reactor.inside(address[:2]) or _reached(reactor, family, address)
    except OSError:
        inside = reactor.inside(address[:2])  # the port may have been one of ours that was being closed
        if inside is None:
            raise
        return inside


def _reached(reactor: Reactor, family: int, address: Address) -> socket.socket:
    sock, code = _begin(family, address)
    try:
        if code in _IN_PROGRESS:
            reactor.wait(reactor.loop.io(sock.fileno(), WRITE))
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "")
    except BaseException:
        sock.close()
        raise
    return sock


def _begin(family: int, address: Address) -> tuple[socket.socket, int]:
    """A socket that is connecting, and what the system said to that."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock, sock.connect_ex(address)
    except BaseException:
        sock.close()
        raise


class Race:
    """Addresses of one name, tried one after the other, and side by side where one takes long.

    :param endpoints: families and addresses, in the order to try them.
    :param trying: called with each address when it is tried, and with the one that has won.
    :param failed: called with each address that has failed, and why.
    """

    def __init__(
        self,
        reactor: Reactor,
        endpoints: Sequence[tuple[int, Address]],
        trying: Callable[[Address], None],
        failed: Callable[[Address, OSError], None],
    ) -> None:
        self._reactor = reactor
        self._waiting = deque(endpoints)
        self._trying = trying
        self._failed = failed
        self._running: dict[socket.socket, tuple[Any, Address]] = {}  # with what watches it
        self._decided: list[socket.socket] = []
        self._news = Event()

    def run(self) -> socket.socket | None:
        """The first socket that is connected; None if there is none."""
        try:
            while self._waiting or self._running:
                winner = self._start() if self._waiting else None
                if winner is None and self._running:
                    self._news.wait(ATTEMPT_DELAY if self._waiting else None)
                    self._news.clear()
                    winner = self._look()
                if winner is not None:
                    return winner
            return None
        finally:
            for sock in list(self._running):
                self._drop(sock)
                sock.close()

    def _start(self) -> socket.socket | None:
        family, address = self._waiting.popleft()
        self._trying(address)
        try:
            sock, code = _begin(family, address)
        except OSError as error:  # there is no such family here
            self._failed(address, error)
            return None
        if code == 0:
            return sock
        if code not in _IN_PROGRESS:
            sock.close()
            self._failed(address, OSError(code, ""))
            return None
        watcher = self._reactor.loop.io(sock.fileno(), WRITE)
        self._running[sock] = (watcher, address)
        watcher.start(self._decide, sock)
        return None

    def _decide(self, sock: socket.socket) -> None:
        self._running[sock][0].stop()
        self._decided.append(sock)
        self._news.set()

    def _look(self) -> socket.socket | None:
        """See to those that have failed; gives the one that has not."""
        while self._decided:
            sock = self._decided.pop(0)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            address = self._drop(sock)
            if not code:
                self._trying(address)
                return sock
            sock.close()
            self._failed(address, OSError(code, ""))
        return None

    def _drop(self, sock: socket.socket) -> Address:
        watcher, address = self._running.pop(sock)
        watcher.close()
        return address


def reason(error: OSError) -> str:
    """The system's words for *error*: ``Connection refused``."""
    return os.strerror(error.errno) if error.errno else str(error)
