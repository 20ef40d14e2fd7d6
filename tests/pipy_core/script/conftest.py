"""A real isolate for tests: a script, and a story that is run on the reactor's thread."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import Context, Function
from pipy_core.filter import Filter
from pipy_core.kinds import ANY
from pipy_core.limits import DEFAULTS
from pipy_core.net.reactor import Reactor
from pipy_core.params import Param
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.loading import load
from pipy_core.script.program import Program


class Probe(Filter):
    """A filter that only carries script functions: ``call(f)``."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def process(self, event: Any) -> None:
        """Never used."""


class Stage:
    """An isolate with a program; what a story gets.

    :ivar load_timeout: seconds that loading may take.
    """

    turn: Any
    book: Any
    limits = DEFAULTS

    def __init__(self, engine: Engine, registry: Registry, folder: Path) -> None:
        self.engine = engine
        self.registry = registry
        self.folder = folder
        self.load_timeout = 100.0
        self.program: Program

    def begin(self) -> None:
        """On the reactor's thread."""
        self.reactor = Reactor(self.report)
        self.turn = self.reactor.turn
        self.after = self.reactor.after
        self.now = self.reactor.now
        self.book = self.reactor.book

    def report(self, error: BaseException, where: str) -> None:
        """A turn failed."""
        raise AssertionError(where) from error

    def connect(self, *_args: Any) -> Any:
        """No test here opens a connection."""
        raise NotImplementedError

    def spawn(self, *_args: Any) -> Any:
        """Nor runs a child process."""
        raise NotImplementedError

    def load(self, **files: str) -> Program:
        """Load ``main`` from *files*, whose names get a ``.js``."""
        for name, source in files.items():
            (self.folder / f"{name}.js").write_text(source)
        codebase = Codebase(Snapshot(self.folder, "/main.js"))
        self.program = load(self.engine, self.registry, codebase, "/main.js", self, self.load_timeout)
        return self.program

    def functions(self, pipeline: str = "p") -> list[Function]:
        """What was given to ``call`` in a pipeline."""
        uses = self.program.modules[0].pipelines[pipeline].uses
        return [probe.function for use in uses if isinstance(probe := use.make(), Probe)]

    def call(self, index: int, *args: Any, context: Context | None = None) -> Any:
        """Call the function number *index* of the pipeline ``p``."""
        return self.program.call(context or self.program.new_context(), self.functions()[index], args)


Story = Callable[[Stage], None]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """``play(story)`` runs the story with a new isolate.

    *prepare* may add filters to the registry; further keyword arguments are host functions. Only a story of a call that does not
    end by itself gives a short *call_timeout*: it is real time, and goes by while the machine has something else to do.
    """

    def run(
        story: Story,
        call_timeout: float = 100.0,
        heap_limit: int = 128 << 20,
        prepare: Callable[[Registry], None] = lambda _registry: None,
        **functions: Callable[..., Any],
    ) -> None:
        registry = Registry()
        prepare(registry)
        registry.add_filter("call", Probe, [Param("function", ANY)], help="calls")
        registry.add_script("test", "(runtime) => ({ ask: runtime.host })")
        for name, function in functions.items():
            registry.add_function(name, function)
        engine = Engine(registry, heap_limit, call_timeout)
        stage = Stage(engine, registry, tmp_path)
        failures: list[BaseException] = []

        def program() -> None:
            try:
                stage.begin()
                story(stage)
            except BaseException as error:  # noqa: BLE001  # raised again on the test's thread
                failures.append(error)
            engine.isolate.finish()

        engine.isolate.run(program, lambda: None)
        engine.isolate.dispose()
        if failures:
            raise failures[0]

    return run
