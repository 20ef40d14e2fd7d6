"""One TCP connection on a real socket: reading, writing, back-pressure, and every way to end."""

import socket
import struct
import time
import weakref
from contextlib import suppress

import gevent
import pytest

from pipy_core.events import EOS, Data, Failure, StreamEnd
from pipy_core.net import connection as module
from pipy_core.net import writer
from pipy_core.net.alarm import Alarm
from pipy_core.net.connection import LINGER_BYTES, MAX_READ, MIN_READ
from pipy_core.net.writer import HARD_LIMIT, HIGH_WATER, LOW_WATER
from pipy_core.testing.clock import FakeClock
from pipy_core.turn import Valve


def reset(sock):
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def is_reset(sock):
    try:
        return sock.recv(1) == b"never"
    except ConnectionResetError:
        return True


def drop(sock):
    """Take what has come and tell that it was not enough."""
    with suppress(BlockingIOError):
        sock.recv(1 << 20)
    return False


def push(sock):
    """Send what the kernel takes; 0: nothing."""
    try:
        return sock.send(bytes(1 << 16))
    except BlockingIOError:
        return 0


@pytest.fixture
def clock(monkeypatch):
    """What alarms go by; it stands still until the test turns it."""
    clock = FakeClock()
    for each in (module, writer):
        monkeypatch.setattr(each, "Alarm", lambda _reactor, seconds, then: Alarm(clock, seconds, then))
    return clock


class TestReading:
    def test_bytes_become_data(self, reactor, line):
        line.peer.sendall(b"hello")
        reactor.until(lambda: line.events)
        assert line.events == [Data(b"hello")]

    def test_the_end_of_the_peer_is_an_orderly_end(self, reactor, line):
        line.peer.sendall(b"bye")
        line.peer.shutdown(socket.SHUT_WR)
        reactor.until(lambda: line.end)
        assert line.events == [Data(b"bye"), EOS]
        assert not line.closed

    def test_a_reset_is_a_read_error_and_closes(self, reactor, line):
        reset(line.peer)
        reactor.until(lambda: line.closed)
        assert line.events == [StreamEnd(Failure.READ_ERROR)]

    def test_the_size_of_reads_grows_while_they_are_full_and_shrinks_again(self, reactor, line):
        total = 4 * MAX_READ
        sender = gevent.spawn(line.peer.sendall, bytes(total))
        reactor.until(lambda: len(line.received) == total)
        sender.join()
        assert max(line.sock.asked) > MIN_READ
        assert max(line.sock.asked) <= MAX_READ
        for count in range(1, 8):
            line.peer.sendall(b"x")
            reactor.until(lambda count=count: len(line.received) == total + count)
        assert line.sock.asked[-1] == MIN_READ

    def test_silence_is_a_read_timeout(self, reactor, make_line):
        line = make_line(read_timeout=0.05)
        reactor.until(lambda: line.closed)
        assert line.events == [StreamEnd(Failure.READ_TIMEOUT)]
        assert line.read_all() == b""

    def test_every_byte_starts_the_read_timeout_again(self, reactor, make_line, clock):
        line = make_line(read_timeout=10.0)
        for count in range(1, 4):
            clock.advance(9.0)
            line.peer.sendall(b".")
            reactor.until(lambda count=count: len(line.received) == count)
        clock.advance(9.0)
        reactor.pass_by()
        assert not line.closed
        clock.advance(1.0)
        reactor.until(lambda: line.closed)
        assert line.end == StreamEnd(Failure.READ_TIMEOUT)

    def test_what_came_while_the_process_was_held_up_came_in_time(self, reactor, make_line):
        line = make_line(read_timeout=0.05)

        def hold_up(_event):
            if line.received == b"in":
                line.peer.sendall(b" time")
                time.sleep(0.1)  # as a long call of a script does it

        line.on_event = hold_up
        line.peer.sendall(b"in")
        reactor.until(lambda: line.received == b"in time")
        assert line.end is None

    def test_a_bug_in_a_receiver_cuts_the_connection_and_is_reported(self, reactor, line):
        def fail(_event):
            raise ZeroDivisionError

        line.on_event = fail
        line.peer.sendall(b"x")
        assert line.read_all() == b""
        reactor.until(lambda: line.closed)
        assert [(where, type(error)) for where, error in reactor.reports] == [("connection", ZeroDivisionError)]
        reactor.reports.clear()


