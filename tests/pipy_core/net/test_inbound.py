"""One accepted connection: what its pipeline gets and gives, and how the two come to their ends."""

import math
import socket

import gevent.socket
import pytest

from pipy_core.counters import Tally
from pipy_core.events import EOS, Data, Failure, StreamEnd
from pipy_core.filter import Filter
from pipy_core.limits import Limits
from pipy_core.net import inbound as module
from pipy_core.net.inbound import Inbound
from tests.reactor import PATIENCE


class Acceptor:
    """What has accepted the connection. :ivar forgotten: those that are closed."""

    def __init__(self, reactor, layout, contexts, options):
        self.reactor = reactor
        self.layout = layout
        self.options = options
        self.limits = Limits(read_timeout=0.0)
        self.new_context = contexts.new
        self.gone = contexts.gone
        self.generation = 3
        self.tally = Tally("a:1")
        self.forgotten = []

    def forget(self, inbound):
        self.forgotten.append(inbound)


class Noting(Filter):
    """Keeps what it gets; emits what the test says. :ivar working: it has not said all."""

    working = False

    def __init__(self, made):
        self.events = []
        self.drains = 0
        self.closed = 0
        made.append(self)

    def process(self, event):
        self.events.append(event)

    def busy(self):
        return self.working

    def drain(self):
        self.drains += 1

    def close(self):
        self.closed += 1


class Story:
    """A connection, its peer, and its only filter."""

    def __init__(self, reactor, services, contexts, **options):
        self.reactor, self.contexts = reactor, contexts
        made, connections = [], []
        self.acceptor = Acceptor(reactor, services.layout(lambda: Noting(made)), contexts, options)
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.peer = gevent.socket.create_connection(server.getsockname(), PATIENCE)
            sock, address = server.accept()
        sock.setblocking(False)
        reactor.loop.run_callback(lambda: connections.append(Inbound(self.acceptor, sock, address)))
        reactor.until(lambda: connections)
        (self.inbound,), (self.filter,) = connections, made

    def emit(self, *events):
        """In one turn."""

        def step():
            for event in events:
                self.filter.emit(event)

        self.reactor.later(step)

    @property
    def closed(self):
        return self.acceptor.forgotten == [self.inbound]


@pytest.fixture
def story(reactor, services, contexts):
    made = Story(reactor, services, contexts)
    yield made
    made.peer.close()
    reactor.later(made.inbound.abort)
    reactor.until(lambda: made.closed)
    reactor.pass_by()
    assert made.closed  # and only once
    assert contexts.gone_ones == [1]
    assert made.filter.closed == 1


def test_bytes_go_both_ways(story):
    story.peer.sendall(b"in")
    story.reactor.until(lambda: story.filter.events)
    assert story.filter.events == [Data(b"in")]
    story.emit(Data(b"out"), Data(b""))
    assert story.peer.recv(100) == b"out"
    tally = story.acceptor.tally
    assert (tally.bytes_in, tally.bytes_out) == (2, 3)


def test_the_context_knows_both_ends(story):
    local, remote = story.peer.getpeername(), story.peer.getsockname()
    ((number, *ends),) = story.contexts.inbounds
    assert number > 0
    assert ends == [*remote, *local]
    assert (story.inbound.peer, story.inbound.way) == ("127.0.0.1", (*remote, local[1]))
    assert story.inbound.generation == 3
    assert story.inbound.group.tally is story.acceptor.tally
    assert story.inbound.group.limits is story.acceptor.limits


def test_a_pipeline_that_ends_ends_the_connection(story):
    story.emit(Data(b"bye"), EOS, Data(b"too late"), EOS)
    assert story.peer.recv(100) == b"bye"
    assert story.peer.recv(100) == b""
    story.reactor.until(lambda: story.filter.events)
    assert story.filter.events == [EOS]
    assert not story.inbound.busy
    assert story.inbound.way is None
    assert story.filter.closed == 1  # though the client has not closed yet


