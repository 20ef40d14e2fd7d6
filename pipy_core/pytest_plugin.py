"""pytest's door: ``*.test.js`` files are tests, and ``pipy_script`` drives a script from a test written in Python.

pytest imports this module in every run, wherever Pipy is installed. So it imports nothing itself; what does the work is a plugin
of its own, which pytest is asked to load when it is needed for the first time.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

_WORKER: Final = "pipy_core.trial.pytest_items"
_SUFFIX: Final = ".test.js"
_NAMES_A_SCRIPT: Final = re.compile(r"^\s*script\(", re.MULTILINE)


def _worker(config: pytest.Config) -> Any:
    worker = config.pluginmanager.get_plugin(_WORKER)
    if worker is None:
        worker = importlib.import_module(_WORKER)
        config.pluginmanager.register(worker, _WORKER)
    return worker


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take files of tests for scripts, and leave those of others alone."""
    if not file_path.name.endswith(_SUFFIX):
        return None
    if not (parent.session.isinitpath(file_path) or _is_ours(file_path)):
        return None
    collector: pytest.Collector = _worker(parent.config).JsFile.from_parent(parent, path=file_path)
    return collector


def _is_ours(path: Path) -> bool:
    """Whether this is no test of some other kind of JavaScript: it names a script, or the one beside it speaks of Pipy."""
    if _NAMES_A_SCRIPT.search(path.read_text("utf-8", "replace")):
        return True
    script = path.with_name(path.name.removesuffix(_SUFFIX) + ".js")
    return script.is_file() and "pipy" in script.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def pipy_bench(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The isolate that ``pipy_script`` uses in one module of tests."""
    yield from _worker(request.config).benches()


@pytest.fixture
def pipy_script(request: pytest.FixtureRequest, pipy_bench: Any) -> Iterator[Callable[..., Any]]:
    """``pipy_script("proxy.js")`` gives the script under test, ``pipy_core.trial.driver.Script``.

    The path is seen from the directory of the test. ``text="..."`` is the script itself, ``files={"config.json": "..."}`` are files
    that take the place of those on the disk.
    """
    yield from _worker(request.config).scripts(request, pipy_bench)
