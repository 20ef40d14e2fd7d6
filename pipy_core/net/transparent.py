"""Transparent proxying on Linux: where a connection was meant to go before netfilter sent it here.

REDIRECT (address translation) leaves the original destination with the connection tracking, which tells it as a socket option.
TPROXY leaves it in the packets, so that it is the socket's own address; the listening socket has to be allowed that.
"""

import ipaddress
import socket
from typing import Final

from pipy_core.logs import get_logger

#: From the headers of Linux; Python does not know them all.
IP_TRANSPARENT: Final = 19
IPV6_TRANSPARENT: Final = 75
SO_ORIGINAL_DST: Final = 80  # the same number for both families
_SIZE: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}  # of sockaddr_in and sockaddr_in6

_log = get_logger("listener")


def allow(sock: socket.socket) -> None:
    """Let a listening socket take connections to any address (TPROXY). It needs privileges; that it has none is logged."""
    option = (socket.SOL_IP, IP_TRANSPARENT) if sock.family == socket.AF_INET else (socket.IPPROTO_IPV6, IPV6_TRANSPARENT)
    try:
        sock.setsockopt(*option, 1)
    except OSError as error:
        _log.warning(f"Connections are accepted from REDIRECT, but not from TPROXY: {error.strerror}")


def destination(sock: socket.socket) -> tuple[str, int]:
    """Where the client of an accepted connection wanted to go: address and port; our own if nothing has redirected it."""
    level = socket.SOL_IP if sock.family == socket.AF_INET else socket.IPPROTO_IPV6
    try:
        return parse_address(sock.family, sock.getsockopt(level, SO_ORIGINAL_DST, _SIZE[sock.family]))
    except OSError:  # nobody keeps track of it
        address, port = sock.getsockname()[:2]
        return address, port


def parse_address(family: int, raw: bytes) -> tuple[str, int]:
    """Address and port in a ``sockaddr_in`` or ``sockaddr_in6``."""
    start, end = (4, 8) if family == socket.AF_INET else (8, 24)
    return str(ipaddress.ip_address(raw[start:end])), int.from_bytes(raw[2:4], "big")
