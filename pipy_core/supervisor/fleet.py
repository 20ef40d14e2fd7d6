"""All workers as one: their figures added up, their status in one document. What pages of the admin port see of the program."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec.json

from pipy_core import figures
from pipy_core.admin.standing import Standing, WorkerStatus, figures_of
from pipy_core.errors import RelayedError
from pipy_core.figures import Family, accumulate, merge
from pipy_core.process.control import Told

#: Seconds that all workers together may take to answer.
ASK_LIMIT: Final = 2.0


class Member(Protocol):
    """A worker, as far as it is asked; see ``WorkerProcess``."""

    number: int
    ready: bool

    @property
    def pid(self) -> int:
        """Of its process."""

    def begin_ask(self) -> int:
        """Ask it."""

    def told(self, question: int, limit: float) -> Told:
        """Wait for its answer, up to *limit* seconds."""


class Place(Protocol):
    """Where one worker follows another."""

    number: int
    starts: int

    @property
    def worker(self) -> Member | None:
        """The one that is there now."""


class Fleet:
    """The ``Instance`` of a program of several processes.

    No counter ever goes down: of a worker that does not answer in time what it told last is taken, and what one told that has
    ended is kept.

    :param places: of all workers.
    :param standing: gives how the program is, without its workers.
    """

    def __init__(self, places: Sequence[Place], standing: Callable[[], Standing]) -> None:
        self._places = places
        self._standing = standing
        self._last: dict[Member, tuple[list[Family], WorkerStatus]] = {}
        self._kept: list[Family] = []

    def figures(self) -> list[Family]:
        """See ``Instance``."""
        document = self.status()
        return merge([self._kept, *(told for told, _ in self._last.values()), figures_of(document)])

    def status(self) -> dict[str, Any]:
        """See ``Instance``."""
        self._ask()
        standing = self._standing()
        for place in self._places:
            standing.workers.append(self._status_of(place))
        return standing.document()

    def ended(self, worker: Member) -> None:
        """*worker* has ended."""
        families, _ = self._last.pop(worker, ([], None))
        self._kept = accumulate(self._kept, families)

    def _status_of(self, place: Place) -> WorkerStatus:
        worker = place.worker
        if worker is None:
            return WorkerStatus(place.number, 0, "dead", starts=place.starts)
        if worker not in self._last:
            return WorkerStatus(place.number, worker.pid, "starting", starts=place.starts)
        status = self._last[worker][1]
        status.starts = place.starts
        return status

    def _ask(self) -> None:
        """All of them at the same time; several who look at once ask once each."""
        asked = [(worker, worker.begin_ask()) for place in self._places if (worker := place.worker) is not None and worker.ready]
        deadline = time.monotonic() + ASK_LIMIT
        for worker, question in asked:
            try:
                told = worker.told(question, max(deadline - time.monotonic(), 0.0))
            except RelayedError:
                continue  # what it told before counts
            if any(place.worker is worker for place in self._places):
                status = msgspec.json.decode(told.status, type=WorkerStatus)
                self._last[worker] = (figures.decode(told.figures), status)
