"""The clock on the wall may be set back: it is for people to read, and nothing is decided by it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Where it is looked at, and what for.
READERS = {
    "pipy_core/admin/standing.py": "when the program was started, to be shown",
    "pipy_core/codebase/download.py": "when a copy was fetched: another process, maybe after a reboot, tells its age in the log",
    "pipy_core/codebase/remote.py": "that age, and the status report, as the repository wants it",
    "pipy_core/codebase/local.py": "whether a file was changed after it had been read, when it is not watched yet: files have such times",
    "pipy_core/kit/access.py": "when a request was answered, to be logged",
    "pipy_core/logs.py": "the time of a line in the log",
    "pipy_core/process/generations.py": "when a script was loaded, to be shown",
    "pipy_core/process/reloading.py": "when the last reload was, to be shown",
}
#: Names of ``time`` and ``datetime`` that read it.
WALL = {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "now", "utcnow", "today"}
MODULES = {"time", "datetime", "date"}


def looks(source: str) -> Iterator[str]:
    """How *source* reads that clock: ``time.time``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in MODULES and node.attr in WALL:
            yield f"{node.value.id}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{each.name}" for each in node.names if each.name in WALL)


def test_nobody_else_looks_at_it() -> None:
    sources = [path for folder in ("pipy_core", "pipy_plugins") for path in (ROOT / folder).rglob("*.py")]
    readers = {path.relative_to(ROOT).as_posix() for path in sources if list(looks(path.read_text("utf-8")))}
    assert readers == set(READERS)


def test_every_way_to_look_is_found() -> None:
    assert list(looks("import time\ntime.time()\ntime.monotonic()\nf = time.time")) == ["time.time", "time.time"]
    assert list(looks("from time import monotonic, time_ns")) == ["time.time_ns"]
    assert list(looks("from datetime import datetime\ndatetime.now()\nself.now()")) == ["datetime.now"]
