"""From the description of a script, as the configuration builder gives it, to a program of layouts. Every user mistake ends here.

Spec: model.md, 2 (modules, start sequence) and 3 (ports, tasks).
"""

from collections.abc import Sequence
from typing import Any

from pipy_core.context import Function
from pipy_core.drawing import draw
from pipy_core.errors import ArgumentError, LoadError, Place
from pipy_core.filter import Target
from pipy_core.kinds import Pipeline as PipelineName
from pipy_core.kinds import absent
from pipy_core.layout import Layout, Use
from pipy_core.logs import get_logger
from pipy_core.params import bind
from pipy_core.registry import FilterSpec, Registry
from pipy_core.script.codec import Codec
from pipy_core.script.declarations import LISTEN, TASK, check_listen, parse_port, parse_when
from pipy_core.script.engine import Engine
from pipy_core.script.fault import place_of
from pipy_core.script.host import Codebase
from pipy_core.script.program import Module, Outside, Port, Program, Task

_log = get_logger("config")


def load(
    engine: Engine,
    registry: Registry,
    codebase: Codebase,
    main: str,
    outside: Outside,
    budget: float,
    number: int = 0,
    *,
    tell: bool = True,
) -> Program:
    """Load the script *main* into a new program.

    :param budget: seconds the evaluation may take.
    :param number: of the program; the next one unless given.
    :param tell: draw it in the log, and warn of what is odd about it.
    :raises LoadError: with file, line, filter and argument where they are known.
    """
    program = Program(engine, codebase, outside, number)
    evaluated: list[str] = []
    try:
        described = engine.load(program.number, main, codebase, budget, evaluated.append)
        Loader(program, registry, engine.codec, described).build()
        by_path = {module.path: module for module in program.modules}
        for path in evaluated:
            _draw(by_path[path], tell)
    except LoadError:
        program.dispose()
        raise
    codebase.settle()
    if tell:
        _warn(program.modules)
    return program


def _draw(module: Module, tell: bool) -> None:
    roots = [(port.layout.name, port.layout) for port in module.ports] + [(task.name, task.layout) for task in module.tasks]
    try:
        lines = draw(module.path, roots, list(module.pipelines.values()))
    except ArgumentError as error:
        raise LoadError("Error", str(error), Place(module.path)) from None
    if tell:
        _log.info("\n".join(lines))


def _warn(modules: Sequence[Module]) -> None:
    """Tell of what is allowed, but hardly what the author meant."""
    addresses: set[tuple[str, int]] = set()
    for port in (port for module in modules for port in module.ports):
        if port.address in addresses:
            host, number = port.address
            _log.warning(f"Port {number} at {host} is declared more than once: the last declaration counts")
        addresses.add(port.address)
    if not any(module.ports or module.tasks for module in modules):
        _log.warning("The script has neither a port nor a task: nothing will happen until it is given one and loaded again")


