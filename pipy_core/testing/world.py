"""What stands in for a worker in tests: Python functions for a script's, dictionaries for contexts, a clock that the test turns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, NoReturn, TypeAlias, cast

import structlog
from structlog.testing import capture_logs

from pipy_core.context import Context, Function, Group
from pipy_core.errors import ScriptError
from pipy_core.filter import Emit, Filter, Make
from pipy_core.layout import Layout, Use
from pipy_core.limits import DEFAULTS
from pipy_core.registry import FilterSpec, Registry
from pipy_core.testing.clock import FakeClock
from pipy_core.testing.far import Child, Outbound, Process
from pipy_core.turn import Turn, Valve

#: A filter class, a filter class and its arguments, or a function that makes instances.
Stage: TypeAlias = type[Filter] | tuple[Any, ...] | Callable[[], Filter]

_CALLABLES: Final = (FunctionType, MethodType, BuiltinFunctionType, partial)
_TAGS: Final = {"debug": "DBG", "info": "INF", "warning": "WRN", "error": "ERR"}


@dataclass(frozen=True)
class _Sketch:
    name: str
    stages: Sequence[Stage] | None


def target(name: str, stages: Sequence[Stage] | None = None) -> Any:
    """A sub-pipeline, as an argument of a filter under test.

    :param stages: what it is made of; an empty list passes everything. Unless given, the test plays it: see ``Tape.child``.
    """
    return _Sketch(name, stages)


def throws(kind: str = "TypeError", message: str = "thrown by the test") -> Callable[..., NoReturn]:
    """A script function that throws, as an argument of a filter under test."""

    def throw(*_args: Any) -> NoReturn:
        raise ScriptError(kind, message)

    return throw


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines logged meanwhile, such as ``[ERR] [filter] not an Event object``. The list is filled when the block ends."""
    lines: list[str] = []
    usual = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))  # whatever level the process is set to
    try:
        with capture_logs() as entries:
            yield lines
    finally:
        structlog.configure(wrapper_class=usual)
    lines += [f"[{_TAGS[entry['log_level']]}] [{entry['component']}] {entry['event']}" for entry in entries]


def declared(plugin: Any, name: str) -> FilterSpec:
    """What a plugin module declares of its filter *name*; use it with ``pipy_core.params.bind`` to test forms of a call."""
    registry = Registry()
    plugin.pipy_register_filters(registry)
    return registry.filter(name)


