"""The sending half alone: its kernel takes what the test says, and its clock and its turns are the test's."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.counters import Tally
from pipy_core.events import Failure
from pipy_core.net.writer import EAGER, HARD_LIMIT, HIGH_WATER, LOW_WATER, WRITE, Writer
from pipy_core.turn import Turn

ENDLESS = 1 << 40


class Kernel:
    """A socket. :ivar room: bytes that it takes. :ivar gone: the peer is. :ivar sends: what each call has brought."""

    def __init__(self, room=ENDLESS):
        self.room = room
        self.gone = False
        self.sends = []
        self.shut = []

    def fileno(self):
        return 7

    def send(self, payload):
        if self.gone:
            raise BrokenPipeError
        count = min(len(payload), self.room)
        if count == 0:
            raise BlockingIOError
        self.room -= count
        self.sends.append(bytes(payload[:count]))
        return count

    def shutdown(self, how):
        if self.gone:
            raise BrokenPipeError
        self.shut.append(how)

    @property
    def received(self):
        return b"".join(self.sends)


class Watcher:
    """Of the loop."""

    def __init__(self):
        self.call = None
        self.closed = False

    def start(self, call):
        self.call = call

    def stop(self):
        self.call = None

    def close(self):
        self.closed = True


class Reactor:
    """Turns that the test takes. :ivar timers: those that are set. :ivar watched: what the loop was asked to watch."""

    def __init__(self):
        self.turn = Turn(lambda: None)
        self.time = 100.0
        self.timers = []
        self.watched = []
        self.loop = self

    def io(self, descriptor, events):
        self.watched.append((descriptor, events, Watcher()))
        return self.watched[-1][2]

    def after(self, seconds, then):
        self.timers.append(Timer(self, self.time + seconds, then))
        return self.timers[-1]

    def now(self):
        return self.time

    def run(self, step):
        step()
        self.turn.finish()
        self.turn.flush()

    def pass_time(self, seconds):
        self.time += seconds
        for _ in range(3):  # what is due may have something done at once
            for timer in [each for each in self.timers if each.at <= self.time]:
                timer.cancel()
                timer.then()


class Timer:
    def __init__(self, reactor, at, then):
        self.at = at
        self.then = then
        self._reactor = reactor

    def cancel(self):
        if self in self._reactor.timers:
            self._reactor.timers.remove(self)


class Sending(Writer):
    """Tells what would become of its connection."""

    __slots__ = ("news",)

    def __init__(self, reactor, sock, write_timeout=0.0):
        super().__init__(reactor, sock, write_timeout, Tally("t"))
        self.news = []

    def _finish_sending(self):
        self.news.append("finished")

    def _fail(self, failure):
        self.news.append(failure)
        self._closed = True
        self._drop_unsent()


class Story:
    """A writer with its kernel."""

    def __init__(self, room=ENDLESS, **settings):
        self.reactor = Reactor()
        self.kernel = Kernel(room)
        self.writer = Sending(self.reactor, self.kernel, **settings)

    def write(self, *payloads):
        """In one turn."""
        self.reactor.run(lambda: [self.writer.write(payload) for payload in payloads])

    def make_room(self, room):
        """The kernel takes so much more, and says so if it is watched."""
        self.kernel.room = room
        _, _, watcher = self.reactor.watched[-1]
        if watcher.call is not None:
            watcher.call()

    @property
    def waits(self):
        """Whether it waits for the kernel."""
        return any(watcher.call is not None for _, _, watcher in self.reactor.watched)


def test_what_is_written_in_a_turn_leaves_in_one_send_at_its_end():
    story = Story()
    story.writer.write(b"a")
    story.writer.write(b"b")
    assert story.kernel.sends == []
    assert story.writer.unsent == 2
    story.reactor.turn.flush()
    assert story.kernel.sends == [b"ab"]
    assert (story.writer.unsent, story.writer.tally.bytes_out) == (0, 2)
    assert not story.reactor.watched


def test_little_waits_for_other_turns_and_much_does_not():
    story = Story()
    story.writer.write(bytes(EAGER))
    assert not story.reactor.turn.eager
    story.writer.write(b"x")
    assert story.reactor.turn.eager


def test_the_rest_is_sent_when_the_kernel_has_room():
    story = Story(room=3)
    story.write(b"abcdef")
    assert story.kernel.sends == [b"abc"]
    assert [each[:2] for each in story.reactor.watched] == [(7, WRITE)]
    story.write(b"ghi")  # behind the rest, not before it
    story.make_room(0)  # the kernel was wrong
    assert story.waits
    story.make_room(2)
    assert story.kernel.sends == [b"abc", b"de"]
    assert story.waits
    story.make_room(ENDLESS)
    assert story.kernel.sends == [b"abc", b"de", b"f", b"ghi"]
    assert not story.waits
    assert all(watcher.closed for *_, watcher in story.reactor.watched)
    assert story.writer.unsent == 0


@given(st.lists(st.tuples(st.lists(st.integers(1, 400_000), max_size=3), st.integers(0, 600_000)), max_size=12), st.integers(0, 5))
def test_all_arrives_in_order_and_feeders_wait_only_as_long_as_they_must(steps, first):
    story = Story(room=first)
    story.write(b"0")
    number, expected = 0, b"0"
    for sizes, room in steps:
        payloads = []
        for size in sizes:
            number += 1
            payloads.append(number.to_bytes(2, "big") * size)
        story.write(*payloads)
        expected += b"".join(payloads)
        if story.reactor.watched:
            story.make_room(room)
        writer = story.writer
        assert expected == story.kernel.received + expected[len(expected) - writer.unsent :]
        assert len(story.kernel.received) + writer.unsent == len(expected)
        assert story.waits == (writer.unsent > 0)
        closed = writer._valve is not None and writer._valve.closed
        assert not (closed and writer.unsent <= LOW_WATER)
        assert not (not closed and writer.unsent > HIGH_WATER)
    while story.writer.unsent:
        story.make_room(ENDLESS)
    assert story.kernel.received == expected
    assert story.writer.tally.bytes_out == len(expected)


class TestBackPressure:
    def test_who_feeds_too_much_has_to_wait_until_there_is_little(self):
        story = Story(room=0)
        story.writer.write(bytes(HIGH_WATER))
        assert story.reactor.turn.finish() == []
        story.writer.write(b"x")
        (valve,) = story.reactor.turn.finish()
        opened = []
        valve.when_open(lambda: opened.append(story.writer.unsent))
        story.make_room(HIGH_WATER - LOW_WATER)
        assert opened == []
        story.make_room(1)
        assert opened == [LOW_WATER]

    def test_what_the_kernel_takes_at_once_holds_nobody(self):
        story = Story()
        story.writer.write(bytes(HIGH_WATER + 1))
        assert story.reactor.turn.finish() == []

    def test_there_is_an_end_to_what_is_kept(self):
        story = Story(room=0)
        story.write(bytes(HARD_LIMIT))
        assert story.writer.news == []
        story.write(b"x")
        assert story.writer.news == [Failure.BUFFER_OVERFLOW]
        assert story.writer.tally.refused == {"unsent": 1}
        assert story.writer.unsent == 0

    def test_feeders_of_one_that_fails_go_on(self):
        story = Story(room=0)
        story.writer.write(bytes(HIGH_WATER + 1))
        (valve,) = story.reactor.turn.finish()
        opened = []
        valve.when_open(lambda: opened.append(True))
        story.kernel.gone = True
        story.make_room(1)
        assert story.writer.news == [Failure.WRITE_ERROR]
        assert opened == [True]


class TestTheEnd:
    def test_it_comes_when_all_is_sent_and_only_once(self):
        story = Story(room=1)
        story.reactor.run(lambda: (story.writer.write(b"abc"), story.writer.end(), story.writer.end()))
        assert story.writer.news == []
        story.make_room(ENDLESS)
        assert story.kernel.received == b"abc"
        assert story.writer.news == ["finished"]
        story.reactor.run(story.writer.end)
        assert story.writer.news == ["finished"]

    def test_nothing_can_be_written_behind_it(self):
        story = Story()
        story.reactor.run(lambda: (story.writer.write(b"a"), story.writer.end(), story.writer.write(b"b")))
        assert story.kernel.received == b"a"
        assert story.writer.unsent == 0

    def test_of_the_output_alone(self):
        story = Story(room=1)
        story.reactor.run(lambda: (story.writer.write(b"abc"), story.writer.end_output()))
        assert story.kernel.shut == []
        story.make_room(ENDLESS)
        assert story.kernel.shut == [socket.SHUT_WR]
        assert story.writer.news == []
        story.reactor.run(story.writer.end)
        assert story.writer.news == ["finished"]

    @pytest.mark.parametrize("step", ["write", "end_output"])
    def test_a_peer_that_is_gone(self, step):
        story = Story()
        story.kernel.gone = True
        story.reactor.run(lambda: story.writer.write(b"a") if step == "write" else story.writer.end_output())
        assert story.writer.news == [Failure.WRITE_ERROR]

    def test_nothing_happens_after_a_failure(self):
        story = Story(room=0)
        story.write(b"abc")
        story.kernel.gone = True
        story.make_room(1)
        assert not story.waits
        story.kernel.gone = False
        story.write(b"more")
        story.reactor.run(story.writer.end)
        assert story.writer.news == [Failure.WRITE_ERROR]
        assert story.kernel.received == b""


class TestTheTimeout:
    def test_a_peer_that_takes_nothing(self):
        story = Story(room=1, write_timeout=5.0)
        story.write(b"abc")
        story.reactor.pass_time(4.9)
        assert story.writer.news == []
        story.reactor.pass_time(0.2)
        assert story.writer.news == [Failure.WRITE_TIMEOUT]
        assert story.writer.tally.refused == {"write timeout": 1}

    def test_every_byte_that_is_taken_gives_more_time(self):
        story = Story(room=1, write_timeout=5.0)
        story.write(b"abcdef")
        for _ in range(3):
            story.reactor.pass_time(4.0)
            story.make_room(1)
        assert story.writer.news == []
        story.reactor.pass_time(5.1)
        assert story.writer.news == [Failure.WRITE_TIMEOUT]

    def test_it_is_over_when_all_is_sent(self):
        story = Story(room=1, write_timeout=5.0)
        story.write(b"abc")
        story.make_room(ENDLESS)
        story.reactor.pass_time(100.0)
        assert story.writer.news == []
        assert story.reactor.timers == []

    def test_there_is_none_for_one_that_never_had_to_wait(self):
        story = Story(write_timeout=5.0)
        story.write(b"abc")
        assert story.reactor.timers == []

    def test_a_failure_leaves_no_timer(self):
        story = Story(room=1, write_timeout=5.0)
        story.write(b"abc")
        story.kernel.gone = True
        story.make_room(1)
        assert story.reactor.timers == []
