"""When the script is loaded again: one change at a time, whatever comes."""

import threading
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from gevent.hub import Hub, set_hub

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import LoadError, RelayedError, StartError
from pipy_core.process import reloading as module
from pipy_core.process.reloading import Reloader
from pipy_core.testing import logged
from tests.reactor import Bench


class Source:
    """Files that the test says. :ivar changed: what it calls when there are others."""

    def __init__(self, *, retries=False):
        self.retries = retries
        self.changed = None
        self.accepted = []
        self.reports = []
        self.watching = threading.Event()
        self.ended = threading.Event()

    def take(self):
        return Snapshot(Path("/code"), "/main.js")

    def accept(self, snapshot):
        self.accepted.append(snapshot)

    def report(self, status):
        self.reports.append(status)

    def watch(self, changed, stop):
        self.changed = changed
        self.watching.set()
        stop.wait(10)
        self.ended.set()


class Used:
    """Whoever puts files to use. :ivar error: why it cannot. :ivar gate: what it waits for."""

    def __init__(self, source=None):
        self.reactor = Bench()
        self.source = source or Source()
        self.count = 0
        self.told = []
        self.error = None
        self.gate = None
        self.reloader = Reloader(self.reactor, self.source, self.switch, self.told.append, lambda: {"count": self.count})

    def switch(self, _snapshot):
        self.count += 1
        if self.gate is not None:
            self.gate.wait()
        if self.error is not None:
            raise self.error

    def settle(self, count):
        self.reactor.until(lambda: self.count == count and not self.reloader._busy)


@pytest.fixture
def used():
    hub = Hub(default=False)  # the default loop belongs to the isolates of other tests
    set_hub(hub)
    running = []

    def make(source=None):
        running.append(Used(source))
        return running[-1]

    yield make
    for each in running:
        each.reloader.stop()
    hub.destroy(destroy_loop=True)


def test_the_first_time_and_a_change(used):
    it = used()
    assert it.reloader.start() is True
    assert it.told == []
    assert it.source.watching.wait(10)
    with logged() as lines:
        it.source.changed()
        it.settle(2)
    assert lines == ["[INF] [restart] Reloading codebase...", "[INF] [restart] Codebase reloaded"]
    assert it.told == [True, False]
    assert len(it.source.accepted) == 2
    record = it.reloader.record
    assert (record.result, record.good, record.failed, record.error) == ("good", 1, 0, "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (LoadError("Error", "no"), "[ERR] [pjs] Error: no"),
        (StartError("taken"), "[ERR] [listener] taken"),
        (RelayedError("other", "text"), "[ERR] [other] text"),
    ],
)
def test_one_that_fails_is_one_error(used, error, line):
    it = used()
    it.reloader.start()
    it.error = error
    with logged() as lines:
        it.reloader.request()
        it.settle(2)
    assert lines == ["[INF] [restart] Reloading codebase...", line, "[ERR] [restart] Failed reloading codebase"]
    assert (it.reloader.record.result, it.reloader.record.failed, it.told) == ("failed", 1, [True, False])
    assert len(it.source.accepted) == 1


def test_a_bug_is_reported_and_the_next_reload_works(used):
    it = used()
    it.reloader.start()
    it.error = ZeroDivisionError()
    with logged():
        it.reloader.request()
        it.settle(2)
        it.error = None
        it.reloader.request()
        it.settle(3)
    assert [where for where, _ in it.reactor.reports] == ["reload"]
    assert it.reloader.record.result == "good"


def test_requests_that_come_meanwhile_are_one_more(used):
    it = used()
    it.reloader.start()
    it.gate = Event()
    with logged():
        it.reloader.request()
        it.reactor.until(lambda: it.count == 2)
        for _ in range(5):
            it.reloader.request()
        it.gate.set()
        it.settle(3)
        it.reactor.pass_by()
    assert it.count == 3


def test_a_request_during_the_start_is_not_lost(used):
    it = used()
    it.gate = Event()
    started = gevent.spawn(it.reloader.start)
    it.reactor.until(lambda: it.count == 1)
    it.reloader.request()
    with logged():
        it.gate.set()
        it.settle(2)
    assert started.get() is True


def test_one_that_cannot_be_loaded_at_the_start_is_raised(used):
    it = used()
    it.error = LoadError("Error", "no")
    with pytest.raises(LoadError):
        it.reloader.start()
    assert not it.source.watching.is_set()


def test_a_source_that_may_have_it_later_is_watched(used):
    it = used(Source(retries=True))
    it.error = LoadError("Error", "no")
    with logged():
        assert it.reloader.start() is False
        assert it.source.watching.wait(10)
        it.error = None
        it.source.changed()
        it.settle(2)
    assert it.reloader.record.result == "good"


def test_who_keeps_the_files_is_told_how_things_are(used, monkeypatch):
    monkeypatch.setattr(module, "REPORT_EVERY", 0.001)
    it = used(Source(retries=True))
    it.reloader.start()
    it.reactor.until(lambda: len(it.source.reports) == 3)
    it.reloader.stop()
    assert it.source.reports[0] == {"count": 1}


def test_nothing_is_loaded_after_the_end(used):
    it = used()
    it.reloader.start()
    it.reloader.stop()
    it.reloader.request()
    it.reactor.pass_by()
    assert it.count == 1
    assert it.source.ended.wait(10)


GIVEN_UP = ["[INF] [restart] Reloading codebase...", "[INF] [restart] Reloading codebase was given up: the program ends"]


def test_what_fails_because_of_the_end_is_given_up(used):
    it = used()
    it.reloader.start()
    it.gate, it.error = Event(), StartError("The program is ending")
    with logged() as lines:
        it.reloader.request()
        it.reactor.until(lambda: it.count == 2)
        it.reloader.stop()
        it.gate.set()
        it.settle(2)
    assert lines == GIVEN_UP
    assert (it.reloader.record.result, it.reloader.record.failed, it.told) == ("", 0, [True, False])


def test_files_that_were_read_too_late_are_not_put_to_use(used):
    it = used()
    it.reloader.start()
    reading, go_on = threading.Event(), threading.Event()
    take = it.source.take

    def slowly():
        reading.set()
        go_on.wait(10)
        return take()

    it.source.take = slowly
    with logged() as lines:
        it.reloader.request()
        it.reactor.until(reading.is_set)
        it.reloader.stop()
        go_on.set()
        it.settle(1)
    assert lines == GIVEN_UP
    assert len(it.source.accepted) == 1


def test_an_end_during_the_start(used):
    it = used()
    take = it.source.take

    def stopped():
        it.reloader.stop()
        return take()

    it.source.take = stopped
    assert it.reloader.start() is False
    assert it.count == 0
    assert not it.source.watching.is_set()