def test_what_comes_after_the_end_of_a_pipeline_is_thrown_away(story):
    story.emit(EOS)
    assert story.peer.recv(100) == b""
    story.peer.sendall(b"more")
    story.peer.shutdown(socket.SHUT_WR)
    story.reactor.until(lambda: story.closed)
    assert story.filter.events == [EOS]


def test_a_client_that_ends_gets_what_the_pipeline_has_to_say(story):
    story.filter.working = True
    story.peer.sendall(b"question")
    story.peer.shutdown(socket.SHUT_WR)
    story.reactor.until(lambda: len(story.filter.events) == 2)
    assert story.filter.events == [Data(b"question"), EOS]
    assert story.inbound.busy
    story.emit(Data(b"answer"), EOS)
    assert story.peer.recv(100) == b"answer"
    story.reactor.until(lambda: story.closed)
    assert story.filter.events == [Data(b"question"), EOS]  # no second end


def test_a_client_that_ends_while_there_is_nothing_to_say(story):
    story.peer.shutdown(socket.SHUT_WR)
    assert story.peer.recv(100) == b""
    story.reactor.until(lambda: story.closed)


def test_a_pipeline_that_never_answers_has_a_limit(story, monkeypatch):
    monkeypatch.setattr(module, "HALF_CLOSED_LIMIT", 0.01)
    story.filter.working = True
    story.peer.shutdown(socket.SHUT_WR)
    story.reactor.until(lambda: story.closed)
    assert story.filter.events == [EOS]


def test_the_limit_does_not_outlive_the_connection(story, monkeypatch):
    monkeypatch.setattr(module, "HALF_CLOSED_LIMIT", 0.05)
    story.filter.working = True
    story.peer.shutdown(socket.SHUT_WR)
    story.reactor.until(lambda: story.filter.events)
    deadline = story.inbound._deadline
    story.emit(EOS)
    story.reactor.until(lambda: story.closed)
    assert deadline._then is None


def test_it_is_asked_to_come_to_its_end_until_it_has(story):
    assert story.inbound.asked == -math.inf
    for _ in range(2):
        story.reactor.later(story.inbound.drain)
    story.reactor.until(lambda: story.filter.drains == 2)
    assert story.inbound.asked > 0.0
    story.emit(EOS)
    story.reactor.until(lambda: not story.inbound.busy)
    story.reactor.later(story.inbound.drain)
    story.reactor.pass_by()
    assert story.filter.drains == 2


def test_one_whose_client_has_ended_needs_not_be_asked(story):
    story.filter.working = True
    story.peer.shutdown(socket.SHUT_WR)
    story.reactor.until(lambda: story.filter.events)
    story.reactor.later(story.inbound.drain)
    story.reactor.pass_by()
    assert (story.filter.drains, story.inbound.asked) == (0, -math.inf)


def test_one_that_keeps_us_waiting_ends_with_an_error(story):
    story.reactor.later(story.inbound.time_out)
    story.reactor.until(lambda: story.closed)
    assert story.filter.events == [StreamEnd(Failure.READ_TIMEOUT)]


def test_one_that_is_cut_gets_nothing_more(story):
    story.reactor.later(story.inbound.abort)
    story.reactor.until(lambda: story.closed)
    assert story.inbound.way is None
    assert story.filter.closed == 1
    assert story.peer.recv(100) == b""


def test_it_tells_what_waits(story):
    story.emit(Data(bytes(1 << 24)))
    story.reactor.until(lambda: story.inbound.unsent)
    assert story.inbound.busy
    assert not story.inbound.held
    received = 0
    while received < 1 << 24:
        received += len(story.peer.recv(1 << 20))
    story.reactor.until(lambda: story.inbound.unsent == 0)


def test_where_a_redirected_connection_wanted_to_go(reactor, services, contexts, monkeypatch):
    monkeypatch.setattr(module.transparent, "destination", lambda _sock: ("192.0.2.1", 80))
    story = Story(reactor, services, contexts, transparent=True)
    assert contexts.inbounds[0][-2:] == ("192.0.2.1", 80)
    assert story.inbound.way == (*story.peer.getsockname(), story.peer.getpeername()[1])
    story.peer.close()
    reactor.later(story.inbound.abort)
    reactor.until(lambda: story.closed)
