"""The global ``crypto`` in a real isolate: natives need the runtime around them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import ScriptError
from pipy_core.filter import Filter
from pipy_core.kinds import ANY
from pipy_core.net.reactor import Reactor
from pipy_core.params import Param
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.loading import load
from pipy_plugins.crypto import cipher, hash, jwt, keys, signature  # noqa: A004  # it is called so
from tests.in_isolate import CALL_TIMEOUT


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


def fail(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """``run(expression, **variables)``: what it gives, through JSON; an exception as its text. Variables are text or bytes."""

    def run(expression: str, **variables: Any) -> Any:
        names = ", ".join(variables)
        values = ", ".join(
            json.dumps(value) if not isinstance(value, bytes) else f"new Data('{value.hex()}', 'hex')"
            for value in variables.values()
        )
        caught = "(f) => { try { return f() } catch (error) { return String(error) } }"
        source = f"(({names}) => pipy().pipeline('p').call((caught => () => JSON.stringify([{expression}]))({caught})))({values})"
        (tmp_path / "main.js").write_text(source)
        registry = Registry()
        registry.add_filter("call", Probe, [Param("function", ANY)], help="calls")
        for plugin in (cipher, hash, jwt, keys, signature):
            plugin.pipy_register_scripts(registry)
        engine = Engine(registry, 128 << 20, CALL_TIMEOUT)
        results: list[Any] = []

        def story() -> None:
            try:
                program = load(engine, registry, Codebase(Snapshot(tmp_path, "/main.js")), "/main.js", Stage(fail), CALL_TIMEOUT)
                (use,) = program.modules[0].pipelines["p"].uses
                probe = use.make()
                assert isinstance(probe, Probe)
                results.append(program.call(program.new_context(), probe.function, ()))
            except ScriptError as error:
                results.append(error)
            engine.isolate.finish()

        engine.isolate.run(story, lambda: None)
        engine.isolate.dispose()
        (result,) = results
        if isinstance(result, ScriptError):
            raise result
        return json.loads(result)[0]

    return run
