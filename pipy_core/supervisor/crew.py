"""The workers that are to run, and that as many as there should be do: who ends is replaced."""

from collections.abc import Callable
from typing import Final

from gevent.event import Event

from pipy_core.logs import get_logger
from pipy_core.net.reactor import Reactor
from pipy_core.process.control import Message
from pipy_core.settings import Settings
from pipy_core.supervisor.backoff import Backoff
from pipy_core.supervisor.process import WorkerProcess

#: Seconds between two looks at whether all workers give signs of life.
LOOK_EVERY: Final = 1.0

_log = get_logger("")


class Place:
    """Where one worker follows another. :ivar starts: how many there were. :ivar worker: the one that is there now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.starts = 0
        self.backoff = Backoff()
        self.worker: WorkerProcess | None = None


class Crew:
    """See the module.

    :param spoke: gets what a worker says by itself.
    :param ended: is told of each worker that has ended.
    :ivar changed: is set whenever one has become ready or has ended, or none will any more; who waits for that clears it.
    """

    def __init__(
        self,
        reactor: Reactor,
        settings: Settings,
        spoke: Callable[[WorkerProcess, Message], None],
        ended: Callable[[WorkerProcess], None],
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._spoke = spoke
        self._tell_end = ended
        self._replacing = True
        self._looked = reactor.now()
        self.places = [Place(number) for number in range(1, settings.threads + 1)]
        self.changed = Event()

    def start(self) -> None:
        """Start all."""
        for place in self.places:
            self._start(place)
        self._looked = self._reactor.now()
        self._look()

    @property
    def workers(self) -> list[WorkerProcess]:
        """All that have not ended."""
        return [place.worker for place in self.places if place.worker is not None]

    @property
    def ready(self) -> list[WorkerProcess]:
        """Those that can load a script."""
        return [worker for worker in self.workers if worker.ready]

    def stop_replacing(self) -> None:
        """From now on who ends is not replaced; who has not begun is ended."""
        self._replacing = False
        for worker in self.workers:
            if not worker.ready:
                worker.kill("ended before it had begun")
        self.changed.set()

    # -- steps ------------------------------------------------------------------------------------------------------

    def _start(self, place: Place) -> None:
        if not self._replacing:
            return
        place.starts += 1
        try:
            place.worker = WorkerProcess(self._reactor, place.number, self._settings, self._on_message, self._on_end)
        except OSError as error:
            _log.error(f"cannot start worker {place.number}: {error.strerror}")
            self._later(place, 0.0)

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        self._spoke(worker, message)
        self.changed.set()

    def _on_end(self, worker: WorkerProcess) -> None:
        place = self.places[worker.number - 1]
        place.worker = None
        self._tell_end(worker)
        self.changed.set()
        if self._replacing:
            self._later(place, self._reactor.now() - worker.started_at, f"{worker.name} has ended: {worker.reason}")

    def _later(self, place: Place, ran_for: float, what: str = "") -> None:
        delay = place.backoff.delay(ran_for)
        if what:
            _log.error(f"{what}; another is started" + (f" in {delay:g} s" if delay else ""))
        self._reactor.after(delay, lambda: self._reactor.spawn(self._start, place))

    def _look(self) -> None:
        now = self._reactor.now()
        held_up = max(0.0, now - self._looked - LOOK_EVERY)
        self._looked = now
        for worker in self.workers:
            worker.look(held_up)
        self._reactor.after(LOOK_EVERY, self._look)