class TestWriting:
    def test_everything_of_a_turn_leaves_in_one_send(self, line):
        line.write(b"head", b"body", b"tail")
        assert line.peer.recv(100) == b"headbodytail"
        assert line.sock.sent == [12]

    def test_an_answer_within_the_turn_of_a_read_leaves_in_one_send(self, line):
        line.on_event = lambda event: [line.connection.write(event.payload) for _ in range(16)]
        line.peer.sendall(b"ab")
        assert line.peer.recv(100) == b"ab" * 16
        assert line.sock.sent == [32]

    def test_what_the_kernel_does_not_take_is_sent_later_and_in_order(self, reactor, line):
        payload = bytes(range(256)) * 16384  # 4 MiB: more than fits there
        line.write(payload)
        reactor.until(lambda: line.sock.sent)
        assert line.sock.sent[0] < len(payload)
        line.write(b"end")
        received = bytearray()
        while not received.endswith(b"end"):
            received += line.peer.recv(1 << 20)
        assert bytes(received) == payload + b"end"
        assert line.connection.unsent == 0

    def test_a_peer_that_does_not_read_is_a_write_timeout(self, reactor, make_line):
        line = make_line(write_timeout=0.05)
        line.write(bytes(16 << 20))
        reactor.until(lambda: line.closed)
        assert line.events == [StreamEnd(Failure.WRITE_TIMEOUT)]

    def test_a_write_that_gets_on_is_no_timeout(self, reactor, make_line, clock):
        line = make_line(write_timeout=10.0)
        line.sock.send_limit = 1 << 20
        line.write(bytes(16 << 20))
        reactor.until(lambda: line.sock.sent)
        begun = clock.now()
        line.peer.setblocking(False)
        while line.connection.unsent:
            clock.advance(9.0)
            count = len(line.sock.sent)
            reactor.until(lambda count=count: len(line.sock.sent) > count or drop(line.peer))
        assert clock.now() - begun > 20.0
        reactor.pass_by()
        assert line.end is None

    def test_a_peer_that_is_gone_is_a_write_error(self, reactor, line):
        line.write(bytes(16 << 20))
        reactor.until(lambda: line.sock.sent)
        line.connection._reader.stop()  # so that the writer is the one that notices
        reset(line.peer)
        reactor.until(lambda: line.closed)
        assert line.events == [StreamEnd(Failure.WRITE_ERROR)]

    def test_more_than_the_hard_limit_is_an_overflow(self, reactor, line):
        line.write(bytes(HARD_LIMIT), b"x")
        reactor.until(lambda: line.closed)
        assert line.events == [StreamEnd(Failure.BUFFER_OVERFLOW)]

    def test_nothing_can_be_written_after_the_end(self, reactor, line):
        reactor.later(lambda: (line.connection.write(b"last"), line.connection.end(), line.connection.write(b"more")))
        assert line.read_all() == b"last"

    def test_writing_to_a_closed_connection_is_harmless(self, reactor, line):
        line.connection.abort()
        line.write(b"x")
        reactor.pass_by()
        assert line.sock.sent == []
        assert line.connection.unsent == 0


class TestBackPressure:
    def test_a_closed_valve_stops_reading_until_it_opens(self, reactor, line):
        valve = Valve()

        def hold(_event):
            valve.close()
            reactor.turn.held.append(valve)

        line.on_event = hold
        line.peer.sendall(b"one")
        reactor.until(lambda: line.events)
        line.peer.sendall(b"two")
        reactor.pass_by()
        assert line.received == b"one"
        valve.open()
        reactor.until(lambda: line.received == b"onetwo")

    def test_the_kernel_throttles_the_sender(self, reactor, line):
        valve = Valve()

        def hold(_event):
            valve.close()
            reactor.turn.held.append(valve)

        line.on_event = hold
        line.peer.setblocking(False)
        line.peer.send(b"first")
        reactor.until(lambda: line.events)
        sent = sum(iter(lambda: push(line.peer), 0))
        assert sent < 64 << 20
        assert line.received == b"first"
        line.on_event = lambda _event: None
        valve.open()
        reactor.until(lambda: len(line.received) == 5 + sent)

    def test_a_reader_waits_while_what_it_feeds_is_above_high_water(self, reactor, make_line):
        source, sink = make_line(), make_line()
        sink.sock.send_limit = 0  # as if the kernel took nothing
        source.on_event = lambda event: isinstance(event, Data) and sink.connection.write(event.payload)
        sender = gevent.spawn(source.peer.sendall, bytes(4 << 20))
        reactor.until(lambda: sink.connection.unsent > HIGH_WATER)
        reactor.pass_by()
        held = sink.connection.unsent
        assert HIGH_WATER < held <= HIGH_WATER + MAX_READ
        sink.sock.send_limit = 1 << 30
        received = 0
        while received < 4 << 20:
            received += len(sink.peer.recv(1 << 20))
            assert sink.connection.unsent <= HIGH_WATER + MAX_READ
        sender.join()

    def test_a_sink_lets_its_feeders_go_on_at_low_water(self, reactor, make_line):
        sink = make_line()
        sink.write(bytes(8 << 20))
        reactor.until(lambda: sink.connection._valve is not None)
        opened = []
        reactor.until(lambda: sink.sock.sent)
        sink.connection._valve.when_open(lambda: opened.append(sink.connection.unsent))
        received = 0
        while received < 8 << 20:
            received += len(sink.peer.recv(1 << 18))
        reactor.until(lambda: opened)
        assert opened[0] <= LOW_WATER
        assert not sink.connection._valve.closed

    def test_feeders_of_a_sink_that_is_cut_go_on(self, reactor, make_line):
        source, sink = make_line(), make_line()
        source.on_event = lambda event: isinstance(event, Data) and sink.connection.write(event.payload)
        sink.sock.send_limit = 0
        sender = gevent.spawn(source.peer.sendall, bytes(2 << 20))
        reactor.until(lambda: sink.connection._valve is not None and sink.connection._valve.closed)
        sink.connection.abort()
        reactor.until(lambda: len(source.received) == 2 << 20)
        sender.join()

    def test_a_held_connection_that_is_cut_leaves_no_greenlet(self, reactor, line):
        valve = Valve()

        def hold(_event):
            valve.close()
            reactor.turn.held.append(valve)

        line.on_event = hold
        line.peer.sendall(b"one")
        reactor.until(lambda: line.events)
        greenlet = weakref.ref(line.connection._greenlet)
        line.connection.abort()
        reactor.pass_by()
        valve.open()
        reactor.until(lambda: greenlet() is None)


