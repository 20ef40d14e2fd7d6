"""Expressions in a real isolate with the globals of some plugins: for those that have natives, or host functions that matter."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import ScriptError
from pipy_core.events import Data
from pipy_core.filter import Filter
from pipy_core.kinds import ANY
from pipy_core.net.reactor import Reactor
from pipy_core.params import Param
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.loading import load

#: Seconds that a script may take; some have much to do, and machines may be slow.
CALL_TIMEOUT = 100.0


class Probe(Filter):
    """Carries a script function."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def process(self, event: Any) -> None:
        """Never used."""


class Stage(Reactor):
    """What a program is loaded into; no connections."""

    def connect(self, *_args: Any) -> Any:
        raise NotImplementedError

    spawn = connect


class Isolate:
    """What a story gets.

    :ivar engine: for what Python asks.
    """

    def __init__(self, engine: Engine, registry: Registry, folder: Path) -> None:
        self.engine = engine
        self.registry = registry
        self.folder = folder
        self.program: Any = None

    def load(self, *expressions: str, before: str = "") -> None:
        """A script whose functions give what *expressions* are.

        :param before: statements in front of them.
        """
        calls = "".join(f".call(() => {expression})" for expression in expressions)
        (self.folder / "main.js").write_text(f"(() => {{ {before}\nreturn pipy().pipeline('p'){calls} }})()", "utf-8")
        self.program = load(
            self.engine, self.registry, Codebase(Snapshot(self.folder, "/main.js")), "/main.js", self.stage, CALL_TIMEOUT
        )

    def call(self, index: int = 0, program: Any = None) -> Any:
        """What function number *index* gives now, as filters get it."""
        program = program or self.program
        probe = program.modules[0].pipelines["p"].uses[index].make()
        return program.call(program.new_context(), probe.function, ())

    def run(self, story: Any) -> None:
        """Run *story* with this isolate, on its thread."""
        failures: list[BaseException] = []

        def fail(error: BaseException, _where: str) -> None:
            failures.append(error)

        def main() -> None:
            self.stage = Stage(fail)
            try:
                story(self)
            except BaseException as error:  # noqa: BLE001  # it is raised again on the test's thread
                failures.append(error)
            self.engine.isolate.finish()

        self.engine.isolate.run(main, lambda: None)
        self.engine.isolate.dispose()
        if failures:
            raise failures[0]


def isolate(folder: Path, plugins: Sequence[ModuleType]) -> Isolate:
    """A new isolate with the globals of *plugins*; scripts are written to *folder*."""
    registry = Registry()
    registry.add_filter("call", Probe, [Param("function", ANY)], help="calls")
    for plugin in plugins:
        plugin.pipy_register_scripts(registry)
    return Isolate(Engine(registry, 128 << 20, CALL_TIMEOUT), registry, folder)


def evaluate(folder: Path, plugins: Sequence[ModuleType], expression: str, before: str = "") -> Any:
    """What *expression* gives, through JSON; an exception is raised as ``ScriptError``. Data comes as bytes."""
    results: list[Any] = []

    def story(here: Isolate) -> None:
        here.load(f"(value => value instanceof Data ? value : JSON.stringify([value]))({expression})", before=before)
        results.append(here.call())

    isolate(folder, plugins).run(story)
    (result,) = results
    return result.payload if isinstance(result, Data) else json.loads(result)[0]


__all__ = ["ScriptError", "evaluate", "isolate"]
