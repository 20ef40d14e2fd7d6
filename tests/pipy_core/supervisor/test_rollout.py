"""All workers change together, or none: with workers that are played."""

from pathlib import Path

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import RelayedError, StartError
from pipy_core.process import control
from pipy_core.process.control import Address
from pipy_core.supervisor.process import WorkerEnded
from pipy_core.supervisor.rollout import Version, catch_up, roll_out
from pipy_core.testing import logged

SNAPSHOT = Snapshot(Path("/code"), "/main.js", "v1")
PORT = Address("0.0.0.0", 80)
SEEN = {"/main.js": b"pipy()", "/absent.js": None}


class Played:
    """A worker that does what the test says. :ivar story: what it was told, in order."""

    def __init__(self, number, load=None, commit=None):
        self.number = number
        self.name = f"worker {number}"
        self.killed = ""
        self.story = []
        self._load = load
        self._commit = commit

    def begin_load(self, order):
        self.story.append(("load", order.first, order.pinned))

    def loaded(self, generation):
        if self._load is not None:
            raise self._load
        return control.Loaded(generation, [PORT], ["SIGHUP"], SEEN)

    def begin_commit(self, generation, sockets):
        self.story.append(("commit", generation, list(sockets)))

    def committed(self, _generation):
        if self._commit is not None:
            raise self._commit

    def send(self, message):
        self.story.append(message)

    def kill(self, reason):
        self.killed = reason


class Ports:
    """Sockets that are none."""

    def __init__(self, error=None):
        self.kept = None
        self._error = error

    def want(self, addresses):
        if self._error is not None:
            raise self._error
        return dict.fromkeys(addresses, "socket")

    def keep(self, wanted):
        self.kept = list(wanted)


def play(*workers, ports=None):
    settled = []
    roll_out(workers, SNAPSHOT, 5, ports or Ports(), settled.append)
    return settled[0]


def test_the_first_loads_alone_and_the_others_what_it_has_read():
    workers, ports = [Played(1), Played(2), Played(3)], Ports()
    version = play(*workers, ports=ports)
    assert workers[0].story == [("load", True, {}), ("commit", 5, [PORT])]
    assert workers[1].story == workers[2].story == [("load", False, SEEN), ("commit", 5, [PORT])]
    assert ports.kept == [PORT]
    assert (version.number, version.addresses, version.signals) == (5, (PORT,), ("SIGHUP",))
    assert version.order == control.Load(5, "/code", "/main.js", "v1", SEEN)


def test_what_the_first_cannot_load_the_others_never_see():
    workers, ports = [Played(1, RelayedError("pjs", "no")), Played(2)], Ports()
    with pytest.raises(RelayedError, match="no"):
        play(*workers, ports=ports)
    assert workers[1].story == []
    assert ports.kept is None


def test_what_another_cannot_load_is_abandoned_by_all():
    workers, ports = [Played(1), Played(2, RelayedError("pjs", "no")), Played(3)], Ports()
    with pytest.raises(RelayedError, match="no"):
        play(*workers, ports=ports)
    assert all(worker.story[-1] == control.Abandon(5) for worker in workers)
    assert ports.kept is None


def test_a_port_that_cannot_be_opened_is_abandoned_by_all():
    workers = [Played(1), Played(2)]
    with pytest.raises(StartError):
        play(*workers, ports=Ports(StartError("taken")))
    assert all(worker.story[-1] == control.Abandon(5) for worker in workers)


def test_who_dies_while_loading_is_left_out():
    workers = [Played(1), Played(2, WorkerEnded("", "worker 2 has ended")), Played(3)]
    with logged() as lines:
        play(*workers)
    assert lines == ["[WRN] [] worker 2 has ended"]
    assert [worker.story[-1][0] for worker in workers] == ["commit", "load", "commit"]


@pytest.mark.parametrize("error", [WorkerEnded("", "does not answer"), RelayedError("listener", "cannot")])
def test_who_cannot_follow_is_killed(error):
    workers = [Played(1), Played(2, commit=error)]
    with logged():
        play(*workers)
    assert not workers[0].killed
    assert workers[1].killed


def test_a_new_worker_gets_what_the_others_run():
    worker = Played(2)
    order = control.Load(5, "/code", "/main.js", "v1", SEEN)
    catch_up(worker, Version(5, order, (PORT,), ()), Ports())
    assert worker.story == [("load", False, SEEN), ("commit", 5, [PORT])]
