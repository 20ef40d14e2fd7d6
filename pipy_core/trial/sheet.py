"""A file of tests written in JavaScript: which tests it declares, for which script, and running them. On the reactor's thread."""

import re
import time
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipy_core import faults
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import LoadError
from pipy_core.script.isolate import HeapExhausted
from pipy_core.trial.bench import Bench
from pipy_core.trial.capture import Captured, capture
from pipy_core.trial.desk import Desk
from pipy_core.trial.performer import Performer
from pipy_core.trial.results import Problem, Result
from pipy_core.trial.trial import Overlay, Trial

#: How the name of a test file ends.
SUFFIX: Final = ".test.js"
#: The program under which the runtime keeps the test file.
_SHEET: Final = -2
_LINE: Final = re.compile(r":(\d+):\d+\)?$")


class _Source(Overlay):
    """The test file; the runtime wants a configuration as the value of every module."""

    def source(self, path: str) -> str | None:
        source = super().source(path)
        return None if source is None else f"{source}\n;pipy()"


@dataclass(frozen=True)
class Declared:
    """A test as its file declares it.

    :ivar mode: ``run``, ``skip`` or ``only``.
    :ivar line: where it stands; 0 if that is not known.
    """

    name: str
    mode: str
    line: int


class Sheet:
    """A test file.

    :param files: what to take instead of files on the disk, those of the script too: content by path from its directory.
    :ivar tests: what it declares, in order.
    :ivar script: the script that it tests.
    """

    def __init__(self, bench: Bench, path: Path, files: Mapping[str, bytes | None] | None = None) -> None:
        self.tests: list[Declared] = []
        self.script = path.with_name(path.name.removesuffix(SUFFIX) + ".js")
        self.path = path
        self._bench = bench
        self._files = dict(files or {})
        self._codebase = _Source(Snapshot.of(path), self._files)

    def load(self) -> None:
        """Evaluate the file.

        :raises LoadError: it cannot be.
        """
        self._bench.add_host_functions({"test.declare": self._declare, "test.script": self._choose_script, "test.now": lambda: 0.0})
        budget = self._bench.settings.load_timeout
        self._bench.engine.load(_SHEET, f"/{self.path.name}", self._codebase, budget, lambda _path: None)

    def _declare(self, name: str, mode: str, at: str) -> None:
        found = _LINE.search(at)
        self.tests.append(Declared(name, mode, int(found[1]) if found else 0))

    def _choose_script(self, path: str) -> None:
        self.script = (self.path.parent / path).resolve()

    def chosen(self, text: str = "") -> list[bool]:
        """Which tests are to be run: those with *text* in their name, and only ``test.only`` ones where there are any."""
        only = any(test.mode == "only" for test in self.tests)
        return [test.mode != "skip" and text in test.name and (test.mode == "only" or not only) for test in self.tests]

    def run(self, index: int) -> Result:
        """Run the test number *index*.

        :raises HeapExhausted: the isolate cannot be used any more.
        """
        test = self.tests[index]
        result = Result(self.path, test.name, line=test.line)
        began = time.perf_counter()
        captured = Captured()
        with chdir(self.script.parent if self.script.parent.is_dir() else self.path.parent), capture(captured):
            trial = Trial(self._bench, self.script, self._files)
            desk = Desk(trial, captured, self._codebase)
            try:
                if self._there():
                    Performer(self._bench, desk).run(index)
                else:
                    desk.problems.append(self._missing())
            except HeapExhausted:
                raise
            except Exception as error:  # noqa: BLE001  # a bug of ours, or of a plugin: the other tests are run all the same
                desk.problems.append(Problem(faults.render_bug(error, "the test kit")))
            finally:
                trial.close()
        result.seconds = time.perf_counter() - began
        result.log = captured.all()
        result.problems = [
            *desk.problems,
            *(Problem(text) for text in dict.fromkeys(trial.surroundings.problems)),
            *(Problem(f"the script failed, and no t.logged() expects it:\n{text}") for text in captured.unexpected()),
        ]
        result.outcome = "failed" if result.problems else "passed"
        return result

    def _there(self) -> bool:
        return f"/{self.script.name}" in self._files or self.script.is_file()

    def _missing(self) -> Problem:
        return Problem(f"there is no script {self.script}: say script('...') at the top of {self.path.name}")

    def broken(self, error: LoadError) -> Result:
        """What is to be told of a file that cannot be loaded."""
        return Result(self.path, "", "failed", error.place.line, problems=[Problem("\n".join(faults.render(error)), error.place)])

    def skipped(self, index: int) -> Result:
        """What is to be told of a test that is not run."""
        test = self.tests[index]
        return Result(self.path, test.name, "skipped", test.line)
