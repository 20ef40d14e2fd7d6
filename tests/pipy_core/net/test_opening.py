"""Listening sockets without a listener."""

import errno
import select
import socket
import sys

import pytest

from pipy_core.errors import StartError
from pipy_core.net import opening, transparent
from pipy_core.net.opening import admit_again, open_socket, queued, refuse_new
from tests.reactor import PATIENCE

HERE = ("127.0.0.1", 0)


def connect(sock):
    """Begin to connect; give the client."""
    client = socket.socket()
    client.setblocking(False)
    assert client.connect_ex(sock.getsockname()) == errno.EINPROGRESS
    return client


def comes(sock):
    """Whether somebody can be accepted; on the loopback that happens at once, unless the system has much to do."""
    return select.select([sock], [], [], PATIENCE)[0] == [sock]


def accepts(sock):
    """Whether somebody can be accepted now."""
    try:
        sock.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_it_is_bound_and_listening_and_does_not_block():
    with open_socket(HERE, {}) as sock, connect(sock):
        assert comes(sock)
        assert accepts(sock)
        assert not accepts(sock)


def test_a_port_that_is_taken():
    with open_socket(HERE, {}) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(StartError, match=rf"^Cannot start listening on port {port} at 127\.0\.0\.1: Address already in use$"):
            open_socket(sock.getsockname(), {})


def test_a_port_that_is_shared():
    with open_socket(HERE, {}, reuse_port=True) as sock:
        open_socket(sock.getsockname(), {}, reuse_port=True).close()


def test_a_transparent_one(monkeypatch):
    allowed = []
    monkeypatch.setattr(transparent, "allow", allowed.append)
    with open_socket(HERE, {"transparent": True}) as sock:
        assert allowed == [sock]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has packet filters for sockets")
def test_who_has_begun_gets_through_and_nobody_else():
    with open_socket(HERE, {}) as sock, connect(sock) as early:
        assert comes(sock)
        refuse_new(sock)
        with connect(sock):
            accepted = sock.accept()[0]
            assert not accepts(sock)
        with accepted:
            early.sendall(b"question")
            accepted.settimeout(PATIENCE)
            assert accepted.recv(100) == b"question"  # what is connected is not filtered
        admit_again(sock)
        with connect(sock):
            assert comes(sock)


def test_how_many_wait(monkeypatch):
    with open_socket(HERE, {}) as sock, connect(sock) as first, connect(sock) as second:
        for client in (first, second):
            assert select.select([], [client], [], PATIENCE)[1] == [client]  # it is connected
        if sys.platform == "linux":
            assert queued(sock) == 2
            assert accepts(sock)
        monkeypatch.setattr(sys, "platform", "freebsd14")
        assert queued(sock) == 1


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_where_there_are_no_filters_the_queue_is_made_short(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(opening, "_ATTACH_FILTER", 9999)  # as if forbidden
    monkeypatch.setattr(opening, "_DETACH_FILTER", 9999)
    with open_socket(HERE, {}) as sock:
        refuse_new(sock)
        clients = [connect(sock) for _ in range(4)]
        assert [accepts(sock) for _ in range(4)].count(True) < 4
        admit_again(sock)
        with connect(sock):
            assert comes(sock)
        for client in clients:
            client.close()
