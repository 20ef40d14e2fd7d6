"""Resolving names and connecting to addresses."""

import errno
import socket

import pytest

from pipy_core.net.dial import dial, resolve


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", [(socket.AF_INET, ("127.0.0.1", 80))]),
        ("10.1.2.3", [(socket.AF_INET, ("10.1.2.3", 80))]),
        ("::1", [(socket.AF_INET6, ("::1", 80))]),
    ],
)
def test_what_needs_no_resolver(reactor, host, expected):
    assert resolve(reactor, host, 80) == expected


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test"])
def test_what_cannot_be_a_name(reactor, host):
    with pytest.raises(ValueError, match="label"):
        resolve(reactor, host, 80)


def test_a_connected_socket_does_not_block(reactor):
    with socket.create_server(("127.0.0.1", 0)) as server, dial(reactor, socket.AF_INET, server.getsockname()) as sock:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getpeername() == server.getsockname()


def test_a_refusal_has_its_number(reactor):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError) as caught:  # noqa: PT011  # told by its number
            dial(reactor, socket.AF_INET, taken.getsockname())
    assert caught.value.errno == errno.ECONNREFUSED
