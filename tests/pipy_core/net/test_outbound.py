"""Outbound connections: resolving, trying, retrying, being a branch, and every way not to get there."""

import gc
import os
import re
import socket
import struct
from contextlib import contextmanager
from dataclasses import replace

import gevent
import gevent.socket
import pytest
from greenlet import greenlet

from pipy_core.events import END, EOS, Data, Failure, MessageStart, StreamEnd
from pipy_core.net import outbound as module
from pipy_core.net.attempts import CONNECTS
from pipy_core.net.dial import dial
from pipy_core.net.outbound import Outbound
from pipy_core.net.writer import HIGH_WATER
from pipy_core.testing import logged as logged_with_numbers

OPTIONS = {"bufferLimit": 0, "retryCount": 0, "retryDelay": 0.0, "connectTimeout": 0.0, "readTimeout": 0.0, "writeTimeout": 0.0}
PATIENCE = 10.0


@contextmanager
def logged():
    """The lines logged meanwhile; every outbound connection has a number of its own, which is left out."""
    lines = []
    with logged_with_numbers() as numbered:
        yield lines
    lines += [re.sub(r"\[outbound \d+\]", "[outbound]", line) for line in numbered]


class Resolver:
    """Stands in for the reactor's: gives what the test says."""

    def __init__(self, *addresses):
        self.endpoints = [(socket.AF_INET, address) for address in addresses]
        self.asked = []

    def addresses(self, host, port):
        self.asked.append((host, port))
        if not self.endpoints:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.endpoints


class Upstream:
    """A server that the test plays, and one outbound connection to it."""

    def __init__(self, reactor):
        self.reactor = reactor
        self.address = ("127.0.0.1", 0)
        self.listen()
        self.events = []
        self.peers = []

    def listen(self):
        self.server = gevent.socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # or systems differ in what they keep
        self.server.bind(self.address)
        self.server.listen()
        self.server.settimeout(PATIENCE)
        self.address = self.server.getsockname()

    def connect(self, address=None, **options):
        self.outbound = Outbound(self.reactor, address or self.address, {**OPTIONS, **options}, self.events.append)
        return self.outbound

    def feed(self, *events):
        self.reactor.later(lambda: [self.outbound.feed(event) for event in events])

    def accept(self):
        peer = self.server.accept()[0]
        peer.settimeout(PATIENCE)
        self.peers.append(peer)
        return peer

    @property
    def received(self):
        return b"".join(event.payload for event in self.events if isinstance(event, Data))

    @property
    def end(self):
        ends = [event for event in self.events if isinstance(event, StreamEnd)]
        assert len(ends) <= 1
        return ends[0].error if ends else None


def read_all(peer):
    return b"".join(iter(lambda: peer.recv(1 << 16), b""))


@pytest.fixture
def upstream(reactor):
    upstream = Upstream(reactor)
    yield upstream
    upstream.server.close()
    for peer in upstream.peers:
        peer.close()
    upstream.outbound.close()
    reactor.pass_by()


@pytest.fixture
def nobody():
    """An address that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@pytest.fixture
def silence():
    """An address that takes no connection and refuses none: its backlog is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            fillers.append(filler)
        yield server.getsockname()
        for filler in fillers:
            filler.close()


