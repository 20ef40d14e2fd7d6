"""One process: an isolate, a reactor on its thread, and the program that runs there.

The first thread keeps the signals and the watchdog. What happens on the reactor's thread is in ``Worker``.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipy_core import faults
from pipy_core.admin import Admin
from pipy_core.errors import LoadError, StartError
from pipy_core.logs import get_logger
from pipy_core.net.child import Child
from pipy_core.net.memory import memory_in_use, settle_memory
from pipy_core.net.outbound import Outbound
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.net.tasks import TaskRunner
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.isolate import FATAL_EXIT, HeapExhausted
from pipy_core.script.loading import load
from pipy_core.script.program import Program
from pipy_core.settings import Settings

#: Seconds that open connections are given to finish when the program is to end.
DRAIN_LIMIT: Final = 30.0
#: Memory of the whole process beyond which it is ended: V8 does not count ArrayBuffers, so a heap limit alone bounds no script.
MEMORY_LIMIT: Final = 4 * 1024 * 1024 * 1024

_log = get_logger("")
_shutdown = get_logger("shutdown")
_restart = get_logger("restart")


def run(settings: Settings, registry: Registry, hooks: Any) -> int:
    """Run the script until it is told to end.

    :param hooks: the hook relay of the plugin manager.
    :returns: the exit code.
    :raises LoadError: the script cannot be loaded.
    :raises StartError: a port cannot be opened.
    """
    script = Path(settings.script).absolute()
    os.chdir(script.parent)
    engine = Engine(registry, settings.heap_limit_mb * 1024 * 1024, settings.call_timeout)
    worker = Worker(settings, registry, hooks, engine, script)
    worker.on_tick()  # from the first line of the log on, Ctrl-C is an orderly end
    try:
        engine.isolate.run(worker.main, worker.on_tick)
    finally:
        engine.isolate.dispose()
    if worker.error is not None:
        raise worker.error
    return worker.exit_code


class Worker:
    """The program on the reactor's thread: loading, ports, tasks, signals, reload, the end."""

    turn: Any  # of the reactor, once it is there

    def __init__(self, settings: Settings, registry: Registry, hooks: Any, engine: Engine, script: Path) -> None:
        self.error: Exception | None = None
        self.exit_code = 0
        self._settings = settings
        self._registry = registry
        self._hooks = hooks
        self._engine = engine
        self._script = script
        self._program: Program | None = None
        self._tasks: list[TaskRunner] = []
        self._signal_tasks: dict[str, list[TaskRunner]] = {}
        self._signals: list[int] = []  # those that have come and are not dealt with
        self._wake: Any = None
        self._stopping = False
        self._signal_names = {"SIGINT", "SIGTERM", "SIGHUP"}

    # -- on the first thread ----------------------------------------------------------------------------------------

    def on_tick(self) -> None:
        """Called several times a second: what only the first thread can do."""
        for number in [getattr(signal, name) for name in list(self._signal_names)]:  # the other thread may be adding one
            if signal.getsignal(number) != self._on_signal:
                signal.signal(number, self._on_signal)
        if memory_in_use() > MEMORY_LIMIT:
            _log.error(f"the process uses more than {MEMORY_LIMIT >> 20} MB of memory: giving up")
            os._exit(FATAL_EXIT)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._signals.append(number)
        if self._wake is not None:
            self._wake.send()

    # -- on the reactor's thread ------------------------------------------------------------------------------------

    def main(self) -> None:
        """Start the program; the reactor goes on when this has returned."""
        self._reactor = Reactor(self.report)
        self.turn = self._reactor.turn
        self.connect = partial(Outbound, self._reactor)  # these are what it lends to programs: see ``program.Outside``
        self.spawn = partial(Child, self._reactor)
        self.after, self.now = self._reactor.after, self._reactor.now
        self._ports = Ports(self._reactor, reuse_port=self._settings.reuse_port)
        self._admin = Admin(self._reactor, self._registry, self._ports, self._engine, lambda: self._program)
        self._wake = self._reactor.loop.async_()
        self._wake.start(self._reactor.spawn, self._deal_with_signals)
        if self._signals:  # they came before there was anybody to wake
            self._wake.send()
        self._engine.host.add("pipy.restart", partial(self._reactor.soon, self.reload))
        self._engine.host.add("pipy.exit", self._exit_by_script)
        try:
            self._switch_to(self._load())
            if self._settings.verify:
                self._finish()
            elif self._settings.admin_address is not None:
                self._admin.open(self._settings.admin_address, self._hooks.pipy_register_pages)
        except (LoadError, StartError) as error:
            self.error = error
            self._finish()
        except HeapExhausted as error:
            self._give_up(error)

    def report(self, error: BaseException, where: str) -> None:
        """See ``Services.report``."""
        if isinstance(error, HeapExhausted):
            self._give_up(error)
        if self._program is not None:
            self._program.report(error, where)
        else:
            get_logger("bug").error(faults.render_bug(error, where))

    def _give_up(self, error: HeapExhausted) -> None:
        _log.error(f"{error}: --heap-limit={self._settings.heap_limit_mb} MB; the process ends")
        os._exit(FATAL_EXIT)

    def _load(self) -> Program:
        codebase = Codebase(self._script.parent)
        return load(self._engine, self._registry, codebase, f"/{self._script.name}", self, self._settings.load_timeout)

    def _switch_to(self, program: Program) -> None:
        """Open the ports of *program*, or none of them; then let it take over."""
        if self._settings.verify:
            return
        ports = {port.address: port for module in program.modules for port in module.ports}
        self._ports.take_over(ports, program)
        old, self._program = self._program, program
        self._start_tasks(program)
        if old is not None:
            old.retire()
        settle_memory()
        self._tell(self._hooks.pipy_started, ports=[f"{host}:{number}" for host, number in ports])

    def _tell(self, hook: Callable[..., Any], **news: Any) -> None:
        """Call a hook of the plugins: what one raises is logged and goes no further."""
        try:
            hook(**news)
        except Exception as error:  # noqa: BLE001  # a stranger's bug
            self.report(error, "plugin")

    def _start_tasks(self, program: Program) -> None:
        for runner in self._tasks:
            runner.stop()
        self._tasks = []
        self._signal_tasks = {}
        for task in [task for module in program.modules for task in module.tasks]:
            runner = TaskRunner(self._reactor, task.layout, task.interval, program.new_context)
            self._tasks.append(runner)
            if task.signal:
                self._signal_tasks.setdefault(task.signal, []).append(runner)
                self._signal_names.add(task.signal)
            else:
                self._reactor.spawn(runner.start)

    # -- signals ----------------------------------------------------------------------------------------------------

    def _deal_with_signals(self) -> None:
        while self._signals:
            name = signal.Signals(self._signals.pop(0)).name
            if name in self._signal_tasks:
                for task in self._signal_tasks[name]:
                    self._reactor.run(task.run)
            elif name == "SIGHUP":
                self.reload()
            elif name in ("SIGINT", "SIGTERM"):
                self.stop()

    def reload(self) -> None:
        """Load the script again; connections made from then on get the new one. If it fails the old one stays."""
        if self._stopping:
            return
        _restart.info("Reloading codebase...")
        try:
            self._switch_to(self._load())
        except LoadError as error:
            get_logger("pjs").error("\n".join(faults.render(error)))
            _restart.error("Failed reloading codebase")
        except StartError as error:
            get_logger("listener").error(str(error))
            _restart.error("Failed reloading codebase")
        except Exception as error:  # noqa: BLE001  # a bug of ours, or the heap is full: the old generation has to go on
            self.report(error, "reload")
        else:
            _restart.info("Codebase reloaded")

    def _exit_by_script(self, code: int = 0) -> None:
        self.exit_code = int(code)
        self._reactor.spawn(self.stop)

    def stop(self) -> None:
        """Close the ports, let connections finish within ``DRAIN_LIMIT``, end. A second time: end now, with exit code 1."""
        if self._stopping:
            _shutdown.info("Forcing to shut down...")
            self.exit_code = self.exit_code or 1
            self._finish()
            return
        self._stopping = True
        _shutdown.info("Shutting down...")
        for task in self._tasks:
            task.stop()
        self._admin.close()
        self._ports.close()
        self._ports.drain()
        self._deadline = self._reactor.now() + DRAIN_LIMIT
        self._await_connections()

    def _await_connections(self) -> None:
        left = self._ports.busy
        if left and self._reactor.now() < self._deadline:
            _shutdown.info(f"Waiting for remaining {left} connections...")
            self._reactor.after(1.0, lambda: self._reactor.spawn(self._await_connections))
        else:
            self._finish()

    def _finish(self) -> None:
        for task in self._tasks:
            task.stop()
        self._ports.abort()
        self._admin.abort()
        self._reactor.flush()
        self._tell(self._hooks.pipy_stopping)
        if self._stopping:
            _shutdown.info("Stopped.")
        self._engine.isolate.finish()
