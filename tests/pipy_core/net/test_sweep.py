"""The look at all connections."""

import socket
import time
from dataclasses import replace

import pytest

from pipy_core.context import Group
from pipy_core.counters import Tally
from pipy_core.limits import DEFAULTS
from pipy_core.net.connection import READ
from pipy_core.net.sweep import INTERVAL, SHORTEST_INTERVAL, Sweep


class Guard:
    """Says what the test wants; remembers what it was asked."""

    def __init__(self, cause="", *, due=0.0, fresh=False, idle=False):
        self.cause = cause
        self.due = due
        self.fresh = fresh
        self.idle = idle
        self.asked = []
        self.expired = 0

    def look(self, _now, held):
        self.asked.append(held)
        return self.cause

    def expire(self):
        self.expired += 1


class Inbound:
    def __init__(self, guard, *, held=False):
        self.group = Group()
        self.group.tally = Tally("port")
        self.group.guard = guard
        self.held = held


FAST = replace(DEFAULTS, header_timeout=0.1)


@pytest.fixture
def sweep(reactor):
    sweeps = []

    def start(*inbounds):
        sweeps.append(Sweep(reactor, lambda: inbounds))
        sweeps[-1].start([FAST])

    yield start
    for each in sweeps:
        each.stop()


def test_who_is_waited_for_no_longer_is_ended_and_counted(reactor, sweep):
    over, fine, nobody = Inbound(Guard("idle timeout")), Inbound(Guard(), held=True), Inbound(None)
    sweep(over, fine, nobody)
    reactor.until(lambda: over.group.guard.expired)
    assert over.group.tally.refused == {"idle timeout": 1}
    assert set(fine.group.guard.asked) == {True}
    assert (fine.group.guard.expired, fine.group.tally.refused) == (0, {})


def test_it_goes_on(reactor, sweep):
    one = Inbound(Guard())
    sweep(one)
    reactor.until(lambda: len(one.group.guard.asked) > 2)


def test_what_came_while_the_process_was_held_up_came_in_time(reactor, sweep):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        waited_for = Guard("header timeout")
        seen = reactor.loop.io(ours.fileno(), READ)
        seen.start(lambda: setattr(waited_for, "cause", ours.recv(1) and ""))
        sweep(Inbound(waited_for))
        theirs.sendall(b"x")
        time.sleep(2 * SHORTEST_INTERVAL)  # as a long call of a script does it
        reactor.until(lambda: waited_for.asked)
        seen.stop()
        seen.close()
    assert waited_for.expired == 0


def test_who_cannot_be_late_yet_is_not_asked(reactor, sweep):
    early = Inbound(Guard("body timeout", due=reactor.now() + 1000))
    fresh = Inbound(Guard(due=reactor.now() + 1000, fresh=True))
    sweep(early, fresh)
    reactor.until(lambda: fresh.group.guard.asked)
    assert early.group.guard.asked == []


def test_where_memory_is_short_the_idle_ones_go(reactor, sweep):
    idle, busy = Inbound(Guard(idle=True)), Inbound(Guard())
    reactor.limits.load.memory_short = True
    sweep(idle, busy)
    reactor.until(lambda: idle.group.guard.expired)
    assert idle.group.tally.refused == {"memory": 1}
    assert busy.group.guard.expired == 0


def test_without_memory_the_door_is_closed(reactor, sweep):
    reactor.limits.load.memory_gone = True
    sweep()
    reactor.until(lambda: reactor.admission.full)


def test_one_that_fails_keeps_nobody_else_from_ending(reactor, sweep):
    class Broken(Guard):
        def expire(self):
            raise ZeroDivisionError

    broken, over = Inbound(Broken("idle timeout")), Inbound(Guard("idle timeout"))
    sweep(broken, over)
    reactor.until(lambda: over.group.guard.expired)
    assert isinstance(reactor.reports[0][1], ZeroDivisionError)
    reactor.reports.clear()


def test_one_that_is_over_by_then_is_left_alone(reactor, sweep):
    first, second = Inbound(Guard("idle timeout")), Inbound(Guard("idle timeout"))
    first.group.guard.expire = lambda: setattr(second.group, "guard", None)
    sweep(first, second)
    reactor.until(lambda: second.group.guard is None)
    assert second.group.tally.refused == {}
    first.group.guard = None


@pytest.mark.parametrize(
    ("limits", "interval"),
    [([], INTERVAL), ([DEFAULTS], INTERVAL), ([DEFAULTS, FAST], SHORTEST_INTERVAL), ([replace(DEFAULTS, idle_timeout=2.0)], 0.5)],
)
def test_how_often(reactor, limits, interval):
    sweep = Sweep(reactor, list)
    sweep.start(limits)
    assert sweep._interval == interval
    sweep.stop()
