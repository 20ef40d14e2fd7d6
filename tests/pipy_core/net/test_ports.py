"""All ports of a worker: taken over together or not at all, counted and closed together."""

import itertools
import socket
import time
from types import SimpleNamespace

import gevent.socket
import pytest

from pipy_core.errors import StartError
from pipy_core.events import EOS
from pipy_core.filter import Filter
from pipy_core.net import ports as module
from pipy_core.net.opening import open_socket
from pipy_core.net.ports import Ports
from pipy_core.testing import logged
from tests.system.pipy_process import free_ports

NONE = {}
OPTIONS = {"maxConnections": -1, "readTimeout": 0.0, "writeTimeout": 0.0}


class Polite(Filter):
    """Echoes; when it is asked to finish it does nothing, or ends when it is asked for the *last* time."""

    last = 0
    asked = 0

    def process(self, event):
        self.emit(event)

    def drain(self):
        self.asked += 1
        if self.asked == self.last:
            self.emit(EOS)


class SentFrom:
    """An outbound connection."""

    def __init__(self, client, port):
        self.way = (*client.getsockname(), port)


def free(count):
    """Addresses that nobody listens on, nor any connection takes meanwhile."""
    return [("127.0.0.1", port) for port in free_ports(count)]


@pytest.fixture
def take_over(reactor, services, contexts):
    """``take_over(addresses)``; ``take_over.ports`` are the ports."""
    ports = Ports(reactor, reuse_port=False)
    numbers = itertools.count(1)

    def take(*addresses, sockets=NONE):
        layout = services.layout(Polite)
        generation = SimpleNamespace(new_context=contexts.new, gone=contexts.gone, number=next(numbers))
        openings = {each: SimpleNamespace(address=each, options=OPTIONS, layout=layout) for each in addresses}
        ports.take_over(openings, generation, sockets)

    take.ports = ports
    yield take
    ports.abort()
    reactor.pass_by()


def talk(address):
    client = gevent.socket.create_connection(address, 10)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    return client


def test_ports_are_opened_kept_and_closed(reactor, take_over):
    first, second, third = free(3)
    take_over(first, second)
    take_over(second, third)
    closing = take_over.ports.listeners[-1]
    assert closing.address == first
    reactor.until(lambda: not closing.is_open)
    talk(second).close()
    talk(third).close()
    with pytest.raises(ConnectionRefusedError):
        talk(first)


def test_where_one_cannot_be_opened_nothing_changes(take_over):
    first, second = free(2)
    take_over(first)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError):
        take_over(second, taken.getsockname())
    talk(first).close()
    with pytest.raises(ConnectionRefusedError):
        talk(second)


def test_connections_of_a_port_that_is_gone_still_count(take_over):
    first, second = free(2)
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
    (address,) = free(1)
    take_over(address)
    client = talk(address)
    assert take_over.ports.busy == 1
    client.shutdown(socket.SHUT_WR)
    reactor.until(lambda: take_over.ports.busy == 0)
    client.close()


def test_a_port_that_is_being_closed_may_be_taken_again(take_over):
    first, second = free(2)
    take_over(first, second)
    take_over(second)
    take_over(first, second)
    assert [each.address for each in take_over.ports.listeners] == [second, first]
    talk(first).close()


def test_sockets_of_others_are_adopted(take_over):
    first, second = free(2)
    with open_socket(first, OPTIONS) as sock:
        with logged() as lines:
            take_over(first, second, sockets={first: sock.dup()})
        assert lines == [f"[INF] [listener] Listening on port {second[1]} at 127.0.0.1"]
        talk(first).close()
        with open_socket(*free(1), OPTIONS) as third, pytest.raises(StartError):
            take_over(third.getsockname())


def test_a_shared_port_that_comes_back_while_it_is_closed_is_not_for_the_older_generation(take_over):
    (address,) = free(1)
    with open_socket(address, OPTIONS) as shared:
        take_over(address, sockets={address: shared.dup()})
        take_over()
        take_over(address, sockets={address: shared.dup()})
        clients = [talk(address) for _ in range(4)]
        assert take_over.ports.generations == {3: 4}
        for client in clients:
            client.close()


def test_what_is_open_is_told_apart_by_generation_and_cut_by_it(reactor, take_over):
    (address,) = free(1)
    clients = []
    for _ in range(2):
        take_over(address)
        clients.append(talk(address))
    assert take_over.ports.generations == {1: 1, 2: 1}
    with logged() as lines:
        assert take_over.ports.cut(1) == 1
        assert take_over.ports.cut(1) == 0
    assert lines == ["[WRN] [listener] 1 connections of generation 1 had to be cut"]
    assert take_over.ports.generations == {2: 1}
    assert clients[0].recv(1) == b""
    clients[1].sendall(b"y")
    assert clients[1].recv(1) == b"y"
    for client in clients:
        client.close()


