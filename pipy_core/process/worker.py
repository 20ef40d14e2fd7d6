"""One process that runs a script: an isolate, a reactor on its thread, and the generations of the program that run there.

The first thread keeps the signals and the watchdog, see ``first_thread``. What happens on the reactor's thread is in ``Worker``.
Who tells it what to load and when to end is a ``Conductor``: a program of one process decides for itself, otherwise a supervisor
does.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from socket import socket
from typing import Any, Final, NoReturn

from pipy_core import faults
from pipy_core.admin.standing import WorkerStatus
from pipy_core.codebase.location import is_url
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import LoadError, PipyError
from pipy_core.limits import Limits
from pipy_core.logs import get_logger
from pipy_core.net.access import AccessLog
from pipy_core.net.child import Child
from pipy_core.net.memory import MemoryWatch, memory_in_use, settle_memory
from pipy_core.net.opening import Address
from pipy_core.net.outbound import Outbound
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.pages import Source
from pipy_core.process.collected import Figures
from pipy_core.process.conductor import Conductor
from pipy_core.process.first_thread import FirstThread
from pipy_core.process.generations import Generations
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.isolate import FATAL_EXIT, HeapExhausted
from pipy_core.script.loading import load
from pipy_core.script.program import Program
from pipy_core.settings import Settings

#: Seconds between two looks at what is left of the connections when the program is to end.
LOOK_AGAIN: Final = 0.05
_NO_SOCKETS: Final[Mapping[Address, socket]] = {}

_log = get_logger("")
_shutdown = get_logger("shutdown")


def run(settings: Settings, registry: Registry, hooks: Any, conduct: Callable[["Worker"], Conductor]) -> int:
    """Run a worker until it is told to end.

    :param hooks: the hook relay of the plugin manager.
    :param conduct: makes its conductor.
    :returns: the exit code.
    :raises PipyError: the script cannot be loaded, or a port cannot be opened.
    """
    engine = Engine(registry, settings.heap_limit_mb * 1024 * 1024, settings.call_timeout, engine=settings.engine)
    worker = Worker(settings, registry, hooks, engine, conduct)
    worker.first_thread.on_tick()  # from the first line of the log on, Ctrl-C is an orderly end
    try:
        engine.isolate.run(worker.main, worker.first_thread.on_tick)
    finally:
        engine.isolate.dispose()
    if worker.error is not None:
        raise worker.error
    return worker.exit_code


class Worker:
    """The process on the reactor's thread: what it has, how a program takes over, the end.

    :ivar turn, book: of the reactor, once it is there. :ivar sources: what gives figures of plugins.
    """

    turn: Any
    book: Any
    limits: Limits

    def __init__(
        self, settings: Settings, registry: Registry, hooks: Any, engine: Engine, conduct: Callable[["Worker"], Conductor]
    ) -> None:
        self.error: PipyError | None = None
        self.exit_code = 0
        self.settings = settings
        self.limits = settings.limits
        self.registry = registry
        self.hooks = hooks
        self.stopping = False
        self.engine = engine
        self._conduct = conduct
        self._conductor: Conductor | None = None
        self.first_thread = FirstThread(MemoryWatch(settings.limits, settings.threads))
        self.sources: list[Source] = []

    def main(self) -> None:
        """Start the program; the reactor goes on when this has returned."""
        self.reactor = Reactor(self.report, self.settings.limits)
        self.turn = self.reactor.turn
        self.connect = partial(Outbound, self.reactor)  # these are what it lends to programs: see ``program.Outside``
        self.spawn = partial(Child, self.reactor)
        self.after, self.now, self.book = self.reactor.after, self.reactor.turn.now, self.reactor.book
        self.ports = Ports(self.reactor, reuse_port=self.settings.reuse_port, sharers=self.settings.threads)
        self.generations = Generations(self.reactor, self.ports, self._load, self.settings.drain_timeout)
        self.figures = Figures(
            self.reactor, self.ports, self.engine, lambda: self.generations.current, self.sources, self.registry.figures()
        )
        conductor = self._conductor = self._conduct(self)
        wake = self._wake = self.reactor.loop.async_()
        wake.start(self.reactor.spawn, self._deal_with_signals)
        self.first_thread.attach(wake.send)
        self.engine.host.add("pipy.restart", partial(self.reactor.soon, conductor.restart))
        self.engine.host.add("pipy.exit", self._exit)
        try:
            self._log_requests()
            conductor.begin()
        except PipyError as error:
            self.error = error
            self.finish()

    def _log_requests(self) -> None:
        settings = self.settings
        if settings.request_log:
            log = AccessLog(self.reactor, settings.request_log, settings.access_log_file)
            self.book.log_requests(log.write)

    def _exit(self, code: int = 0) -> None:
        assert self._conductor is not None
        self.reactor.spawn(self._conductor.exit, int(code))

    def report(self, error: BaseException, where: str) -> None:
        """See ``Services.report``."""
        if isinstance(error, HeapExhausted):
            self._give_up(error)
        program = self.generations.current
        if program is not None:
            program.report(error, where)
        else:
            get_logger("bug").error(faults.render_bug(error, where))

    def _give_up(self, error: HeapExhausted) -> NoReturn:
        _log.error(f"{error}: --heap-limit={self.settings.heap_limit_mb} MB; the process ends")
        os._exit(FATAL_EXIT)

    def tell(self, hook: Callable[..., Any], **news: Any) -> None:
        """Call a hook of the plugins: what one raises is logged and goes no further."""
        try:
            hook(**news)
        except Exception as error:  # noqa: BLE001  # a stranger's bug
            self.report(error, "plugin")

    # -- the program ------------------------------------------------------------------------------------------------

    def _load(self, snapshot: Snapshot, number: int, tell: bool) -> Program:
        if not is_url(self.settings.script):  # a copy of a remote codebase may be removed, with its directory
            self._enter(snapshot)
        codebase = Codebase(snapshot, recording=not snapshot.pinned)
        timeout = self.settings.load_timeout
        try:
            return load(self.engine, self.registry, codebase, snapshot.main, self, timeout, number, tell=tell)
        except HeapExhausted as error:
            self._give_up(error)

    def _enter(self, snapshot: Snapshot) -> None:
        try:
            os.chdir(snapshot.root)
        except OSError as error:
            text = f"cannot use the directory {snapshot.root}: {error.strerror}"
            if not snapshot.pinned:
                raise LoadError("Error", text) from None
            _log.warning(
                f"{text}; the files that the script was loaded from are known, others are not found"
            )  # as a release removed

    def take_over(self, sockets: Mapping[Address, socket] = _NO_SOCKETS) -> None:
        """Let the prepared program run; see ``Generations.commit``."""
        addresses = self.generations.commit(sockets)
        self.first_thread.expect(self.generations.signals)
        settle_memory()
        self.tell(self.hooks.pipy_started, ports=[f"{host}:{number}" for host, number in addresses])

    def _deal_with_signals(self) -> None:
        assert self._conductor is not None
        for name in self.first_thread.signals():
            self._conductor.signalled(name)

    def status(self, number: int = 1) -> WorkerStatus:
        """How this worker is; *number* is which one it is."""
        listing = self.generations.listing()
        running = "shedding" if self.reactor.limits.load.memory_short else "running"
        state = "draining" if self.stopping else running if listing else "starting"
        connections = sum(each.connections for each in listing)
        return WorkerStatus(number, os.getpid(), state, connections, memory_in_use(), 1, self.figures.lag, listing)

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self, code: int | None = None) -> None:
        """Close the ports, let connections finish within the time that is set, end. A second time: end now, with exit code 1.

        :param code: the exit code, unless this is the second time.
        """
        if self.stopping:
            self.exit_code = self.exit_code or 1
            self.finish()
            return
        self.stopping = True
        if code is not None:
            self.exit_code = code
        self.generations.stop_tasks()
        self.ports.close()
        self.ports.drain()
        self._deadline = self.reactor.now() + self.settings.shutdown_timeout
        self._await_connections(self.reactor.now())

    def _await_connections(self, report: float) -> None:
        """Look again and again whether all is done; say once a second, from *report* on, what is waited for."""
        now = self.reactor.now()
        if self.ports.ended or now >= self._deadline:
            self.finish()
            return
        if now >= report and self.ports.busy:
            _shutdown.info(f"Waiting for remaining {self.ports.busy} connections...")
            report = now + 1.0
        self.reactor.after(LOOK_AGAIN, lambda: self.reactor.spawn(self._await_connections, report))

    def finish(self) -> None:
        """Cut what is left, and end."""
        self.generations.stop_tasks()
        if self.stopping and self.ports.busy:
            _shutdown.warning(f"{self.ports.busy} connections had to be cut")
        self.ports.abort()
        if self._conductor is not None:
            self._conductor.finish()
        self.reactor.flush()
        self.tell(self.hooks.pipy_stopping)
        self.engine.isolate.finish()
