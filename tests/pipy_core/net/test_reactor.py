"""Turns for inputs that no reader brings."""

import socket
import time

import gevent

from pipy_core.net.connection import READ


class Sink:
    def __init__(self, error=None):
        self.flushes = 0
        self.error = error

    def flush(self):
        self.flushes += 1
        if self.error is not None:
            raise self.error


def test_turns_that_follow_on_each_other_are_flushed_together(reactor):
    sink = Sink()
    reactor.run(lambda: reactor.turn.dirty.append(sink))
    reactor.run(lambda: None)
    assert sink.flushes == 0
    reactor.until(lambda: sink.flushes)
    assert sink.flushes == 1
    assert reactor.turn.dirty == []


def test_an_exception_is_reported_and_the_turn_is_finished_all_the_same(reactor):
    sink = Sink()

    def step():
        reactor.turn.dirty.append(sink)
        raise ZeroDivisionError

    reactor.run(step)
    reactor.until(lambda: sink.flushes)
    assert [(where, type(error)) for where, error in reactor.reports] == [("turn", ZeroDivisionError)]
    reactor.reports.clear()


def test_an_exception_in_a_flush_is_reported_and_the_others_are_flushed(reactor):
    other = Sink()
    reactor.run(lambda: reactor.turn.dirty.extend([Sink(ZeroDivisionError()), other]))
    reactor.flush()
    assert other.flushes == 1
    assert [(where, type(error)) for where, error in reactor.reports] == [("flush", ZeroDivisionError)]
    reactor.reports.clear()


def test_timers_fire_in_order_and_in_turns(reactor):
    fired = []
    sink = Sink()
    reactor.after(0.1, lambda: fired.append("second"))
    reactor.after(0.0, lambda: (fired.append("first"), reactor.turn.dirty.append(sink)))
    reactor.until(lambda: len(fired) == 2 and sink.flushes)
    assert fired == ["first", "second"]
    assert sink.flushes == 1


def test_what_has_come_while_the_program_was_held_up_is_read_before_a_timer_fires(reactor):
    ours, theirs = socket.socketpair()
    seen = []
    watcher = reactor.loop.io(ours.fileno(), READ)
    with ours, theirs:
        for _ in range(5):
            watcher.start(lambda: (seen.append(ours.recv(1)), watcher.stop()))
            reactor.after(0.02, lambda: seen.append("time"))
            theirs.send(b"x")
            time.sleep(0.04)  # as a long call of a script does it
            reactor.until(lambda: "time" in seen)
            assert seen == [b"x", "time"]
            seen.clear()
        watcher.close()


def test_a_timer_may_be_cancelled_when_its_time_is_over(reactor):
    fired = []
    timer = reactor.after(0.01, lambda: fired.append("late"))
    time.sleep(0.02)
    reactor.after(0.0, timer.cancel)
    reactor.after(0.05, lambda: fired.append("other"))
    reactor.until(lambda: fired)
    assert fired == ["other"]


def test_a_negative_time_is_now(reactor):
    fired = []
    reactor.after(-1.0, lambda: fired.append(1))
    reactor.until(lambda: fired)


def test_a_cancelled_timer_does_not_fire(reactor):
    fired = []
    timer = reactor.after(0.0, lambda: fired.append("cancelled"))
    timer.cancel()
    timer.cancel()
    reactor.after(0.01, lambda: fired.append("other"))
    reactor.until(lambda: fired)
    assert fired == ["other"]


def test_a_timer_may_cancel_itself_while_it_fires(reactor):
    fired = []
    timers = []
    timers.append(reactor.after(0.0, lambda: (timers[0].cancel(), fired.append(1))))
    reactor.until(lambda: fired)


def test_an_exception_in_a_timer_is_reported(reactor):
    def fail():
        raise ZeroDivisionError

    reactor.after(0.0, fail)
    reactor.until(lambda: reactor.reports)
    reactor.reports.clear()


def test_the_clock_goes_on(reactor):
    begun = time.monotonic()
    before = reactor.now()
    gevent.get_hub().wait(reactor.loop.timer(0.01))
    passed = reactor.now() - before
    assert 0 < passed <= time.monotonic() - begun


def test_a_spawned_greenlet_may_wait(reactor):
    seen = []

    def waits(number):
        gevent.get_hub().wait(reactor.loop.timer(0.0))
        seen.append(number)

    reactor.spawn(waits, 7)
    assert seen == []
    reactor.until(lambda: seen == [7])


def test_who_only_looked_at_the_clock_does_not_keep_what_is_written_later(reactor):
    reactor.run(reactor.turn.now)
    gevent.sleep(0.001)  # now that is flushed, with nothing written
    sink = Sink()
    reactor.run(lambda: reactor.turn.dirty.append(sink))
    reactor.until(lambda: sink.flushes)
    assert sink.flushes == 1
