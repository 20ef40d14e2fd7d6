"""Listening sockets that somebody else has opened for us: systemd's socket activation, see sd_listen_fds(3)."""

import os
import socket
from collections.abc import Collection, Iterable, MutableMapping
from typing import Final

from pipy_core.kit.address import spelled
from pipy_core.logs import get_logger
from pipy_core.net.opening import Address

#: The number of the first descriptor that is passed.
FIRST: Final = 3
#: More are not taken: a slip in a unit would make us close what is not ours.
MAX_INHERITED: Final = 1000

_log = get_logger("listener")


def inherited_sockets(environ: MutableMapping[str, str], first: int = FIRST) -> dict[Address, socket.socket]:
    """Those that listen for TCP, by address; what else is passed is left alone.

    The variables are taken out of *environ*: they are not meant for programs that we start.

    :param first: the number of the first descriptor.
    """
    count, meant = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_PID", "")
    environ.pop("LISTEN_FDNAMES", None)
    if meant != str(os.getpid()) or not (count.isascii() and count.isdigit()):
        return {}
    found: dict[Address, socket.socket] = {}
    for descriptor in range(first, first + min(int(count), MAX_INHERITED)):
        sock = _listening(descriptor)
        if sock is not None:
            host, port = sock.getsockname()[:2]
            found[host, port] = sock
    return found


def warn_of_unused(inherited: Iterable[Address], wanted: Collection[Address]) -> None:
    """Tell of the sockets that nobody uses: clients connect to them and wait for ever, so an address is probably wrong."""
    for address in inherited:
        if address not in wanted:
            _log.warning(f"nothing listens on {spelled(*address)}, which was opened by who started us: is it as in the script?")


def _listening(descriptor: int) -> socket.socket | None:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return None
    try:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = 0
    if not listens or sock.type != socket.SOCK_STREAM or sock.family not in (socket.AF_INET, socket.AF_INET6):
        sock.detach()
        return None
    sock.setblocking(False)
    return sock
