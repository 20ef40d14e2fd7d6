"""The generations of the script in one process: one is loaded beside the running one, takes over or is abandoned, and ends.

A change has two steps, so that several processes can make it together: ``prepare`` may fail and changes nothing that runs;
``commit`` lets the new one take over. Knows neither signals nor other processes.
"""

import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pipy_core.admin.standing import Generation
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.net.opening import Address
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor, ReactorTimer
from pipy_core.net.tasks import TaskRunner
from pipy_core.script.program import Port, Program

#: Seconds between two looks at whether an older generation has ended.
LOOK_EVERY: Final = 1.0
_NO_SOCKETS: Final[Mapping[Address, socket.socket]] = {}

#: Evaluates a script: the program, or a ``LoadError``. Gets the number of the program, and whether to tell of it in the log.
Load = Callable[[Snapshot, int, bool], Program]


@dataclass
class Running:
    """A program that has taken over.

    :ivar deadline: when it must have ended, once another one has taken over. :ivar retired: whether the program knows that.
    """

    program: Program
    version: str
    loaded_at: float
    deadline: float = 0.0
    retired: bool = False


class Generations:
    """See the module.

    :param load: evaluates a script. :param drain_timeout: seconds that connections of older generations are given.
    :ivar current: the program that runs, if any. :ivar signals: names of the signals that its tasks wait for.
    """

    def __init__(self, reactor: Reactor, ports: Ports, load: Load, drain_timeout: float) -> None:
        self._reactor = reactor
        self._ports = ports
        self._load = load
        self._drain_timeout = drain_timeout
        self._number = 0
        self._prepared: tuple[Program, str] | None = None
        self._running: list[Running] = []  # the oldest first; the last one is the current one
        self._tasks: list[TaskRunner] = []
        self._signal_tasks: dict[str, list[TaskRunner]] = {}
        self._look: ReactorTimer | None = None

    @property
    def current(self) -> Program | None:
        """The program that new connections get."""
        return self._running[-1].program if self._running else None

    # -- the two steps ----------------------------------------------------------------------------------------------

    def prepare(self, snapshot: Snapshot, number: int = 0, *, tell: bool = True) -> Program:
        """Load a script beside what runs. What was prepared before is abandoned.

        :param number: of the generation; the next one unless given.
        :param tell: show it in the log.
        :raises LoadError: it cannot be loaded; nothing has changed.
        """
        self.abandon()
        self._number = number or self._number + 1
        program = self._load(snapshot, self._number, tell)
        self._prepared = program, snapshot.version
        return program

    def commit(self, sockets: Mapping[Address, socket.socket] = _NO_SOCKETS) -> list[Address]:
        """Let what was prepared take over; give the addresses that are listened on.

        :param sockets: see ``Ports.take_over``.
        :raises StartError: a port cannot be opened; then nothing has changed, and what was prepared is abandoned.
        """
        assert self._prepared is not None
        program, version = self._prepared
        ports = openings(program)
        try:
            self._ports.take_over(ports, program, sockets)
        except BaseException:
            self.abandon()
            raise
        self._prepared = None
        if self._running:
            self._running[-1].deadline = self._reactor.now() + self._drain_timeout
        self._running.append(Running(program, version, time.time()))
        self._start_tasks(program)
        self._forget_ended()
        return list(ports)

    def abandon(self) -> None:
        """Forget what was prepared."""
        if self._prepared is not None:
            self._prepared[0].dispose()
            self._prepared = None

    # -- tasks ------------------------------------------------------------------------------------------------------

    @property
    def signals(self) -> list[str]:
        """Names of the signals that tasks of the current program wait for."""
        return list(self._signal_tasks)

    def signalled(self, name: str) -> bool:
        """Run the tasks that wait for the signal *name*; whether there are any."""
        for task in self._signal_tasks.get(name, ()):
            self._reactor.run(task.run)
        return name in self._signal_tasks

    def stop_tasks(self) -> None:
        """Cut all runs of tasks, and run no more."""
        for runner in self._tasks:
            runner.stop()
        self._tasks = []
        self._signal_tasks = {}

    def _start_tasks(self, program: Program) -> None:
        self.stop_tasks()
        for task in [task for module in program.modules for task in module.tasks]:
            runner = TaskRunner(self._reactor, task.layout, task.interval, program.new_context)
            self._tasks.append(runner)
            if task.signal:
                self._signal_tasks.setdefault(task.signal, []).append(runner)
            else:
                self._reactor.spawn(runner.start)

    # -- older ones -------------------------------------------------------------------------------------------------

    def listing(self) -> list[Generation]:
        """All that run or have connections, the oldest first."""
        open_connections = self._ports.generations
        last = len(self._running) - 1
        return [
            Generation(
                each.program.number,
                each.version,
                "running" if index == last else "draining",
                each.loaded_at,
                open_connections[each.program.number],
            )
            for index, each in enumerate(self._running)
            if index == last or open_connections[each.program.number]
        ]

    def _forget_ended(self) -> None:
        """Cut the connections of those whose time is over; go on looking while there are any."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        *older, current = self._running
        for each in older:
            if self._reactor.now() >= each.deadline:
                self._ports.cut(each.program.number)
        open_connections = self._ports.generations
        accepting = self._ports.accepting
        for each in older:
            if not each.retired and each.program.number not in accepting:
                each.retired = True
                each.program.retire()
        older = [each for each in older if open_connections[each.program.number] or not each.retired]
        self._running = [*older, current]
        if older:
            due = min(each.deadline for each in older) - self._reactor.now()
            self._look = self._reactor.after(min(max(due, 0.01), LOOK_EVERY), self._forget_ended)


def openings(program: Program) -> dict[Address, Port]:
    """What *program* listens on, by address: the last declaration counts."""
    return {port.address: port for module in program.modules for port in module.ports}


def signals_of(program: Program) -> list[str]:
    """Names of the signals that tasks of *program* wait for; all of them exist here."""
    names = {task.signal for module in program.modules for task in module.tasks if task.signal}
    return sorted(name for name in names if hasattr(signal, name))