class TestConnected:
    def test_what_came_before_the_connection_is_sent_when_it_is_there(self, upstream):
        upstream.connect()
        upstream.feed(Data(b"one"), Data(b""), Data(b"two"))
        assert upstream.accept().recv(100) == b"onetwo"

    def test_answers_are_replied(self, reactor, upstream):
        upstream.connect()
        peer = upstream.accept()
        peer.sendall(b"answer")
        reactor.until(lambda: upstream.received == b"answer")
        upstream.feed(Data(b"more"))
        assert peer.recv(100) == b"more"

    def test_messages_are_transparent(self, upstream):
        upstream.connect()
        upstream.feed(MessageStart(None), Data(b"body"), END)
        assert upstream.accept().recv(100) == b"body"

    def test_the_end_of_the_stream_closes_the_sending_side_only(self, reactor, upstream):
        upstream.connect()
        upstream.feed(Data(b"question"), EOS, Data(b"late"))
        peer = upstream.accept()
        assert read_all(peer) == b"question"
        peer.sendall(b"answer")
        peer.close()
        reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [Data(b"answer"), EOS]

    def test_the_end_of_the_server_is_replied_and_closes(self, reactor, upstream):
        upstream.connect()
        peer = upstream.accept()
        peer.shutdown(socket.SHUT_WR)
        reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [EOS]
        assert read_all(peer) == b""

    def test_a_reset_is_a_read_error(self, reactor, upstream):
        upstream.connect()
        peer = upstream.accept()
        reactor.until(lambda: upstream.outbound._connection)  # a reset before it knows that it is connected is a refusal
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.READ_ERROR)]

    def test_a_silent_server_is_a_read_timeout(self, reactor, upstream):
        upstream.connect(readTimeout=0.05)
        upstream.accept()
        reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.READ_TIMEOUT)]

    def test_a_server_that_does_not_read_is_a_write_timeout(self, reactor, upstream):
        upstream.connect(writeTimeout=0.05)
        upstream.accept()
        upstream.feed(Data(bytes(16 << 20)))
        reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.WRITE_TIMEOUT)]

    def test_closing_cuts_it_without_a_reply(self, reactor, upstream):
        upstream.connect()
        peer = upstream.accept()
        reactor.later(upstream.outbound.close)
        assert read_all(peer) == b""
        upstream.feed(Data(b"late"))
        reactor.pass_by()
        assert upstream.events == []

    def test_who_feeds_too_fast_before_it_is_connected_has_to_wait(self, reactor, upstream):
        upstream.connect()
        held = []
        reactor.later(lambda: (upstream.outbound.feed(Data(bytes(HIGH_WATER + 1))), held.extend(reactor.turn.held)))
        reactor.until(lambda: held)
        assert len(held) == 1
        peer = upstream.accept()
        reactor.until(lambda: not held[0].closed)
        received = 0
        while received <= HIGH_WATER:
            received += len(peer.recv(1 << 16))
        assert received == HIGH_WATER + 1


class TestAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_addresses_and_localhost_need_no_resolver(self, reactor, upstream, host):
        reactor.resolver = Resolver()
        upstream.connect((host, upstream.address[1]))
        upstream.accept()
        assert reactor.resolver.asked == []

    def test_all_addresses_of_a_name_are_tried_in_order(self, reactor, upstream, nobody):
        reactor.resolver = Resolver(nobody, upstream.address)
        with logged() as lines:
            upstream.connect(("name.test", 80))
            upstream.feed(Data(b"x"))
            assert upstream.accept().recv(10) == b"x"
        assert reactor.resolver.asked == [("name.test", 80)]
        assert lines == [f"[ERR] [outbound] [0.0.0.0]:0 -> [127.0.0.1]:{nobody[1]} (name.test) cannot connect: Connection refused"]
        assert upstream.end is None

    def test_a_name_that_is_not_known(self, reactor, upstream):
        reactor.resolver = Resolver()
        with logged() as lines:
            upstream.connect(("unknown.test", 80))
            reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.CANNOT_RESOLVE)]
        assert lines == [
            "[ERR] [outbound] [0.0.0.0]:0 -> [unknown.test]:80 (unknown.test) cannot resolve hostname: Name or service not known"
        ]

    @pytest.mark.parametrize("name", ["a..b", "x" * 300])
    def test_a_name_that_cannot_be_a_name(self, reactor, upstream, name):
        with logged() as lines:
            upstream.connect((name, 80))
            reactor.until(lambda: upstream.end is not None)
        assert upstream.end is Failure.CANNOT_RESOLVE
        assert "cannot resolve hostname" in lines[0]

    def test_ipv6(self, reactor, upstream):
        server = gevent.socket.socket(socket.AF_INET6)
        try:
            server.bind(("::1", 0))
        except OSError:
            upstream.connect()
            pytest.skip("no IPv6 here")
        server.listen()
        upstream.connect(server.getsockname()[:2])
        peer = server.accept()[0]
        peer.sendall(b"six")
        reactor.until(lambda: upstream.received == b"six")
        server.close()
        peer.close()


