"""Listening sockets: how they are made, and how one is closed so that nobody who is connecting to it is turned away half-way.

Everything here works without a listener, a reactor and a script: a process that only keeps sockets for others uses it as it is.
"""

import array
import os
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from pipy_core.errors import StartError
from pipy_core.net import transparent

Address: TypeAlias = tuple[str, int]

#: Connections that wait to be accepted (the kernel may allow fewer). nginx has 511.
BACKLOG: Final = 4096

#: From the headers of Linux; Python does not know them.
_ATTACH_FILTER: Final = 26
_DETACH_FILTER: Final = 27
#: Where ``struct tcp_info`` has the number of connections to a listening socket that are not accepted.
_QUEUED: Final = struct.Struct("=24xI")
#: A packet filter: what has SYN and not ACK among its flags (byte 13 of a TCP header) is dropped, everything else is let in.
_NO_NEW_ONES: Final = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def open_socket(address: Address, options: Mapping[str, Any], *, reuse_port: bool = False) -> socket.socket:
    """A socket that is bound and listening, and does not block. It may be handed to other processes, which accept from it together.

    :param options: of ``listen``; ``transparent`` counts.
    :param reuse_port: others may listen on the same port with sockets of their own.
    :raises StartError: the port is taken, or may not be used.
    """
    host, port = address
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if options.get("transparent"):
            transparent.allow(sock)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        words = os.strerror(error.errno) if error.errno else str(error)
        raise StartError(f"Cannot start listening on port {port} at {host}: {words}") from error
    sock.setblocking(False)
    return sock


def queued(sock: socket.socket) -> int:
    """How many connections to *sock* wait to be accepted; 1 where only Linux would tell."""
    if sys.platform != "linux":
        return 1
    (count,) = _QUEUED.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUED.size))
    return int(count)


def refuse_new(sock: socket.socket) -> None:
    """Let nobody begin to connect to *sock*, for all processes that share it; those who have begun still get through.

    Closing a listening socket resets who is connected and not accepted yet. So this comes first, then everybody is accepted who is
    there or arrives within a round trip, and then nobody is left to be reset. Who tries meanwhile hears nothing, tries again a
    second later, and is refused in order.

    Where there are no packet filters for sockets the queue is made as short as it can be, which leaves a gap of microseconds.
    """
    if sys.platform == "linux":
        code = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in _NO_NEW_ONES))
        with suppress(OSError):  # a sandbox may forbid it
            sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(_NO_NEW_ONES), code.buffer_info()[0]))
            return
    sock.listen(0)


def admit_again(sock: socket.socket) -> None:
    """Undo ``refuse_new``."""
    if sys.platform == "linux":
        with suppress(OSError):  # there is none
            sock.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
    sock.listen(BACKLOG)
