"""Connections of the program to ports of its own while it ends.

These are closed then to everybody else, and other processes may listen there; but what is under way may still need them, and is
promised to be finished. So the two ends are brought together here, without the port.
"""

import socket
from collections.abc import Iterable
from typing import Final

from pipy_core.net.listener import Listener
from pipy_core.net.opening import Address
from pipy_core.net.reactor import Reactor

#: Seconds for what takes none, both ends being ours; where a machine binds addresses that it does not have, it may be another's.
PATIENCE: Final = 0.1
_EVERYWHERE: Final = ("::", "0.0.0.0")  # noqa: S104  # what others listen on


def connect_inside(reactor: Reactor, listeners: Iterable[Listener], address: Address) -> socket.socket | None:
    """A connection to that of *listeners* which *address*, with an IP address, leads to. It is served as one that was accepted.

    :returns: None if it leads to none of them, or the process has as many connections as it may have.
    """
    if reactor.admission.full:
        return None
    for listener in listeners:
        if leads_to(address, listener.address):
            try:
                ours, theirs = _pair(address[0])
            except OSError:  # another machine has this address
                return None
            reactor.loop.run_callback(listener.admit, theirs, ours.getsockname(), address)
            return ours
    return None


def leads_to(address: Address, listening: Address) -> bool:
    """Whether who listens at *listening* gets connections to *address*, if that is an address of this machine."""
    (host, port), (place, number) = address, listening
    return port == number and (place == host or place == _EVERYWHERE[0] or (place == _EVERYWHERE[1] and ":" not in host))


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """The two ends of a new connection to *host*.

    :raises OSError: this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        server.settimeout(PATIENCE)
        ours = socket.create_connection(server.getsockname()[:2], PATIENCE)
        try:
            theirs = _accepted(server, ours.getsockname())
        except OSError:
            ours.close()
            raise
    for sock in (ours, theirs):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


def _accepted(server: socket.socket, wanted: tuple[str, int]) -> socket.socket:
    """The connection that comes from *wanted*: somebody else may have found the port."""
    while True:
        sock, peer = server.accept()
        if peer == wanted:
            return sock
        sock.close()