def test_older_generations_are_asked_to_end_until_they_do(reactor, take_over, monkeypatch):
    monkeypatch.setattr(Polite, "last", 3)
    take_over.ports._grace = 0.03
    (address,) = free(1)
    take_over(address)
    old = talk(address)
    begun = reactor.now()
    take_over(address)
    new = talk(address)
    assert old.recv(1) == b""
    assert reactor.now() - begun > 0.05  # and less than its patience: the usual grace takes as long
    new.sendall(b"y")
    assert new.recv(1) == b"y"
    assert take_over.ports.generations[2] == 1
    for client in (old, new):
        client.close()


def test_what_has_come_is_read_before_anybody_is_asked_again(reactor, take_over, monkeypatch):
    monkeypatch.setattr(Polite, "last", 2)
    take_over.ports._grace = 0.03
    (address,) = free(1)
    take_over(address)
    client = talk(address)
    take_over(address)
    client.sendall(b"y")
    time.sleep(0.05)  # the process is held up, and the grace is over
    assert client.recv(1) == b"y"
    assert client.recv(1) == b""
    client.close()


def test_all_are_asked_once_even_if_the_clock_has_just_begun(reactor, take_over, monkeypatch):
    monkeypatch.setattr(Polite, "last", 1)
    take_over.ports._grace = 1e9  # longer ago than the machine was started
    (address,) = free(1)
    take_over(address)
    old = talk(address)
    take_over(address)
    assert old.recv(1) == b""
    old.close()


def test_many_are_asked_in_batches(reactor, take_over, monkeypatch):
    monkeypatch.setattr(module, "DRAIN_BATCH", 3)
    monkeypatch.setattr(Polite, "last", 1)
    (address,) = free(1)
    take_over(address)
    clients = [talk(address) for _ in range(8)]
    ports = take_over.ports
    left = []
    monkeypatch.setattr(ports, "_ask", lambda *args, ask=ports._ask: (ask(*args), left.append(ports.busy)))
    reactor.later(ports.drain)
    reactor.until(lambda: not ports.busy)
    assert len(left) == 3
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_at_the_end_all_are_asked_and_those_who_come_meanwhile(reactor, take_over, monkeypatch):
    monkeypatch.setattr(module, "SHUTDOWN_GRACE", 0.03)
    monkeypatch.setattr(Polite, "last", 2)
    (address,) = free(1)
    take_over(address)
    ports, client = take_over.ports, talk(address)
    waiting = socket.create_connection(address)
    assert not ports.ended
    ports.close()
    ports.drain()
    assert client.recv(1) == b""
    client.close()
    reactor.until(lambda: ports.ended)
    assert not ports.busy
    assert waiting.recv(1) == b""
    waiting.close()


def test_a_port_that_is_being_closed_has_not_ended(reactor, take_over):
    take_over(*free(1))
    ports = take_over.ports
    ports.close()
    ports.drain()
    assert not ports.busy
    assert not ports.ended
    reactor.until(lambda: ports.ended)


def test_a_client_from_a_port_that_the_program_connects_from_to_another_place_is_no_part_of_it(reactor, take_over, monkeypatch):
    monkeypatch.setattr(Polite, "last", 1)
    (address,) = free(1)
    take_over(address)
    client = talk(address)
    reactor.outbounds.add(SentFrom(client, address[1] + 1))
    assert take_over.ports.busy == 1
    take_over.ports.close()
    reactor.later(take_over.ports.drain)
    assert client.recv(1) == b""
    client.close()
    reactor.until(lambda: take_over.ports.ended)


def test_connections_of_the_program_to_itself_are_there_to_the_end(reactor, take_over, monkeypatch):
    monkeypatch.setattr(module, "SHUTDOWN_GRACE", 0.03)
    monkeypatch.setattr(Polite, "last", 1)
    (address,) = free(1)
    take_over(address)
    ports, inner, outer = take_over.ports, talk(address), talk(address)
    reactor.outbounds.add(SentFrom(inner, address[1]))
    assert ports.busy == 1
    ports.close()
    reactor.later(ports.drain)
    assert outer.recv(1) == b""
    inner.sendall(b"y")
    assert inner.recv(1) == b"y"
    reactor.until(lambda: ports.ended)
    inner.sendall(b"z")
    assert inner.recv(1) == b"z"
    for client in (inner, outer):
        client.close()
