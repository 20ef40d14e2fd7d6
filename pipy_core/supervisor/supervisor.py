"""The process above the workers: signals, reloads, the admin port, and the end of the program."""

import os
import signal
from collections.abc import Mapping
from functools import partial
from socket import socket
from typing import Any, Final

from gevent.event import Event
from gevent.lock import RLock

from pipy_core import __version__, faults
from pipy_core.admin.port import Admin
from pipy_core.admin.standing import Standing, Start
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.source import Source
from pipy_core.errors import PipyError, StartError
from pipy_core.kit.address import spelled
from pipy_core.logs import get_logger
from pipy_core.net.notify import Notifier
from pipy_core.net.opening import Address
from pipy_core.net.reactor import Reactor
from pipy_core.process import control
from pipy_core.process.control import Message
from pipy_core.process.reloading import Reloader, log
from pipy_core.registry import Registry
from pipy_core.settings import Settings
from pipy_core.supervisor.crew import Crew
from pipy_core.supervisor.fleet import Fleet
from pipy_core.supervisor.process import WorkerEnded, WorkerProcess
from pipy_core.supervisor.rollout import Version, catch_up, roll_out
from pipy_core.supervisor.sockets import Open, Sockets

#: Seconds that workers are given beyond the time in which they are to end.
GRACE: Final = 5.0
#: How often the first worker may end before it is ready until starting is given up, for each worker.
_STARTS: Final = 2
_STOPS: Final = ("SIGINT", "SIGTERM")

_shutdown = get_logger("shutdown")


