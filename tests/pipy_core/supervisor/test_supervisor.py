"""The process above the workers: with workers that are played, and signals that the test gives."""

import threading
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from structlog.testing import capture_logs

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import RelayedError, StartError
from pipy_core.net.notify import Notifier
from pipy_core.process import control
from pipy_core.registry import Registry
from pipy_core.settings import Settings
from pipy_core.supervisor import crew
from pipy_core.supervisor import supervisor as module
from pipy_core.supervisor.process import WorkerEnded
from pipy_core.supervisor.supervisor import Supervisor

pytestmark = pytest.mark.usefixtures("reactor")


class Source:
    """Files that are there."""

    retries = False

    def take(self):
        return Snapshot(Path("/code"), "/main.js")

    def accept(self, snapshot):
        """Nothing is kept."""

    def watch(self, _changed, stop: threading.Event):
        stop.wait(10)


class Played:
    """A worker that does as it is told; see ``Program`` for what it is told by the test."""

    def __init__(self, program, reactor, number, spoke, ended):
        self._program = program
        self._reactor = reactor
        self.number = self.pid = number
        self.name = f"worker {number}"
        self.started_at = reactor.now()
        self.ready = False
        self.alive = True
        self.generation = 0
        self.reason = ""
        self.told = []
        self._spoke = spoke
        self._ended = ended
        program.started.append(self)
        reactor.spawn(self.end if program.stillborn else self.begin)

    def begin(self):
        if self.alive:
            self.ready = True
            self.say(control.Ready())

    def say(self, message):
        self._spoke(self, message)

    def end(self, reason="exit code 1"):
        if self.alive:
            self.alive = False
            self.reason = reason
            self._ended(self)

    kill = end

    def look(self, _held_up):
        """It is well."""

    def send(self, message):
        self.told.append(message)
        if isinstance(message, control.Stop) and (message.force or not self._program.stubborn):
            self._reactor.spawn(self.end, "exit code 0")

    def begin_load(self, order):
        self.told.append(order)

    def loaded(self, generation):
        self._program.gate.wait()
        if not self.alive:
            raise WorkerEnded("", f"{self.name} has ended")
        if self._program.fault is not None:
            raise self._program.fault
        return control.Loaded(generation, [], ["SIGUSR2"])

    def begin_commit(self, generation, _sockets):
        self.told.append(control.Commit(generation))

    def committed(self, generation):
        self.generation = generation


class Program:
    """A supervisor that runs in a greenlet.

    :ivar fault: why nothing can be loaded. :ivar gate: loading waits for it. :ivar stubborn: workers end when they are forced to.
    :ivar stillborn: workers end before they have begun.
    """

    def __init__(self, threads=2):
        self.started = []
        self.fault = None
        self.stubborn = self.stillborn = False
        self.gate = Event()
        self.gate.set()
        settings = Settings(threads=threads, admin_address=None)
        self.supervisor = Supervisor(settings, Registry(), None, Source(), Notifier(), None, {})

    def start(self, *, wait=True):
        self.run = gevent.spawn(self.supervisor.run)
        if wait:
            self.until(lambda: [each.generation for each in self.workers] == [1] * len(self.supervisor._crew.places))

    def until(self, condition):
        with gevent.Timeout(10):
            while not condition():
                gevent.sleep(0.001)

    @property
    def workers(self):
        return self.supervisor._crew.workers

    def code(self):
        """What it ends with."""
        return self.run.get(timeout=10)


@pytest.fixture
def make(monkeypatch):
    """``make()``: a program. ``make.log()``: what was logged."""
    made = []

    def worker(reactor, number, _settings, spoke, ended):
        return Played(made[-1], reactor, number, spoke, ended)

    # The loop's own watchers of signals would outlive the test: they take a signal away from Python.
    monkeypatch.setattr(Supervisor, "_expect", lambda self, names: self._signals.update(dict.fromkeys(names)))
    monkeypatch.setattr(crew, "WorkerProcess", worker)

    def start(*args, **settings):
        made.append(Program(*args, **settings))
        return made[-1]

    with capture_logs() as entries:
        start.log = lambda: [f"[{each['log_level']}] [{each['component']}] {each['event']}" for each in entries]
        yield start
    for each in made:
        each.run.kill()
        each.supervisor._reloader.stop()


def test_it_starts_loads_and_ends_in_order(make):
    program = make()
    program.start()
    assert set(program.supervisor._signals) == {"SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"}
    program.supervisor._signalled("SIGTERM")
    assert program.code() == 0
    assert [each.told[-1] for each in program.started] == [control.Stop()] * 2
    assert make.log() == ["[info] [shutdown] Shutting down...", "[info] [shutdown] Stopped."]


def test_the_exit_code_is_what_the_script_says(make):
    program = make()
    program.start()
    program.workers[1].say(control.Exit(3))
    assert program.code() == 3


def test_what_the_scripts_of_all_workers_say_is_one_wish(make):
    program = make()
    program.stubborn = True
    program.start()
    for worker in program.started:
        worker.say(control.Exit(3))
    gevent.sleep(0.01)
    assert [each.told[-1] for each in program.started] == [control.Stop()] * 2
    program.workers[0].say(control.Exit(3, again=True))
    assert program.code() == 3
    assert program.started[1].told[-2:] == [control.Stop(), control.Stop(force=True)]