class TestEnding:
    def test_the_answer_is_delivered_to_a_peer_that_has_finished_sending(self, reactor, line):
        line.peer.shutdown(socket.SHUT_WR)
        reactor.until(lambda: line.end)
        reactor.later(lambda: (line.connection.write(b"answer"), line.connection.end()))
        assert line.read_all() == b"answer"
        reactor.until(lambda: line.closed)

    def test_the_sending_side_can_be_closed_alone(self, reactor, line):
        reactor.later(lambda: (line.connection.write(b"request"), line.connection.end_output()))
        assert line.read_all() == b"request"
        line.peer.sendall(b"response")
        line.peer.close()
        reactor.until(lambda: line.end)
        assert line.events == [Data(b"response"), EOS]

    def test_a_peer_that_is_still_sending_gets_the_answer_instead_of_a_reset(self, reactor, line):
        def refuse(_event):
            line.connection.write(b"refused")
            line.connection.end()

        line.on_event = refuse
        line.peer.sendall(b"x" * 10)
        reactor.until(lambda: line.sock.sent)
        line.peer.sendall(bytes(1 << 20))  # closing at once would have reset this, and the answer with it
        assert line.read_all() == b"refused"
        assert len(line.received) == 10
        line.peer.close()
        reactor.until(lambda: line.closed)

    def test_lingering_ends_after_a_while(self, reactor, line, monkeypatch):
        monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)
        reactor.later(line.connection.end)
        reactor.until(lambda: line.closed)
        assert line.read_all() == b""
        assert line.events == []

    def test_lingering_ends_when_too_much_comes(self, reactor, line):
        reactor.later(line.connection.end)
        line.read_all()
        with pytest.raises(OSError):  # noqa: PT011  # reset or broken pipe, as the kernel likes
            line.peer.sendall(bytes(LINGER_BYTES * 4))
        reactor.until(lambda: line.closed)

    def test_what_is_written_is_sent_before_the_end(self, reactor, line):
        reactor.later(lambda: (line.connection.write(bytes(4 << 20)), line.connection.end()))
        assert len(line.read_all()) == 4 << 20

    def test_abort_loses_what_is_unsent(self, reactor, line):
        line.write(bytes(8 << 20))
        reactor.until(lambda: line.connection.unsent)
        reactor.later(line.connection.abort)
        reactor.until(lambda: line.closed)
        assert line.connection.unsent == 0

    def test_ending_twice_is_ending_once(self, reactor, line):
        reactor.later(lambda: (line.connection.end(), line.connection.end()))
        line.peer.close()
        reactor.until(lambda: line.closed)
        line.connection.abort()
        reactor.pass_by()
        assert line.closings == 1

    def test_a_connection_that_is_cut_before_it_has_begun(self, reactor, line):
        line.connection.abort()
        reactor.pass_by()
        assert line.closings == 1
        assert line.events == []

    def test_nothing_is_left_of_a_closed_connection(self, reactor, make_line):
        line = make_line(read_timeout=30.0, write_timeout=30.0)
        line.write(bytes(8 << 20))
        reactor.until(lambda: line.sock.sent)
        greenlet = weakref.ref(line.connection._greenlet)
        reset(line.peer)
        reactor.until(lambda: line.closed)
        reactor.until(lambda: greenlet() is None)
        assert line.sock.fileno() == -1


@pytest.mark.parametrize("failure", [Failure.READ_ERROR, Failure.WRITE_TIMEOUT])
def test_a_failure_is_told_in_a_turn_of_its_own(reactor, line, failure):
    told = []
    line.on_event = lambda event: told.append(("event", event))
    reactor.later(lambda: (line.connection._fail(failure), told.append("turn over")))
    reactor.until(lambda: line.closed)
    assert told == ["turn over", ("event", StreamEnd(failure))]


def test_peers_that_are_reset_after_the_end_are_not_errors(reactor, line):
    line.peer.sendall(b"x")
    reactor.until(lambda: line.events)
    line.on_event = lambda _event: None
    reactor.later(line.connection.end)
    reactor.pass_by()
    reset(line.peer)
    reactor.until(lambda: line.closed)
    assert line.end is None
