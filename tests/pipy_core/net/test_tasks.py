"""Pipelines on a clock or on a signal."""

import pytest

from pipy_core.events import END, EOS, MessageStart
from pipy_core.filter import Filter
from pipy_core.net.tasks import TaskRunner


class Job(Filter):
    """Remembers itself; ends its run when it is told to, or at once."""

    made: list["Job"]

    def __init__(self, at_once=True):
        self.events = []
        self.closed = 0
        self.at_once = at_once
        self.made.append(self)

    def process(self, event):
        self.events.append(event)
        if self.at_once and event is END:
            self.emit(EOS)

    def close(self):
        self.closed += 1


@pytest.fixture
def jobs():
    Job.made = []
    return Job.made


def make(reactor, services, contexts, interval=0.0, at_once=True):
    return TaskRunner(reactor, services.layout(lambda: Job(at_once), kind="task"), interval, contexts.new)


def test_a_run_gets_an_empty_message_and_a_context_without_connection(reactor, services, contexts, jobs):
    make(reactor, services, contexts).start()
    assert [job.events for job in jobs] == [[MessageStart(None), END]]
    assert contexts.inbounds == [None]


def test_a_run_that_has_ended_is_released(reactor, services, contexts, jobs):
    make(reactor, services, contexts).start()
    reactor.flush()
    assert jobs[0].closed == 1
    jobs.clear()
    assert contexts.released == [1]


def test_an_interval_runs_again_and_again(reactor, services, contexts, jobs):
    runner = make(reactor, services, contexts, interval=0.01)
    runner.start()
    reactor.until(lambda: len(jobs) >= 3)
    runner.stop()
    reactor.flush()
    assert {job.closed for job in jobs} == {1}


def test_a_run_is_left_out_while_the_last_one_goes_on(reactor, services, contexts, jobs):
    runner = make(reactor, services, contexts, interval=0.01, at_once=False)
    runner.start()
    ticks = []
    for number in range(4):
        reactor.after(0.011 * (number + 1), lambda: ticks.append(len(jobs)))
    reactor.until(lambda: len(ticks) == 4)
    assert ticks == [1, 1, 1, 1]
    reactor.run(lambda: jobs[0].emit(EOS))
    reactor.until(lambda: len(jobs) == 2)
    runner.stop()


def test_without_an_interval_it_runs_when_asked(reactor, services, contexts, jobs):
    runner = make(reactor, services, contexts)
    for count in (1, 2):
        reactor.run(runner.run)
        assert len(jobs) == count


def test_stopping_cuts_the_run_and_the_clock(reactor, services, contexts, jobs):
    runner = make(reactor, services, contexts, interval=0.01, at_once=False)
    runner.start()
    runner.stop()
    assert jobs[0].closed == 1
    passed = []
    reactor.after(0.03, lambda: passed.append(1))
    reactor.until(lambda: passed)
    assert len(jobs) == 1


def test_a_run_that_fails_is_reported_and_may_run_again(reactor, services, contexts, jobs):
    class Failing(Job):
        def process(self, event):
            raise ZeroDivisionError

    runner = TaskRunner(reactor, services.layout(Failing, kind="task"), 0.0, contexts.new)
    reactor.run(runner.run)
    reactor.run(runner.run)
    assert [type(error) for _, error in reactor.reports] == [ZeroDivisionError] * 2
    reactor.reports.clear()
    reactor.flush()
    assert [job.closed for job in jobs] == [1, 1]
