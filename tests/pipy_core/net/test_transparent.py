"""Where redirected connections were meant to go, with a kernel that says what the test wants; ``tests/system`` has the real one."""

import errno
import socket

import pytest

from pipy_core.net import transparent
from pipy_core.testing import logged

SOCKADDR_IN = b"\x02\x00\x00\x50\x0a\x01\x02\x03" + bytes(8)
SOCKADDR_IN6 = b"\x0a\x00\x01\xbb" + bytes(4) + bytes.fromhex("20010db8000000000000000000000001") + bytes(4)


class Kernel:
    """A socket as far as this is concerned."""

    def __init__(self, family, answer):
        self.family = family
        self.answer = answer
        self.asked = []

    def getsockopt(self, *option):
        self.asked.append(option)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer

    def setsockopt(self, *option):
        self.asked.append(option)
        if isinstance(self.answer, OSError):
            raise self.answer

    def getsockname(self):
        return ("fe80::1", 8080, 0, 0) if self.family == socket.AF_INET6 else ("10.0.0.1", 8080)


@pytest.mark.parametrize(("family", "answer", "asked", "found"), [
    (socket.AF_INET, SOCKADDR_IN, (0, 80, 16), ("10.1.2.3", 80)),
    (socket.AF_INET6, SOCKADDR_IN6, (41, 80, 28), ("2001:db8::1", 443)),
    (socket.AF_INET, OSError(errno.ENOENT, ""), (0, 80, 16), ("10.0.0.1", 8080)),
    (socket.AF_INET6, OSError(errno.ENOPROTOOPT, ""), (41, 80, 28), ("fe80::1", 8080)),
])  # fmt: skip
def test_destinations(family, answer, asked, found):
    kernel = Kernel(family, answer)
    assert transparent.destination(kernel) == found
    assert kernel.asked == [asked]


@pytest.mark.parametrize(("family", "asked"), [(socket.AF_INET, (0, 19, 1)), (socket.AF_INET6, (41, 75, 1))])
def test_what_a_listening_socket_is_allowed(family, asked):
    kernel = Kernel(family, None)
    with logged() as lines:
        transparent.allow(kernel)
    assert kernel.asked == [asked]
    assert lines == []


def test_without_privileges_there_is_less():
    with logged() as lines:
        transparent.allow(Kernel(socket.AF_INET, PermissionError(errno.EPERM, "Operation not permitted")))
    assert lines == ["[WRN] [listener] Connections are accepted from REDIRECT, but not from TPROXY: Operation not permitted"]
