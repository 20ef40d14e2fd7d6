"""The channel between supervisor and worker: messages in order, sockets beside them, and its end."""

import socket

import pytest

from pipy_core.errors import ProtocolError
from pipy_core.process import channel as module
from pipy_core.process import control
from pipy_core.process.channel import Channel


class End:
    """One end, and what it has heard."""

    def __init__(self, reactor, sock):
        self.heard = []
        self.closed = 0
        self.channel = Channel(reactor, sock, self.heard.append, self._on_closed)

    def _on_closed(self):
        self.closed += 1


@pytest.fixture
def ends(reactor):
    left, right = (End(reactor, sock) for sock in socket.socketpair())
    yield left, right
    left.channel.close()
    right.channel.close()
    reactor.pass_by()


def test_messages_arrive_in_order_in_both_directions(reactor, ends):
    left, right = ends
    for number in range(100):
        left.channel.send(control.Commit(number))
        right.channel.send(control.Exit(number))
    reactor.until(lambda: len(left.heard) == len(right.heard) == 100)
    assert right.heard == [control.Commit(number) for number in range(100)]
    assert left.heard == [control.Exit(number) for number in range(100)]


def test_a_message_larger_than_the_system_takes_at_once(reactor, ends):
    left, right = ends
    text = "x" * 5_000_000
    left.channel.send(control.Failed(1, "", text))
    left.channel.send(control.Beat())
    reactor.until(lambda: len(right.heard) == 2)
    assert right.heard == [control.Failed(1, "", text), control.Beat()]


def test_sockets_travel_with_their_message_and_the_sender_keeps_its_own(reactor, ends):
    left, right = ends
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        left.channel.send(control.Failed(1, "", "x" * 1_000_000))  # so that they have to wait
        left.channel.send(control.Sockets([]), [first, second])
        reactor.until(lambda: len(right.heard) == 2)
        received = right.channel.take_sockets(2)
        assert [sock.getsockname() for sock in received] == [first.getsockname(), second.getsockname()]
        assert not any(sock.get_inheritable() for sock in received)
        with pytest.raises(ProtocolError, match="1 sockets are announced, and 0 have come"):
            right.channel.take_sockets(1)
        for sock in received:
            sock.close()


def test_the_end_is_told_once_and_after_everything_that_was_said(reactor, ends):
    left, right = ends
    left.channel.send(control.Exit(1))
    left.channel.close()
    left.channel.close()
    reactor.until(lambda: right.closed and left.closed)
    assert right.heard == [control.Exit(1)]
    right.channel.send(control.Beat())  # nobody is there: nothing happens
    assert not right.channel.is_open
    assert (left.closed, right.closed) == (1, 1)


def test_what_a_receiver_raises_is_reported_and_the_next_message_comes(reactor):
    ours, theirs = socket.socketpair()
    heard = []

    def receive(message):
        heard.append(message)
        raise ZeroDivisionError

    receiver, sender = Channel(reactor, ours, receive, lambda: None), End(reactor, theirs)
    sender.channel.send(control.Beat())
    sender.channel.send(control.Ready())
    reactor.until(lambda: len(heard) == 2)
    assert [where for where, _ in reactor.reports] == ["control channel"] * 2
    reactor.reports.clear()
    receiver.close()
    sender.channel.close()
    reactor.pass_by()


def test_what_is_no_message_ends_it(reactor):
    ours, theirs = socket.socketpair()
    with theirs:
        end = End(reactor, ours)
        theirs.sendall(b"\0\0\0\1x")
        reactor.until(lambda: end.closed)
    assert [type(error) for _, error in reactor.reports] == [ProtocolError]
    reactor.reports.clear()


def test_one_that_does_not_read_is_given_up(reactor, monkeypatch):
    monkeypatch.setattr(module, "MAX_UNSENT", 1_000_000)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)  # or systems differ in what they keep
    with theirs:
        end = End(reactor, ours)
        for _ in range(4):
            end.channel.send(control.Failed(1, "", "x" * 400_000))
        assert not end.channel.is_open
        reactor.until(lambda: end.closed)
