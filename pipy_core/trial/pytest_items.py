"""Tests of scripts under pytest: ``*.test.js`` files as items, and the fixtures. ``pytest_plugin`` loads it when needed."""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from pipy_core.errors import LoadError
from pipy_core.settings import from_environment
from pipy_core.trial import report
from pipy_core.trial.bench import Bench
from pipy_core.trial.driver import Script
from pipy_core.trial.results import Result
from pipy_core.trial.runner import load_registry, on_bench
from pipy_core.trial.sheet import Declared, Sheet
from pipy_core.trial.thread import BenchThread

_SCRIPTS: Final = pytest.StashKey[list[Script]]()
_registry: Final = functools.cache(load_registry)


class Failed(Exception):
    """A test has failed; the text is what there is to say."""


class JsFile(pytest.File):
    """A ``*.test.js`` file. Its isolate lives while its items run."""

    sheet: Sheet
    thread: BenchThread

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each test that the file declares."""
        found: list[tuple[Declared, bool]] = []
        broken: list[Result] = []

        def look(bench: Bench) -> None:
            sheet = Sheet(bench, self.path)
            try:
                sheet.load()
            except LoadError as error:
                broken.append(sheet.broken(error))
            found.extend(zip(sheet.tests, sheet.chosen(), strict=True))

        on_bench(_registry(), from_environment(os.environ), look)
        if broken:
            raise self.CollectError(_text(broken[0], self.config.rootpath))
        for index, (declared, chosen) in enumerate(found):
            yield JsItem.from_parent(self, name=declared.name, index=index, line=declared.line, chosen=chosen)

    def setup(self) -> None:
        """Before the first of its items."""
        stack = ExitStack()
        self.addfinalizer(stack.close)
        self.thread = stack.enter_context(BenchThread(_registry(), from_environment(os.environ)))
        self.sheet = Sheet(self.thread.bench, self.path)
        self.thread.do(self.sheet.load)


class JsItem(pytest.Item):
    """One ``test('name', ...)`` of a file."""

    def __init__(self, *, index: int, line: int, chosen: bool, **rest: Any) -> None:
        super().__init__(**rest)
        self._index = index
        self._line = line
        self._chosen = chosen

    def runtest(self) -> None:
        """See pytest."""
        if not self._chosen:
            pytest.skip("it is test.skip, or another one is test.only")
        file = self.parent
        assert isinstance(file, JsFile)
        result = file.thread.do(file.sheet.run, self._index)
        if result.log:
            self.add_report_section("call", "log", "\n".join(result.log))
        if result.outcome == "failed":
            raise Failed(_text(result, self.config.rootpath))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What there is to say, without Python's stack."""
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """See pytest: where it is, with lines from 0."""
        return self.path, max(self._line - 1, 0), self.name


def _text(result: Result, base: Path) -> str:
    return "\n".join(line for problem in result.problems for line in report.describe(problem, result.file, base))


# -- for tests written in Python ----------------------------------------------------------------------------------------


def benches() -> Iterator[BenchThread]:
    """The isolate of one module of tests."""
    with BenchThread(_registry(), from_environment(os.environ)) as thread:
        yield thread


def scripts(request: pytest.FixtureRequest, thread: BenchThread) -> Iterator[Callable[..., Script]]:
    """See the fixture ``pipy_script``."""
    opened = request.node.stash.setdefault(_SCRIPTS, [])

    def open_script(
        path: str | Path = "example.js", *, text: str | None = None, files: Mapping[str, bytes | str | None] | None = None
    ) -> Script:
        given = dict(files or {})
        where = (request.path.parent / path).resolve()
        if text is not None:
            given[where.name] = text
        elif where.name not in given and not where.is_file():
            raise FileNotFoundError(f"there is no script {where}")
        script = Script(thread, where, given)
        opened.append(script)
        return script

    yield open_script
    for script in opened:
        script.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """A test in which a script failed, and that did not expect it, has failed; the log of the scripts is shown with a failure."""
    opened = item.stash.get(_SCRIPTS, [])
    try:
        result = yield
        for script in opened:
            script.check()
    finally:
        for script in opened:
            if script.log:
                item.add_report_section("call", "log of the script", "\n".join(script.log))
    return result
