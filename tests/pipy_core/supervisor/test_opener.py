"""Opening ports here, and in a process of its own."""

import os
import socket

import pytest

from pipy_core.errors import StartError
from pipy_core.process.control import Address
from pipy_core.supervisor.opener import direct_opener, privileged_opener
from tests.system.pipy_process import free_port


@pytest.fixture
def forked(monkeypatch):
    """The processes that were forked off: others may have children, too."""
    numbers = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: (numbers.append(fork()), numbers[-1])[1])
    return numbers


@pytest.fixture(params=[direct_opener, privileged_opener])
def opened(request, forked):
    opener = request.param(reuse_port=False)
    yield opener
    if request.param is privileged_opener:
        opener.args[0].close()
        os.waitpid(*forked, 0)


def test_a_port_is_opened(opened):
    address = Address("127.0.0.1", free_port())
    with opened(address) as sock:
        assert sock.getsockname() == (address.host, address.port)
        assert not sock.getblocking()
        assert not sock.get_inheritable()
        with socket.create_connection((address.host, address.port)):
            sock.setblocking(True)
            sock.accept()[0].close()


def test_why_a_port_cannot_be_opened(opened):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(*taken.getsockname())
        for _ in range(2):
            expected = f"Cannot start listening on port {address.port} at 127.0.0.1: Address already in use"
            with pytest.raises(StartError, match=expected):
                opened(address)


def test_the_process_that_opens_ports_has_ended(forked):
    opened = privileged_opener(reuse_port=False)
    opened.args[0].shutdown(socket.SHUT_WR)
    assert os.waitpid(*forked, 0)[1] == 0
    with pytest.raises(StartError, match="the process that opens ports"):
        opened(Address("127.0.0.1", free_port()))
    opened.args[0].close()
