"""One loaded generation of a script: its modules' layouts, its tasks and ports, and what its pipelines may ask of the worker.

Two dialects can end here: whoever builds a description of layouts like that of ``runtime/program.js`` gets a program.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pipy_core import faults
from pipy_core.context import Context, Function, ScriptDict, ScriptList
from pipy_core.counters import Book
from pipy_core.errors import ScriptError
from pipy_core.filter import Branch, Emit, Timer
from pipy_core.layout import Layout
from pipy_core.limits import Limits
from pipy_core.logs import get_logger
from pipy_core.script.engine import Engine
from pipy_core.script.fault import Fault
from pipy_core.script.host import Codebase
from pipy_core.script.isolate import HeapExhausted
from pipy_core.turn import Turn

_log = get_logger("pjs")
_bugs = get_logger("bug")
_generations: Final = itertools.count(1)


class Outside(Protocol):
    """What the rooms with sockets and clocks lend to a program."""

    turn: Turn
    book: Book
    limits: Limits

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Branch:
        """See ``Host.connect``."""

    def spawn(self, arguments: Sequence[str], options: Any, reply: Emit, exited: Callable[[int], None]) -> Branch:
        """See ``Host.spawn``."""

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """See ``Services.after``."""

    def now(self) -> float:
        """See ``Host.now``."""


@dataclass
class Port:
    """A ``listen``: where, how, and what runs there."""

    address: tuple[str, int]
    options: dict[str, Any]
    layout: Layout


@dataclass
class Task:
    """A ``task``: when (seconds between runs, a signal's name, or neither: once), and what runs then."""

    name: str
    interval: float
    signal: str
    layout: Layout


@dataclass
class Module:
    """One file of the script.

    :ivar variables: those it declares or imports, by name, with their TypeScript types.
    """

    path: str
    variables: dict[str, str] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    pipelines: dict[str, Layout] = field(default_factory=dict)


class Program:
    """A generation. As ``Services`` it is what its pipelines see of the worker.

    :ivar number: which generation it is; no two in one engine have the same.
    :ivar has_functions: whether any filter has a script function; without one no context ever reaches the isolate.
    """

    def __init__(self, engine: Engine, codebase: Codebase, outside: Outside, number: int = 0) -> None:
        self.number = number or next(_generations)
        self.codebase = codebase
        self.modules: list[Module] = []
        self.has_functions = False
        self.turn = outside.turn
        self.book = outside.book
        self._limits = outside.limits
        self.connect = outside.connect
        self.spawn = outside.spawn
        self.after = outside.after
        self.now = outside.now
        self._engine = engine
        self._live = 0  # contexts that the isolate knows or will know
        self.retired = False

    def new_context(self, inbound: tuple[Any, ...] | None = None) -> Context:
        """The context of a new connection or task run.

        :param inbound: id, remote address and port, local address and port, on transparent ports those of the original
            destination; None in tasks.
        """
        if self.has_functions:
            self._live += 1
            context = self._engine.contexts.new(self.number, inbound, self._release)
        else:
            context = self._engine.contexts.idle(inbound)
        context.group.limits = self._limits
        return context

    def gone(self, context: Context) -> None:
        """The connection of *context* is closed."""
        if self.has_functions:
            self._engine.contexts.gone(context)

    def layouts(self) -> Iterator[Layout]:
        """All of them."""
        for module in self.modules:
            yield from (port.layout for port in module.ports)
            yield from (task.layout for task in module.tasks)
            yield from module.pipelines.values()

    def retire(self) -> None:
        """A newer generation has taken over: when the last connection of this one has ended the script may forget it."""
        self.retired = True
        if not self._live:
            self.dispose()

    def dispose(self) -> None:
        """Nothing of this generation runs any more."""
        self._engine.contexts.forget(self.number)

    def _release(self, number: int) -> None:
        self._live -= 1
        self._engine.contexts.drop(number)
        if self.retired and not self._live:
            self.dispose()

    # -- as Services ------------------------------------------------------------------------------------------------

    def call(
        self, context: Context, function: Function, args: tuple[Any, ...], ahead: tuple[Function, ...] = (), plain: bool = False
    ) -> Any:
        """See ``Services``."""
        self._engine.host.codebase = self.codebase
        self.turn.lapse()
        try:
            return self._engine.call(self.number, context, function, args, ahead, plain)
        except Fault as fault:
            raise fault.placed(self.codebase, function.place) from None

    def clone_context(self, context: Context) -> Context:
        """See ``Services``."""
        if self.has_functions:
            self._live += 1
            return self._engine.contexts.clone(context, self._release)
        return self._engine.contexts.idle(context.inbound, context.group)

    def fork_contexts(self, context: Context, module: str, initializers: Any) -> list[Context]:
        """See ``Services``."""
        function = initializers.number if isinstance(initializers, Function) else -1
        constant = initializers.number if isinstance(initializers, ScriptDict | ScriptList) else -1
        if function < 0 and not self.has_functions:
            count = len(initializers) if isinstance(initializers, ScriptList) else 1
            return [self._engine.contexts.idle(context.inbound, context.group) for _ in range(count)]
        self._engine.host.codebase = self.codebase
        self.turn.lapse()
        try:
            contexts = self._engine.fork_contexts(context, self.number, module, function, constant, self._release)
        except Fault as fault:
            raise fault.placed(self.codebase) from None
        self._live += len(contexts)
        return contexts

    def report(self, error: BaseException, where: str) -> None:
        """See ``Services``."""
        if isinstance(error, HeapExhausted):
            raise error  # it is not this stream's alone: whoever runs the turn ends the process
        if isinstance(error, ScriptError):
            _log.error("\n".join(faults.render(error)))
        else:
            _bugs.error(faults.render_bug(error, where))
