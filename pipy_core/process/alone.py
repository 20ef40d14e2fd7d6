"""A program of one process: the conductor of its only worker, and what else such a program has: its admin port, its supervisor.

See ``conductor``.
"""

import os
from collections.abc import Mapping
from socket import socket
from typing import Any, Final

from pipy_core import __version__
from pipy_core.admin.port import Admin
from pipy_core.admin.standing import Standing, Start, figures_of
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.source import Source
from pipy_core.figures import Family, merge
from pipy_core.kit.address import spelled
from pipy_core.logs import get_logger
from pipy_core.net.inherited import warn_of_unused
from pipy_core.net.notify import Notifier
from pipy_core.net.opening import Address
from pipy_core.process.generations import openings
from pipy_core.process.reloading import Reloader
from pipy_core.process.worker import Worker
from pipy_core.process.worker import run as run_worker
from pipy_core.registry import Registry
from pipy_core.settings import Settings

_listener: Final = get_logger("listener")
_shutdown: Final = get_logger("shutdown")


def run(
    settings: Settings, registry: Registry, hooks: Any, source: Source, manager: Notifier, sockets: Mapping[Address, socket]
) -> int:
    """Run the script in this process until it is told to end.

    :param manager: the manager of services that has started the program.
    :param sockets: listening sockets that it has opened for us.
    :returns: the exit code.
    :raises PipyError: the script cannot be loaded, or a port cannot be opened.
    """
    return run_worker(settings, registry, hooks, lambda worker: Alone(worker, source, manager, sockets))


class Alone:
    """The conductor, and the ``Instance`` of the admin port."""

    def __init__(self, worker: Worker, source: Source, manager: Notifier, sockets: Mapping[Address, socket]) -> None:
        self._worker = worker
        self._manager = manager
        self._sockets = sockets
        self._start = Start()
        self._reloader = Reloader(worker.reactor, source, self._switch, manager.reloading, self.status)
        self._admin = Admin(worker.reactor, worker.registry, worker.settings, self)

    # -- as conductor -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """See ``Conductor``."""
        worker = self._worker
        self._manager.start(worker.reactor)
        running = self._reloader.start()
        if worker.settings.verify:
            worker.finish()
            return
        if worker.stopping:  # it came to its end while the files were read
            return
        if worker.settings.admin_address is not None:
            self._admin.open(worker.settings.admin_address, worker.hooks.pipy_register_pages)
        worker.sources += self._admin.pages.sources
        if running:
            self._manager.ready()

    def signalled(self, name: str) -> None:
        """See ``Conductor``."""
        if self._worker.generations.signalled(name):
            return
        if name == "SIGHUP":
            self.restart()
        elif name in ("SIGINT", "SIGTERM"):
            self._stop(None)

    def restart(self) -> None:
        """See ``Conductor``."""
        self._reloader.request()

    def exit(self, code: int) -> None:
        """See ``Conductor``."""
        self._stop(code)

    def finish(self) -> None:
        """See ``Conductor``."""
        self._reloader.stop()
        self._admin.abort()
        self._manager.close()
        if self._worker.stopping:
            _shutdown.info("Stopped.")

    # -- steps ------------------------------------------------------------------------------------------------------

    def _switch(self, snapshot: Snapshot) -> None:
        worker = self._worker
        program = worker.generations.prepare(snapshot)
        if worker.settings.verify:
            return
        wanted = openings(program).keys()
        # Copies: a port that one generation closes may be wanted again by a later one, and whoever opened it keeps it.
        ours = wanted & self._sockets.keys()
        ours -= {listener.address for listener in worker.ports.listeners if listener.is_open}
        worker.take_over({address: self._sockets[address].dup() for address in ours})
        for host, port in ours:
            _listener.info(f"Listening on port {port} at {host}, which was opened by who started us")
        warn_of_unused(self._sockets, wanted)

    def _stop(self, code: int | None) -> None:
        if not self._worker.stopping:
            _shutdown.info("Shutting down...")
            self._manager.stopping()
            self._reloader.stop()
        else:
            _shutdown.info("Forcing to shut down...")
        self._worker.stop(code)

    # -- as Instance ------------------------------------------------------------------------------------------------

    def figures(self) -> list[Family]:
        """See ``Instance``."""
        return merge([self._worker.figures.collect(), figures_of(self.status())])

    def status(self) -> dict[str, Any]:
        """See ``Instance``."""
        worker = self._worker.status()
        standing = Standing(__version__, os.getpid(), self._start.at, self._start.ago, worker.state)
        standing.workers = [worker]
        standing.reload = self._reloader.record
        program = self._worker.generations.current
        standing.ports = [spelled(*address) for address in openings(program)] if program is not None else []
        return standing.document()