class TestFailing:
    def test_nobody_listens(self, reactor, upstream, nobody):
        with logged() as lines:
            upstream.connect(nobody)
            upstream.feed(Data(b"lost"))
            reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.CONNECTION_REFUSED)]
        assert lines == [f"[ERR] [outbound] [0.0.0.0]:0 -> [127.0.0.1]:{nobody[1]} (127.0.0.1) cannot connect: Connection refused"]

    def test_nobody_answers(self, reactor, upstream, silence):
        with logged() as lines:
            upstream.connect(silence, connectTimeout=0.05)
            reactor.until(lambda: upstream.end is not None)
        assert upstream.events == [StreamEnd(Failure.CONNECTION_TIMEOUT)]
        assert lines == [
            f"[ERR] [outbound] [0.0.0.0]:0 -> [127.0.0.1]:{silence[1]} (127.0.0.1) cannot connect: Connection timed out"
        ]

    def test_nobody_answers_and_no_option_limits_it(self, reactor, upstream, silence):
        reactor.limits = replace(reactor.limits, connect_timeout=0.05)
        with logged():
            upstream.connect(silence)
            reactor.until(lambda: upstream.end is not None)
        assert upstream.end is Failure.CONNECTION_TIMEOUT

    def test_it_is_tried_again_as_often_as_asked(self, reactor, upstream, nobody):
        with logged() as lines:
            begun = reactor.now()
            upstream.connect(nobody, retryCount=2, retryDelay=0.02)
            reactor.until(lambda: upstream.end is not None)
        assert reactor.now() - begun >= 0.03
        name = f"[outbound] [0.0.0.0]:0 -> [127.0.0.1]:{nobody[1]} (127.0.0.1)"
        refused = f"[ERR] {name} cannot connect: Connection refused"
        again = "[WRN] " + name + " retry connecting... (retries = {})"
        assert lines == [refused, again.format(1), refused, again.format(2), refused]

    def test_a_negative_count_tries_for_ever(self, reactor, upstream, monkeypatch):
        tries = []
        monkeypatch.setattr(module, "dial", lambda *args: (tries.append(1), dial(*args))[1])
        upstream.server.close()
        with logged():
            upstream.connect(retryCount=-1, retryDelay=0.005)
            upstream.feed(Data(b"patient"))
            reactor.until(lambda: len(tries) > 3)
            upstream.listen()
            assert upstream.accept().recv(100) == b"patient"
        assert upstream.events == []

    def test_closing_while_it_is_connecting_leaves_nothing(self, reactor, upstream, silence):
        gc.collect()  # sockets of other tests are not closed meanwhile
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        upstream.connect(silence)
        reactor.until(lambda: len(os.listdir("/proc/self/fd")) == before + 1)  # noqa: PTH208
        waiting = upstream.outbound._greenlet
        upstream.outbound.close()
        reactor.until(lambda: waiting.dead)
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
        assert upstream.events == []

    def test_closing_between_two_tries_ends_them(self, reactor, upstream, nobody):
        with logged() as lines:
            upstream.connect(nobody, retryCount=-1, retryDelay=3600.0)
            waiting = upstream.outbound._greenlet
            reactor.until(lambda: reactor.book.counter(CONNECTS).values)  # one has been refused
            upstream.outbound.close()
            reactor.until(lambda: waiting.dead)
        assert len(lines) == 1
        assert upstream.events == []

    def test_closing_at_once_never_connects(self, reactor, upstream):
        upstream.connect()
        upstream.outbound.close()
        reactor.pass_by()
        upstream.server.settimeout(0.01)
        with pytest.raises(TimeoutError):
            upstream.accept()


class TestOverflow:
    def test_a_server_that_does_not_read_is_given_up_at_the_limit(self, reactor, upstream):
        upstream.connect(bufferLimit=100_000)
        peer = upstream.accept()
        peer_name = peer.getpeername()
        reactor.until(lambda: upstream.outbound._connection)
        with logged() as lines:
            upstream.feed(Data(bytes(16 << 20)), Data(b"over"), Data(b"over"))
            assert len(read_all(peer)) == 16 << 20  # what was taken is delivered, and then comes the end
            peer.close()
            reactor.until(lambda: upstream.end is not None)
        (own, port), (_, there) = peer_name, upstream.address
        name = f"[{own}]:{port} -> [127.0.0.1]:{there} (127.0.0.1)"
        assert lines == [f"[ERR] [outbound] {name} buffer overflow: 100000 bytes are unsent, the rest is dropped"]
        assert upstream.events == [StreamEnd(Failure.BUFFER_OVERFLOW)]

    def test_too_much_before_it_is_connected(self, reactor, upstream):
        upstream.connect(bufferLimit=10)
        with logged() as lines:
            upstream.feed(Data(b"0123456789"), Data(b"over"))
            peer = upstream.accept()
            assert read_all(peer) == b"0123456789"
            peer.close()
            reactor.until(lambda: upstream.end is not None)
        assert len(lines) == 1
        assert upstream.end is Failure.BUFFER_OVERFLOW


def test_nothing_is_left_of_connections_that_have_ended(reactor, upstream):
    def ended():
        upstream.events.clear()
        upstream.connect()
        upstream.feed(Data(b"x"), EOS)
        peer = upstream.accept()
        read_all(peer)
        peer.close()
        reactor.until(lambda: upstream.end is not None)
        reactor.pass_by()

    def greenlets():
        gc.collect()
        return sum(isinstance(each, greenlet) for each in gc.get_objects())

    ended()
    before = greenlets()
    for _ in range(5):
        ended()
    reactor.until(lambda: greenlets() <= before)