class Supervisor:
    """See the module.

    :param manager: the manager of services that has started the program.
    :param opened: opens ports. :param inherited: listening sockets that somebody has opened for us.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        hooks: Any,
        source: Source,
        manager: Notifier,
        opened: Open,
        inherited: Mapping[Address, socket],
    ) -> None:
        self._settings = settings
        self._hooks = hooks
        self._manager = manager
        self._start = Start()
        self._reactor = Reactor(self._report, settings.limits)
        self._sockets = Sockets(self._reactor, opened, inherited)
        self._crew = Crew(self._reactor, settings, self._heard, self._ended)
        self._fleet = Fleet(self._crew.places, self._standing)
        self._reloader = Reloader(self._reactor, source, self._switch, manager.reloading, self._fleet.status)
        self._admin = Admin(self._reactor, registry, settings, self._fleet)
        self._version: Version | None = None
        self._numbers = 0
        self._changing = RLock()
        self._signals: dict[str, Any] = {}  # watchers, by name
        self._stopping = self._forced = False
        self._over = Event()
        self._code = 0

    def run(self) -> int:
        """Run the script in ``settings.threads`` workers until the program is told to end.

        :returns: the exit code.
        :raises PipyError: the script cannot be loaded, or a port cannot be opened.
        """
        self._expect((*_STOPS, "SIGHUP"))
        self._manager.start(self._reactor)
        self._crew.start()
        try:
            running = self._reloader.start()
            if self._settings.admin_address is not None and not self._stopping:
                self._admin.open(self._settings.admin_address, self._hooks.pipy_register_pages)
        except PipyError:
            self._give_up()
            if self._stopping:
                return self._code
            raise
        if running and not self._stopping:
            self._manager.ready()
        self._over.wait()
        self._finish()
        return self._code

    def _report(self, error: BaseException, where: str) -> None:
        get_logger("bug").error(faults.render_bug(error, where))

    # -- loading ----------------------------------------------------------------------------------------------------

    def _switch(self, snapshot: Snapshot) -> None:
        with self._changing:
            workers = self._await_worker()  # not before it is our turn: one that was there may have ended meanwhile
            self._numbers += 1
            roll_out(workers, snapshot, self._numbers, self._sockets, self._settled)

    def _settled(self, version: Version) -> None:
        self._version = version
        self._expect(version.signals)

    def _await_worker(self) -> list[WorkerProcess]:
        """Those that are ready; at the start, when all are or have failed.

        :raises StartError: there are none, and it does not look as if there ever were.
        """
        while self._version is None and not self._stopping:
            if len(self._crew.ready) == len(self._crew.places):
                break
            if sum(place.starts for place in self._crew.places) > _STARTS * len(self._crew.places):
                break
            self._crew.changed.clear()
            self._crew.changed.wait()
        while not self._crew.ready and not self._stopping and self._version is not None:
            self._crew.changed.clear()
            self._crew.changed.wait()
        if not self._crew.ready:
            raise StartError("No worker could be started")
        return self._crew.ready

    def _catch_up(self, worker: WorkerProcess) -> None:
        """A new worker is ready: have it run what the others run, if there is anything."""
        with self._changing:
            version = self._version
            if version is None or worker.generation == version.number or not worker.alive or self._stopping:
                return
            try:
                catch_up(worker, version, self._sockets)
            except WorkerEnded:
                worker.kill("killed, since it did not answer")  # its end is told by who replaces it
            except PipyError as error:
                log(error)
                worker.kill("killed, since it could not load what the others run")

    # -- what workers do --------------------------------------------------------------------------------------------

    def _heard(self, worker: WorkerProcess, message: Message) -> None:
        match message:
            case control.Ready():
                self._reactor.spawn(self._catch_up, worker)
            case control.Restart():
                self._reloader.request()
            case control.Exit():
                if message.again or not self._stopping:  # each worker may say it once: that is still one wish
                    self.stop(message.code)

    def _ended(self, worker: WorkerProcess) -> None:
        self._fleet.ended(worker)
        if self._stopping and not self._crew.workers:
            self._over.set()

    # -- signals ----------------------------------------------------------------------------------------------------

    def _expect(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self._signals:
                self._signals[name] = watcher = self._reactor.loop.signal(getattr(signal, name))
                watcher.start(self._reactor.spawn, partial(self._signalled, name))

    def _signalled(self, name: str) -> None:
        if self._version is not None and name in self._version.signals:
            for worker in self._crew.ready:
                worker.send(control.Signal(name))
        elif name in _STOPS:
            self.stop()
        elif name == "SIGHUP":
            self._reloader.request()

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self, code: int | None = None) -> None:
        """Close the ports, let all workers end in order. A second time: end now, with exit code 1."""
        if self._stopping:
            if not self._forced:
                _shutdown.info("Forcing to shut down...")
                self._forced = True
                self._code = self._code or 1
                self._order_end(force=True)
            return
        self._stopping = True
        self._code = code or 0
        _shutdown.info("Shutting down...")
        self._manager.stopping()
        self._reloader.stop()
        self._crew.stop_replacing()
        self._sockets.close()
        self._order_end(force=False)
        self._reactor.after(self._settings.shutdown_timeout + GRACE, self._kill_all)
        if not self._crew.workers:
            self._over.set()

    def _order_end(self, *, force: bool) -> None:
        for worker in self._crew.workers:
            worker.send(control.Stop(force))
        if force:
            self._reactor.after(GRACE, self._kill_all)

    def _kill_all(self) -> None:
        for worker in self._crew.workers:
            worker.kill("killed, since it did not end in time")

    def _give_up(self) -> None:
        """Nothing could be loaded: end all that was started."""
        self._crew.stop_replacing()
        self._order_end(force=True)
        while self._crew.workers:
            self._crew.changed.clear()
            self._crew.changed.wait()
        self._finish()

    def _finish(self) -> None:
        self._reloader.stop()
        self._admin.abort()
        self._sockets.close()
        self._manager.close()
        self._reactor.flush()
        if self._stopping:
            _shutdown.info("Stopped.")

    # -- figures ----------------------------------------------------------------------------------------------------

    def _standing(self) -> Standing:
        """How the program is, without its workers; see ``Fleet``."""
        standing = Standing(__version__, os.getpid(), self._start.at, self._start.ago)
        if self._stopping:
            standing.state = "draining"
        elif self._version is None:
            standing.state, standing.reason = "starting", self._reloader.record.error
        elif not any(worker.generation for worker in self._crew.workers):
            standing.state, standing.reason = "failed", "no worker runs"
        standing.ports = [spelled(each.host, each.port) for each in self._sockets.addresses]
        standing.reload = self._reloader.record
        return standing