class World(FakeClock):
    """The fake ``Services`` that all tapes of one test share.

    :ivar limits: what applies to contexts that are made from now on.
    :ivar variables: the script variables of each context, by its number.
    :ivar current: those of the context in which a script function is being called.
    :ivar reports: errors that ended a stream, as yet unasserted.
    :ivar children: every scripted sub-pipeline in the order they were joined.
    :ivar outbounds: every outbound connection in the order they were asked for.
    :ivar processes: every child process in the order they were asked for. :ivar cannot_spawn: raised instead of running one.
    :ivar valves: closed valves that the reader of the last turn waits for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turn = Turn(self._flush)
        self.limits = DEFAULTS
        self.variables: dict[int, dict[str, Any]] = {}
        self.current: dict[str, Any] = {}
        self.reports: list[BaseException] = []
        self.children: list[Child] = []
        self.outbounds: list[Outbound] = []
        self.processes: list[Process] = []
        self.cannot_spawn: Exception | None = None
        self.valves: list[Valve] = []
        self.main: Any = None  # the first pipeline: where an error goes that no filter of ours has raised
        self._functions: list[Callable[..., Any]] = []
        self._targets: dict[str, Layout] = {}

    # -- what tests ask for -----------------------------------------------------------------------------------------

    def function(self, function: Callable[..., Any]) -> Function:
        """*function* as filters get a function of the script."""
        self._functions.append(function)
        return Function(len(self._functions) - 1)

    def context(self, variables: dict[str, Any] | None = None, inbound: Any = None, group: Group | None = None) -> Context:
        """A new context with these variables."""
        number = len(self.variables) + 1
        self.variables[number] = dict(variables or {})
        if group is None:
            group = Group()
            group.limits = self.limits
        return Context(number, group, inbound, lambda _number: None)

    def layout(self, stages: Sequence[Stage], name: str = "main") -> Layout:
        """A pipeline made of *stages*."""
        layout = Layout(name, "/test.js")
        layout.complete(tuple(Use(f"stage {number}", self._make(stage)) for number, stage in enumerate(stages)), self)
        return layout

    def argument(self, value: Any) -> Any:
        """*value* as the filter gets it: Python functions, ``target``s, and what contains them, replaced."""
        if isinstance(value, _Sketch):
            return self._target(value)
        if isinstance(value, _CALLABLES):
            return self.function(value)
        if type(value) in (list, tuple):
            return type(value)(self.argument(element) for element in value)
        if type(value) is dict:
            return {name: self.argument(element) for name, element in value.items()}
        return value

    def _flush(self) -> None:
        self.turn.flush()

    def finish(self) -> None:
        """End the turn. There is no other one to wait for: it is flushed at once."""
        self.valves = self.turn.finish()

    # -- as Services ------------------------------------------------------------------------------------------------

    def call(
        self, context: Context, function: Function, args: tuple[Any, ...], ahead: tuple[Function, ...] = (), plain: bool = False
    ) -> Any:
        """Call the Python function; ``current`` are the variables meanwhile. What is ahead is called when it is asked for."""
        before, self.current = self.current, self.variables[context.number]
        try:
            return self._functions[function.number](*args)
        finally:
            self.current = before

    def clone_context(self, context: Context) -> Context:
        """A copy of the variables as they are now, in the same group."""
        return self.context(self.variables[context.number], context.inbound, context.group)

    def fork_contexts(self, context: Context, module: str, initializers: Any) -> list[Context]:
        """One clone per element, with the element's items assigned if it is a dict."""
        if isinstance(initializers, Function):
            initializers = self.call(context, initializers, ())
            if not isinstance(initializers, list):
                raise TypeError("invalid initializer list")
        clones = []
        for element in initializers if isinstance(initializers, list) else [initializers]:
            clones.append(self.clone_context(context))
            if isinstance(element, dict):
                self.variables[clones[-1].number].update(element)
        return clones

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Outbound:
        """Remember that it was asked for."""
        self.outbounds.append(Outbound(address, options, reply, self.main, self.finish))
        return self.outbounds[-1]

    def spawn(self, arguments: Sequence[str], options: Any, reply: Emit, exited: Callable[[int], None]) -> Process:
        """Remember that it was asked for."""
        if self.cannot_spawn is not None:
            raise self.cannot_spawn
        self.processes.append(Process(arguments, options, reply, exited, self.main, self.finish))
        return self.processes[-1]

    def report(self, error: BaseException, where: str) -> None:
        """Remember it."""
        self.reports.append(error)

    # -- inner ------------------------------------------------------------------------------------------------------

    def _make(self, stage: Stage) -> Make:
        parts: tuple[Any, ...] = stage if isinstance(stage, tuple) else (stage,)
        if not isinstance(parts[0], type):
            return cast(Make, stage)
        make: Make = parts[0].prepare(*(self.argument(part) for part in parts[1:]))  # type: ignore[attr-defined]  # a Filter class
        return make

    def _target(self, sketch: _Sketch) -> Layout:
        if sketch.name not in self._targets:
            stages: Sequence[Stage] = [partial(self._join, sketch.name)] if sketch.stages is None else sketch.stages
            self._targets[sketch.name] = self.layout(stages, sketch.name)
        return self._targets[sketch.name]

    def _join(self, name: str) -> Child:
        self.children.append(Child(name, self.finish))
        return self.children[-1]
