"""A script function in a real isolate, for properties of what scripts are offered."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import Function
from pipy_core.errors import ScriptError
from pipy_core.filter import Filter
from pipy_core.kinds import FUNCTION
from pipy_core.limits import DEFAULTS
from pipy_core.net.reactor import Reactor
from pipy_core.params import Param
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.loading import load

HEAP = 256 << 20


class _Probe(Filter):
    """Carries a script function."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def process(self, event: Any) -> None:
        """Never used."""


class _Outside:
    """What a program is loaded into: a clock, and nothing else."""

    limits = DEFAULTS

    def __init__(self) -> None:
        reactor = Reactor(_report)
        self.turn, self.after, self.now, self.book = reactor.turn, reactor.after, reactor.now, reactor.book

    def connect(self, *_args: Any) -> Any:
        """No property opens a connection."""
        raise NotImplementedError

    def spawn(self, *_args: Any) -> Any:
        """Nor runs a child process."""
        raise NotImplementedError


def _report(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


class Script:
    """Functions of a script, by name, with the globals of some plugins; they can be called while ``run`` runs.

    :param plugins: modules with ``pipy_register_scripts``.
    :param functions: JavaScript, by name.
    """

    def __init__(self, plugins: list[ModuleType], **functions: str) -> None:
        self._plugins = plugins
        self._functions = functions
        self._call: Callable[..., Any] | None = None

    def __call__(self, name: str, *args: Any) -> Any:
        """What the function *name* gives.

        :raises ScriptError: it threw.
        """
        assert self._call is not None, "the script does not run"
        return self._call(name, args)

    def run(self, story: Callable[[], None]) -> None:
        """Run *story* on the isolate's thread; what it raises is raised."""
        registry = Registry()
        registry.add_filter("call", _Probe, [Param("function", FUNCTION)], help="carries a function")
        for plugin in self._plugins:
            plugin.pipy_register_scripts(registry)
        failures: list[BaseException] = []
        with tempfile.TemporaryDirectory() as folder:
            calls = "".join(f"\n  .call({function})" for function in self._functions.values())
            (Path(folder) / "main.js").write_text(f"pipy().pipeline('p'){calls}", "utf-8")
            engine = Engine(registry, HEAP, 5.0)

            def program() -> None:
                try:
                    loaded = load(engine, registry, Codebase(Snapshot(Path(folder), "/main.js")), "/main.js", _Outside(), 5.0)
                    probes = [use.make() for use in loaded.modules[0].pipelines["p"].uses]
                    by_name = {name: probe.function for name, probe in zip(self._functions, probes, strict=True)}  # type: ignore[attr-defined]
                    self._call = lambda name, args: loaded.call(loaded.new_context(), by_name[name], args)
                    story()
                except BaseException as error:  # noqa: BLE001  # raised again where it belongs
                    failures.append(error)
                self._call = None
                engine.isolate.finish()

            engine.isolate.run(program, lambda: None)
            engine.isolate.dispose()
        if failures:
            raise failures[0]


__all__ = ["Script", "ScriptError"]
