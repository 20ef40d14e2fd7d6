"""As many workers as there should be: with workers that are played, and a clock that the test turns."""

import pytest

from pipy_core.process import control
from pipy_core.settings import Settings
from pipy_core.supervisor import crew as module
from pipy_core.supervisor.crew import Crew
from pipy_core.testing import logged


class Timers:
    """A reactor, as far as a crew needs one."""

    def __init__(self):
        self.time = 0.0
        self.due = []

    def now(self):
        return self.time

    def after(self, seconds, then):
        self.due.append((self.time + seconds, then))

    def spawn(self, step, *args):
        step(*args)

    def advance(self, seconds):
        end = self.time + seconds
        while ready := sorted((each for each in self.due if each[0] <= end), key=lambda each: each[0]):
            self.due.remove(ready[0])
            self.time, then = ready[0]
            then()
        self.time = end


class Played:
    """A worker that does what the test says."""

    def __init__(self, reactor, number, _settings, spoke, ended):
        self.number = number
        self.name = f"worker {number}"
        self.started_at = reactor.now()
        self.ready = False
        self.reason = ""
        self.looks = 0
        self.held_up = 0.0
        self._spoke = spoke
        self._ended = ended

    def begin(self):
        self.ready = True
        self._spoke(self, control.Ready())

    def end(self, reason="exit code 1"):
        self.reason = reason
        self._ended(self)

    def kill(self, reason):
        self.end(reason)

    def look(self, held_up):
        self.looks += 1
        self.held_up += held_up


class Story:
    """A crew, and what it has told."""

    def __init__(self, threads=2):
        self.timers = Timers()
        self.spoke = []
        self.ended = []
        self.crew = Crew(
            self.timers, Settings(threads=threads), lambda worker, _message: self.spoke.append(worker), self.ended.append
        )


@pytest.fixture
def story(monkeypatch):
    monkeypatch.setattr(module, "WorkerProcess", Played)
    made = Story()
    made.crew.start()
    return made


def test_all_are_started_and_counted_when_they_are_ready(story):
    first, second = story.crew.workers
    assert story.crew.ready == []
    assert not story.crew.changed.is_set()
    second.begin()
    assert story.crew.ready == [second]
    assert story.spoke == [second]
    assert story.crew.changed.is_set()
    assert [first.number, second.number] == [1, 2]


def test_who_ends_is_replaced_at_once_the_first_time_and_later_the_next(story):
    first, second = story.crew.workers
    with logged() as lines:
        first.end("killed by SIGKILL")
        assert story.crew.workers == [second]
        story.timers.advance(0)
        replaced = story.crew.workers[0]
        replaced.end()
        story.timers.advance(0.2)
        assert story.crew.workers == [second]
        story.timers.advance(0.1)
    assert lines == [
        "[ERR] [] worker 1 has ended: killed by SIGKILL; another is started",
        "[ERR] [] worker 1 has ended: exit code 1; another is started in 0.25 s",
    ]
    assert story.ended == [first, replaced]
    assert [place.starts for place in story.crew.places] == [3, 1]


def test_one_that_has_run_well_is_replaced_at_once(story):
    with logged():
        for _ in range(3):
            story.timers.advance(10.0)
            story.crew.workers[0].end()
            story.timers.advance(0)
            assert len(story.crew.workers) == 2


def test_one_that_cannot_be_started_is_tried_again(monkeypatch):
    faults = [OSError(11, "Resource temporarily unavailable")]

    def start(*given):
        if faults:
            raise faults.pop()
        return Played(*given)

    monkeypatch.setattr(module, "WorkerProcess", start)
    story = Story(1)
    with logged() as lines:
        story.crew.start()
        assert story.crew.workers == []
        story.timers.advance(0)
    assert lines == ["[ERR] [] cannot start worker 1: Resource temporarily unavailable"]
    assert [worker.number for worker in story.crew.workers] == [1]


def test_at_the_end_nobody_is_replaced_and_who_has_not_begun_is_ended(story):
    first, second = story.crew.workers
    first.begin()
    with logged() as lines:
        story.crew.stop_replacing()
        assert second.reason == "ended before it had begun"
        assert story.crew.changed.is_set()  # who waits for workers must hear that there will be none
        first.end("exit code 0")
        story.timers.advance(60)
    assert lines == []
    assert story.crew.workers == []


def test_one_that_was_to_be_started_when_the_end_came_is_not(story):
    with logged():
        story.crew.workers[0].end()
        story.crew.stop_replacing()
        story.timers.advance(60)
    assert story.crew.workers == []


def test_all_are_looked_at_every_second(story):
    first, second = story.crew.workers
    story.timers.advance(3)
    assert first.looks == second.looks == 4
    assert first.held_up == second.held_up == 0


def test_workers_are_not_to_blame_for_what_held_up_the_supervisor(story):
    (worker, _) = story.crew.workers
    story.timers.advance(1.5)
    story.timers.due = [(when + 20, then) for when, then in story.timers.due]
    story.timers.advance(30)
    assert worker.held_up == 20