def test_a_second_signal_is_the_end_now(make):
    program = make()
    program.stubborn = True
    program.start()
    program.supervisor._signalled("SIGINT")
    gevent.sleep(0.01)
    assert len(program.workers) == 2
    with capture_logs() as log:
        for _ in range(3):
            program.supervisor._signalled("SIGINT")
        assert program.code() == 1
    assert program.started[0].told[-2:] == [control.Stop(), control.Stop(force=True)]
    assert [each["event"] for each in log].count("Forcing to shut down...") == 1


def test_who_does_not_end_in_time_is_killed(make, monkeypatch):
    monkeypatch.setattr(module, "GRACE", -29.99)
    program = make()
    program.stubborn = True
    program.start()
    program.supervisor.stop()
    assert program.code() == 0
    assert {each.reason for each in program.started} == {"killed, since it did not end in time"}


@pytest.mark.parametrize("way", ["a signal", "a script"])
def test_a_reload(make, way):
    program = make()
    program.start()
    if way == "a signal":
        program.supervisor._signalled("SIGHUP")
    else:
        program.workers[0].say(control.Restart())
    program.until(lambda: [each.generation for each in program.workers] == [2, 2])


def test_a_signal_that_a_task_waits_for_goes_to_all(make):
    program = make()
    program.start()
    program.supervisor._signalled("SIGUSR2")
    assert [each.told[-1] for each in program.workers] == [control.Signal("SIGUSR2")] * 2


def test_a_script_that_cannot_be_loaded_ends_what_was_started(make):
    program = make()
    program.fault = RelayedError("pjs", "no")
    program.start(wait=False)
    with pytest.raises(RelayedError, match="no"):
        program.code()
    assert not any(each.alive for each in program.started)


def test_workers_that_never_begin(make):
    program = make(1)
    program.stillborn = True
    program.start(wait=False)
    with pytest.raises(StartError, match="No worker could be started"):
        program.code()


def test_the_end_before_any_worker_has_begun(make):
    program = make(1)
    program.stillborn = True
    program.start(wait=False)
    program.until(lambda: len(program.started) == 2 and not program.workers)  # the third one is due in a quarter of a second
    program.supervisor._signalled("SIGTERM")
    assert program.code() == 0
    assert len(program.started) == 2


def test_one_that_ends_is_replaced_and_runs_what_the_others_run(make):
    program = make()
    program.start()
    program.supervisor._signalled("SIGHUP")
    program.until(lambda: [each.generation for each in program.workers] == [2, 2])
    program.workers[0].end("killed by SIGKILL")
    program.until(lambda: [each.generation for each in program.workers] == [2, 2])
    orders = [each for each in program.started[2].told if isinstance(each, control.Load)]
    assert [(each.generation, each.first) for each in orders] == [(2, False)]


def test_one_that_cannot_load_what_the_others_run_is_killed(make):
    program = make()
    program.start()
    program.fault = RelayedError("pjs", "no")
    program.workers[0].end()
    program.until(lambda: len(program.started) == 3 and not program.started[2].alive)
    assert program.started[2].reason == "killed, since it could not load what the others run"
    assert "[error] [pjs] no" in make.log()


def test_a_reload_is_for_those_who_are_there_when_its_turn_has_come(make):
    program = make()
    program.start()
    program.gate.clear()
    program.workers[0].end()
    program.until(lambda: len(program.started) == 3 and program.started[2].told)  # it loads what the others run
    program.supervisor._signalled("SIGHUP")
    program.until(program.supervisor._changing._block.linkcount)  # the reload waits for that
    program.started[2].end()
    program.gate.set()
    program.until(lambda: [each.generation for each in program.workers] == [2, 2])
    assert program.supervisor._reloader.record.failed == 0


def test_the_end_during_a_reload_gives_it_up(make):
    program = make()
    program.start()
    program.gate.clear()
    program.stubborn = True
    program.supervisor._signalled("SIGHUP")
    program.until(lambda: isinstance(program.workers[0].told[-1], control.Load))
    program.supervisor._signalled("SIGTERM")
    program.gate.set()
    program.until(lambda: any("given up" in line for line in make.log()))
    program.supervisor._signalled("SIGTERM")
    program.code()
    assert "[info] [restart] Reloading codebase was given up: the program ends" in make.log()
    assert not any("Failed" in line for line in make.log())
    assert [each.generation for each in program.started] == [1, 1]


def test_how_it_stands(make):
    program = make()
    program.stubborn = True
    states = []

    def note():
        states.append(program.supervisor._standing().state)

    program.gate.clear()
    program.start(wait=False)
    note()
    program.gate.set()
    program.until(lambda: [each.generation for each in program.workers] == [1, 1])
    note()
    program.gate.clear()
    for each in program.workers:
        each.end()
    note()
    program.supervisor._signalled("SIGTERM")
    note()
    program.gate.set()
    program.supervisor._signalled("SIGTERM")
    program.code()
    assert states == ["starting", "running", "failed", "draining"]
