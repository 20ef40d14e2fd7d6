"""Runs files of tests, each in an isolate of its own, and tells of every test as soon as it has run."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import gevent

from pipy_core.errors import LoadError
from pipy_core.plugins import Plugins
from pipy_core.registry import Registry
from pipy_core.script.isolate import HeapExhausted
from pipy_core.settings import Settings
from pipy_core.trial.bench import Bench
from pipy_core.trial.results import Problem, Result
from pipy_core.trial.sheet import SUFFIX, Sheet

#: Directories without tests of ours.
_SKIPPED: Final = frozenset({"node_modules", "__pycache__"})

Report = Callable[[Result], None]


def load_registry() -> Registry:
    """What all installed plugins offer to scripts.

    :raises PluginError: the installation is broken.
    """
    registry = Registry()
    Plugins().load(registry)
    return registry


def find(path: Path) -> list[Path]:
    """The test files that *path* stands for: itself, or those below it, but not in hidden directories."""
    if path.is_file():
        return [path]
    return sorted(found for found in path.rglob(f"*{SUFFIX}") if found.is_file() and not _is_hidden(found.relative_to(path)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in path.parts[:-1])


def run_file(
    registry: Registry,
    settings: Settings,
    path: Path,
    report: Report,
    text: str = "",
    files: Mapping[str, bytes | None] | None = None,
) -> None:
    """Run the tests of one file.

    :param path: absolute.
    :param report: called with each result, on another thread.
    :param text: only tests with this in their names.
    :param files: see ``Sheet``.
    """

    def work(bench: Bench) -> None:
        sheet = Sheet(bench, path, files)
        try:
            sheet.load()
        except LoadError as error:
            report(sheet.broken(error))
            return
        for index, chosen in enumerate(sheet.chosen(text)):
            if chosen:
                report(sheet.run(index))
                gevent.sleep(0)  # the reactor's heart must beat
            elif text in sheet.tests[index].name:
                report(sheet.skipped(index))

    try:
        on_bench(registry, settings, work)
    except HeapExhausted as error:
        report(
            Result(
                path, "", "failed", problems=[Problem(f"{error}: --heap-limit={settings.heap_limit_mb} MB; the rest is not run")]
            )
        )


def on_bench(registry: Registry, settings: Settings, work: Callable[[Bench], Any]) -> None:
    """Do *work* with a new isolate, on its thread; what it raises is raised here."""
    bench = Bench(registry, settings)
    isolate = bench.engine.isolate

    def main() -> None:
        work(bench)
        isolate.finish()

    try:
        isolate.run(main, lambda: None)
    finally:
        bench.dispose()


def run_texts(
    registry: Registry, script: str, tests: str, files: Iterable[tuple[str, str]] = (), settings: Settings | None = None
) -> list[Result]:
    """Run tests of a script, both given as text: for examples in documentation.

    :param files: further files of the script: path and text.
    """
    results: list[Result] = []
    given = {"/example.js": script, f"/example{SUFFIX}": tests, **{f"/{path.lstrip('/')}": text for path, text in files}}
    encoded = {path: text.encode() for path, text in given.items()}
    run_file(registry, settings or Settings(), Path.cwd() / f"example{SUFFIX}", results.append, files=encoded)
    return results
