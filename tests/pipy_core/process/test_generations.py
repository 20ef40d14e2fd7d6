"""One generation after another: the two steps of a change, tasks, and what becomes of the older ones."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import LoadError, StartError
from pipy_core.process.generations import Generations, openings, signals_of
from pipy_core.script.program import Module, Port, Task
from pipy_core.testing.clock import FakeClock

SNAPSHOT = Snapshot(Path("/code"), "/main.js", "v1")
ADDRESS = ("0.0.0.0", 80)


class Program:
    """One that was loaded. :ivar story: what became of it."""

    def __init__(self, number, signals=()):
        self.number = number
        self.story = []
        tasks = [Task("task", 0.0, name, None) for name in signals]
        self.modules = [Module("/main.js", ports=[Port(ADDRESS, {}, None)], tasks=tasks)]

    def new_context(self):
        raise NotImplementedError

    def retire(self):
        self.story.append("retired")

    def dispose(self):
        self.story.append("disposed")


class Ports:
    """:ivar generations: connections by generation. :ivar accepting: numbers of those that get connections."""

    def __init__(self):
        self.accepting = set()
        self.generations = Counter()
        self.error = None
        self.taken = []

    def take_over(self, ports, program, sockets):
        if self.error is not None:
            raise self.error
        self.taken.append((list(ports), program.number, sockets))

    def cut(self, generation):
        del self.generations[generation]


class Reactor(FakeClock):
    """A clock with the face of a reactor, as far as it is looked at."""

    def spawn(self, run, *_args):
        self.spawned = run


@pytest.fixture
def made():
    programs = []

    def load(_snapshot, number, _tell):
        if isinstance(made.next, LoadError):
            raise made.next
        programs.append(Program(number, made.next))
        return programs[-1]

    reactor, ports = Reactor(), Ports()
    made = SimpleNamespace(next=(), reactor=reactor, ports=ports, programs=programs)
    made.generations = Generations(reactor, ports, load, 10.0)
    return made


def change(made):
    made.generations.prepare(SNAPSHOT)
    return made.generations.commit()


def test_nothing_changes_before_the_second_step(made):
    made.generations.prepare(SNAPSHOT)
    assert made.generations.current is None
    assert made.ports.taken == []
    assert made.generations.commit({ADDRESS: "socket"}) == [ADDRESS]
    assert made.generations.current is made.programs[0]
    assert made.ports.taken == [([ADDRESS], 1, {ADDRESS: "socket"})]


def test_what_is_abandoned_is_disposed_of_and_so_is_what_another_replaces(made):
    made.generations.prepare(SNAPSHOT)
    made.generations.abandon()
    made.generations.abandon()
    made.generations.prepare(SNAPSHOT)
    made.generations.prepare(SNAPSHOT, 9)
    assert [(each.number, each.story) for each in made.programs] == [(1, ["disposed"]), (2, ["disposed"]), (9, [])]


def test_what_cannot_be_loaded_leaves_the_old_one(made):
    change(made)
    made.next = LoadError("Error", "no")
    with pytest.raises(LoadError):
        made.generations.prepare(SNAPSHOT)
    assert made.generations.current.number == 1
    assert made.programs[0].story == []


def test_a_port_that_cannot_be_opened_leaves_the_old_one(made):
    change(made)
    made.ports.error = StartError("taken")
    with pytest.raises(StartError):
        change(made)
    assert made.generations.current.number == 1
    assert [each.story for each in made.programs] == [[], ["disposed"]]


def test_older_ones_are_listed_while_they_have_connections_and_cut_when_their_time_is_over(made):
    change(made)
    made.ports.generations.update({1: 2})
    change(made)
    made.ports.generations.update({2: 1})
    assert made.programs[0].story == ["retired"]
    assert [(each.number, each.state, each.connections, each.version) for each in made.generations.listing()] == [
        (1, "draining", 2, "v1"),
        (2, "running", 1, "v1"),
    ]
    made.reactor.advance(9.9)
    assert made.ports.generations[1] == 2
    made.reactor.advance(1.1)
    assert made.ports.generations == {2: 1}
    assert [each.number for each in made.generations.listing()] == [2]


def test_one_whose_port_is_being_closed_may_still_get_connections(made):
    change(made)
    made.ports.accepting = {1}
    change(made)
    assert made.programs[0].story == []
    made.ports.accepting = {2}
    made.reactor.advance(1.0)
    assert made.programs[0].story == ["retired"]
    assert len(made.generations._running) == 1


def test_one_that_has_ended_is_forgotten(made):
    for _ in range(100):
        change(made)
    assert len(made.generations._running) == 1
    assert [each.number for each in made.generations.listing()] == [100]


def test_signals_are_those_of_the_current_one(made):
    made.next = ("SIGHUP", "SIGWINCH")
    change(made)
    assert sorted(made.generations.signals) == ["SIGHUP", "SIGWINCH"]
    made.next = ()
    change(made)
    assert made.generations.signals == []
    assert not made.generations.signalled("SIGHUP")


def test_the_last_of_several_declarations_of_a_port_counts():
    program = Program(1)
    last = Port(ADDRESS, {"maxConnections": 1}, None)
    program.modules.append(Module("/other.js", ports=[last]))
    assert openings(program) == {ADDRESS: last}


def test_the_names_of_signals_are_there_once():
    assert signals_of(Program(1, ("SIGINT", "SIGHUP", "SIGINT", ""))) == ["SIGHUP", "SIGINT"]
