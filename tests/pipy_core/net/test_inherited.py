"""Sockets that somebody else has opened."""

import os
import socket
from pathlib import Path

import pytest

from pipy_core.net.inherited import inherited_sockets

FIRST = 700


@pytest.fixture
def passed():
    """``passed(sockets)``: they have the descriptors from ``FIRST`` on."""
    numbers = []

    def place(*sockets):
        for number, sock in enumerate(sockets, FIRST):
            os.dup2(sock.fileno(), number)
            numbers.append(number)

    yield place
    for number in numbers:
        try:
            os.close(number)
        except OSError:
            continue  # whoever took it has closed it


def variables(count, **others):
    return {"LISTEN_FDS": str(count), "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "x", **others}


def test_those_that_listen_for_tcp_are_taken_and_others_left_alone(passed):
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.socket() as silent,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        Path(os.devnull).open() as no_socket,
    ):
        passed(datagrams, four, silent, no_socket, six)
        environ = variables(5)
        found = inherited_sockets(environ, FIRST)
        assert environ == {}
        assert found.keys() == {four.getsockname(), six.getsockname()[:2]}
        for sock in found.values():
            assert not sock.getblocking()
            assert not sock.get_inheritable()
            sock.close()
        for number in (FIRST, FIRST + 2, FIRST + 3):
            os.fstat(number)  # still open


@pytest.mark.parametrize(
    "environ",
    [{}, variables(1, LISTEN_PID="1"), variables("many"), variables(-1), variables(0), {"LISTEN_FDS": "1"}],
)
def test_nothing_is_meant_for_us(passed, environ):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        passed(sock)
        assert inherited_sockets(environ, FIRST) == {}
        assert environ == {}


def test_fewer_than_announced(passed):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        passed(sock)
        found = inherited_sockets(variables(1000), FIRST)
        assert list(found) == [sock.getsockname()]
        found.popitem()[1].close()
