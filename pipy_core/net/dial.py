"""The two steps to a connected socket, for a greenlet that can wait: resolving a name, connecting to one address."""

import errno
import ipaddress
import socket
from typing import Any

from pipy_core.net.reactor import Reactor
from pipy_core.net.writer import WRITE

Address = tuple[Any, ...]


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
        found = reactor.hub.resolver.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found]
    return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]  # IP version 4


def dial(reactor: Reactor, family: int, address: Address) -> socket.socket:
    """A connected, non-blocking socket.

    :raises OSError: nobody answers there; with the system's error number.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            reactor.wait(reactor.loop.io(sock.fileno(), WRITE))
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "")
    except BaseException:
        sock.close()
        raise
    return sock