class Loader:
    """Builds the layouts of one program."""

    def __init__(self, program: Program, registry: Registry, codec: Codec, described: list[dict[str, Any]]) -> None:
        self._program = program
        self._registry = registry
        self._codec = codec
        self._described = described
        self._modules: dict[str, Module] = {}

    def build(self) -> None:
        """Two passes: first every layout by name, then their filters, which may refer to any of them."""
        todo: list[tuple[Module, dict[str, Any], Layout]] = []
        for described in self._described:
            module = self._modules[described["path"]] = Module(described["path"], described["variables"])
            todo += [(module, sketch, self._open(module, sketch)) for sketch in described["layouts"]]
        for module, sketch, layout in todo:
            uses = tuple(self._use(module, use) for use in sketch["filters"])
            layout.complete(uses, self._program)
        for _, _, layout in todo:
            layout.look_ahead()
        self._program.modules = list(self._modules.values())

    # -- layouts ----------------------------------------------------------------------------------------------------

    def _open(self, module: Module, sketch: dict[str, Any]) -> Layout:
        kind = sketch["kind"]
        args = [self._value(argument) for argument in sketch["args"]]
        try:
            if kind == "listen":
                return self._listen(module, *bind([LISTEN], args))
            if kind == "task":
                return self._task(module, *bind([TASK], args))
        except ArgumentError as error:
            raise self._refuse(kind, error, sketch["at"]) from None
        layout = module.pipelines[args[0]] = Layout(args[0], module.path)
        return layout

    def _listen(self, module: Module, port: Any, settings: dict[str, Any]) -> Layout:
        host, number = parse_port(port)
        check_listen(settings)
        layout = Layout(f"Listen on {number} at {host}", module.path, "listen")
        if number:
            module.ports.append(Port((host, number), settings, layout))
        return layout

    def _task(self, module: Module, when: str) -> Layout:
        interval, signal_name = parse_when(when)
        number = len(module.tasks) + 1
        name = f"Task #{number} ({when})" if when else f"Task #{number}"
        layout = Layout(name, module.path, "task")
        module.tasks.append(Task(name, interval, signal_name, layout))
        return layout

    # -- filters ----------------------------------------------------------------------------------------------------

    def _use(self, module: Module, sketch: dict[str, Any]) -> Use:
        spec = self._registry.filter(sketch["name"])
        args = [self._value(argument, sketch["at"]) for argument in sketch["args"]]
        try:
            values = bind(spec.forms, args)
            targets: tuple[Target | None, ...] = ()
            if spec.loads_modules:
                values = [self._stages(args), _last_function(args)]
            else:
                values, targets = self._resolve(module, spec, args, values)
            make = spec.filter.prepare(*values)
        except ArgumentError as error:
            raise self._refuse(spec.name, error, sketch["at"]) from None
        label = spec.filter.label(spec.name, args)
        use = Use(spec.name, make, label, spec.filter.joins, targets, self._place(sketch["at"]))
        use.foresight = spec.filter.foresight(*values)
        return use

    def _resolve(
        self, module: Module, spec: FilterSpec, args: Sequence[Any], values: list[Any]
    ) -> tuple[list[Any], tuple[Target | None, ...]]:
        """Names of pipelines become the layouts they stand for."""
        kinds = pipeline_positions(spec, args, len(values))
        resolved = list(values)
        targets: list[Target | None] = []
        for position in kinds:
            name = values[position]
            if absent(name):
                continue
            target = module.pipelines.get(name) if name else None
            if target is None and name:
                raise PipelineNotFound(f"pipeline not found: {name}")
            resolved[position] = target
            targets.append(target)
        return resolved, tuple(targets)

    def _stages(self, args: Sequence[Any]) -> list[tuple[Target | None, Target | None]]:
        """The stages of ``use``: the named pipelines of each module (spec: model.md, 6)."""
        paths, name = args[0], args[1]
        down = args[2] if len(args) > 2 and isinstance(args[2], str) else None  # the third argument
        if isinstance(paths, str):
            target = self._modules[paths].pipelines.get(name)
            if target is None:
                raise PipelineNotFound(f"pipeline not found in module {paths}: {name}")
            return [(target, None)]
        found = [
            (self._modules[path].pipelines.get(name), self._modules[path].pipelines.get(down) if down is not None else None)
            for path in paths
        ]
        return [stage for stage in found if stage != (None, None)]

    # -- values and places ------------------------------------------------------------------------------------------

    def _value(self, sent: Any, at: str = "") -> Any:
        value = self._codec.value(sent)
        self._mark(value, at)
        return value

    def _mark(self, value: Any, at: str) -> None:
        """Functions know where they are given to a filter: for errors that have no place of their own."""
        if isinstance(value, Function):
            self._program.has_functions = True
            value.place = self._place(at)
        elif isinstance(value, dict):
            for element in value.values():
                self._mark(element, at)
        elif isinstance(value, list):
            for element in value:
                self._mark(element, at)

    def _place(self, at: str) -> Place:
        return place_of(at, self._program.codebase) or Place()

    def _refuse(self, name: str, error: ArgumentError, at: str) -> LoadError:
        if isinstance(error, PipelineNotFound):
            return LoadError("Error", str(error), self._place(at))
        return LoadError("TypeError", f"{name}: {error}", self._place(at))


class PipelineNotFound(ArgumentError):
    """A filter names a pipeline that does not exist."""


def pipeline_positions(spec: FilterSpec, args: Sequence[Any], count: int) -> list[int]:
    """Which of the *count* values of a call are names of pipelines."""
    for form in spec.forms:
        repeated = [param for param in form if param.variadic]
        params = list(form)
        while repeated and len(params) < count:
            params += repeated
        if len(params) >= len(args):
            positions = [index for index, param in enumerate(params[:count]) if isinstance(param.kind, PipelineName)]
            if all(isinstance(args[index], str) for index in positions if index < len(args)):
                return positions
    return []


def _last_function(args: Sequence[Any]) -> Function | None:
    return args[-1] if isinstance(args[-1], Function) else None
