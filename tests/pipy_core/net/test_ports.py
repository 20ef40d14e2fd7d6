"""All ports of a worker: taken over together or not at all, counted and closed together."""

import socket
from types import SimpleNamespace

import gevent.socket
import pytest

from pipy_core.errors import StartError
from pipy_core.filter import Filter
from pipy_core.net.ports import Ports

OPTIONS = {"maxConnections": -1, "readTimeout": 0.0, "writeTimeout": 0.0}


class Polite(Filter):
    """Echoes; when it is asked to finish it does nothing."""

    def process(self, event):
        self.emit(event)


def free():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()


@pytest.fixture
def take_over(reactor, services, contexts):
    """``take_over(addresses)``; ``take_over.ports`` are the ports."""
    ports = Ports(reactor, reuse_port=False)
    generation = SimpleNamespace(new_context=contexts.new, gone=contexts.gone)

    def take(*addresses):
        layout = services.layout(Polite)
        ports.take_over({each: SimpleNamespace(address=each, options=OPTIONS, layout=layout) for each in addresses}, generation)

    take.ports = ports
    yield take
    ports.close()
    ports.abort()
    reactor.pass_by()


def talk(address):
    client = gevent.socket.create_connection(address, 10)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    return client


def test_ports_are_opened_kept_and_closed(take_over):
    first, second, third = free(), free(), free()
    take_over(first, second)
    take_over(second, third)
    talk(second).close()
    talk(third).close()
    with pytest.raises(ConnectionRefusedError):
        talk(first)


def test_where_one_cannot_be_opened_nothing_changes(take_over):
    first, second = free(), free()
    take_over(first)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError):
        take_over(second, taken.getsockname())
    talk(first).close()
    with pytest.raises(ConnectionRefusedError):
        talk(second)


def test_connections_of_a_port_that_is_gone_still_count(take_over):
    first, second = free(), free()
    take_over(first)
    client = talk(first)
    take_over(second)
    assert take_over.ports.busy == 1
    client.sendall(b"y")
    assert client.recv(1) == b"y"
    take_over.ports.abort()
    assert client.recv(1) == b""
    assert take_over.ports.busy == 0
    client.close()


def test_a_connection_that_only_waits_for_its_client_is_not_busy(reactor, take_over):
    address = free()
    take_over(address)
    client = talk(address)
    assert take_over.ports.busy == 1
    client.shutdown(socket.SHUT_WR)
    reactor.until(lambda: take_over.ports.busy == 0)
    client.close()
