"""How a program stands: the status of its workers and generations, as one document, and the figures that follow from it.

The document is what ``Instance.status`` gives and ``/status`` shows. Whoever watches over workers fills it in.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pipy_core.figures import Family, single

#: States in which a program does not want to be sent anything: ``/readyz`` says so.
RUNNING: Final = "running"
SHEDDING: Final = "shedding"


class Start:
    """When something was started: now.

    :ivar at: in seconds since 1970, for people; that clock may be set.
    """

    def __init__(self) -> None:
        self.at = time.time()
        self._begun = time.monotonic()

    @property
    def ago(self) -> float:
        """Seconds since then, whatever became of the clock."""
        return time.monotonic() - self._begun


@dataclass
class Generation:
    """One loaded version of the script.

    :ivar number: counts loads, from 1. :ivar version: for people (an ETag, or nothing). :ivar state: ``running`` or ``draining``.
    :ivar loaded_at: seconds since 1970. :ivar connections: those that are open and run it.
    """

    number: int
    version: str = ""
    state: str = RUNNING
    loaded_at: float = 0.0
    connections: int = 0


@dataclass
class WorkerStatus:
    """One worker.

    :ivar number: its place among the workers, from 1; the one that replaces it has the same. :ivar state: ``starting``,
        ``running``, ``shedding``, ``draining`` or ``dead``. :ivar memory: bytes.
    :ivar starts: how often a process was started in this place.
    :ivar lag: how long something that is to be done now has to wait, in seconds, at worst lately.
    """

    number: int
    pid: int
    state: str = RUNNING
    connections: int = 0
    memory: int = 0
    starts: int = 1
    lag: float = 0.0
    generations: list[Generation] = field(default_factory=list)


@dataclass
class Reloads:
    """What became of reloads.

    :ivar result: of the last one, ``good`` or ``failed``; empty before the first. :ivar at: when, in seconds since 1970.
    :ivar error: why it failed. :ivar good: how many went well. :ivar failed: how many did not.
    """

    result: str = ""
    at: float = 0.0
    error: str = ""
    good: int = 0
    failed: int = 0


@dataclass
class Standing:
    """The program.

    :ivar state: ``starting``, ``running``, ``draining``, ``shedding``, or ``failed`` when nothing runs that could serve.
    :ivar reason: why it is not running, for people. :ivar started_at: seconds since 1970. :ivar ports: ``0.0.0.0:8000``.
    """

    version: str
    pid: int
    started_at: float
    uptime: float = 0.0
    state: str = RUNNING
    reason: str = ""
    ports: Sequence[str] = ()
    workers: list[WorkerStatus] = field(default_factory=list)
    reload: Reloads = field(default_factory=Reloads)

    def document(self) -> dict[str, Any]:
        """It as one document; ``generations`` are those of all workers, with their connections added up."""
        merged = merge_generations(worker.generations for worker in self.workers)
        document = asdict(self)
        states = {worker.state for worker in self.workers}
        if self.state == RUNNING and SHEDDING in states and RUNNING not in states:
            document |= {"state": SHEDDING, "reason": "no worker has memory left for new requests"}
        return document | {"ports": list(self.ports), "generations": [asdict(each) for each in merged]}


def merge_generations(parts: Iterable[Iterable[Generation]]) -> list[Generation]:
    """The generations of several workers, by number; one that runs in any of them runs."""
    merged: dict[int, Generation] = {}
    for generations in parts:
        for each in generations:
            known = merged.setdefault(each.number, Generation(each.number, each.version, each.state, each.loaded_at))
            known.connections += each.connections
            if each.state == RUNNING:
                known.state = RUNNING
    return [merged[number] for number in sorted(merged)]


def figures_of(document: dict[str, Any]) -> list[Family]:
    """What the document says in numbers: for scrapes, behind the merged figures of the workers."""
    workers = document["workers"]
    states = [each["state"] for each in workers]
    return [
        single("pipy_start_time_seconds", "gauge", "When the program was started, in seconds since 1970.", document["started_at"]),
        Family("pipy_info", "gauge", "Always 1; tells the version.", [("", (("version", str(document["version"])),), 1)]),
        single("pipy_ready", "gauge", "Whether it serves: what /readyz says.", int(document["state"] == RUNNING)),
        Family(
            "pipy_workers", "gauge", "Worker processes, by what they do.", _labelled("state", {s: states.count(s) for s in states})
        ),
        single(
            "pipy_worker_restarts_total",
            "counter",
            "Workers that were replaced since they had died.",
            sum(each["starts"] - 1 for each in workers),
        ),
        Family(
            "pipy_worker_memory_bytes",
            "gauge",
            "Physical memory of each worker.",
            _labelled("worker", {str(each["number"]): each["memory"] for each in workers}),
        ),
        *_reload_figures(document),
    ]


def _reload_figures(document: dict[str, Any]) -> list[Family]:
    reload = document["reload"]
    return [
        Family(
            "pipy_generation_connections",
            "gauge",
            "Open connections of each loaded version of the script.",
            _labelled("generation", {str(each["number"]): each["connections"] for each in document["generations"]}),
        ),
        Family(
            "pipy_reloads_total",
            "counter",
            "Reloads of the script, by their result.",
            _labelled("result", {"good": reload["good"], "failed": reload["failed"]}),
        ),
        single(
            "pipy_last_reload_time_seconds", "gauge", "Of the last reload, in seconds since 1970; 0: there was none.", reload["at"]
        ),
        single(
            "pipy_last_reload_good",
            "gauge",
            "Whether the last reload went well; 1 before the first.",
            int(reload["result"] != "failed"),
        ),
    ]


def _labelled(label: str, values: dict[str, float]) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
    return [("", ((label, key),), value) for key, value in values.items()]
