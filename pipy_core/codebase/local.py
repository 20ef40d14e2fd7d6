"""A script on the disk: everything below its directory, and which changes there are worth loading it again."""

import importlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.logs import get_logger

#: Milliseconds without a further change after which a change is told, so that a whole checkout is one change ...
QUIET: Final = 200
#: ... and after which it is told anyway.
LONGEST_WAIT: Final = 2000
#: Milliseconds between two looks at all files, where the system cannot tell of changes.
LOOKING: Final = 1000
#: Nanoseconds that the times of files may lag behind the clock (Linux: a tick, 10 ms at most).
CLOCK_STEP: Final = 10_000_000
#: Seconds after which a directory that cannot be watched is tried again.
RETRY: Final = 5.0

#: What editors leave beside a file while they save it, and what programs write for people: never the reason for a reload.
_PASSING: Final = re.compile(
    r".*~ | \#.*\# | .*\.(?:swp|swo|swx|tmp|temp|bak|orig|rej|part|crswap|log) | 4913 | .*___jb_(?:tmp|old|bak)___ | .*\.log\.\d+",
    re.VERBOSE,
)
#: Directories of tools; hidden ones such as ``.git`` need no mention.
_TOOLS: Final = frozenset({"node_modules", "__pycache__"})
#: What Kubernetes switches when it updates the files of a volume; they are links to what is below it.
_VOLUME: Final = "..data"

_log = get_logger("codebase")


class LocalSource:
    """See ``Source``.

    :param script: the path of the main script.
    :param watching: whether changes of files are looked for.
    """

    retries: Final = False

    def __init__(self, script: Path, *, watching: bool = False) -> None:
        self._script = script.absolute()
        self._watching = watching
        self._taken = time.time_ns()  # when the files were last read, by the system's clock

    def take(self) -> Snapshot:
        """See ``Source``."""
        self._taken = time.time_ns() - CLOCK_STEP
        return Snapshot.of(self._script)

    def watch(self, changed: Callable[[], None], stop: threading.Event) -> None:
        """See ``Source``."""
        looking = False  # at all files again and again, instead of being told by the system
        missed = False  # whether there may have been a change that nobody saw
        while self._watching and not stop.is_set():
            try:
                root = self._script.parent.resolve(strict=True)
                if missed:
                    changed()
                self._watch(root, changed, stop, looking)
                missed = True
            except FileNotFoundError as error:
                if not missed:
                    _log.warning(f"cannot watch {self._script.parent}: {error.strerror}")
                missed = True
                stop.wait(RETRY)
            except (OSError, RuntimeError) as error:
                if looking:
                    _log.warning(f"cannot look at the files in {self._script.parent}: {error}")
                    stop.wait(RETRY)
                else:  # the system watches no more directories
                    _log.warning(f"cannot watch {self._script.parent}: {error}: looking at its files every {LOOKING / 1000:g} s")
                    looking = True
        stop.wait()

    def _watch(self, root: Path, changed: Callable[[], None], stop: threading.Event, looking: bool) -> None:
        """Tell of changes below *root*, until another directory is in its place: a new release, perhaps."""
        place = _identity(root)
        begun = False

        def matters(_change: Any, path: str) -> bool:
            return is_relevant(os.path.relpath(path, root)) and not _is_output(path)

        for changes in watch(
            root,
            watch_filter=matters,
            debounce=LONGEST_WAIT,
            step=QUIET,
            stop_event=stop,
            rust_timeout=LOOKING,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=looking or None,
            poll_delay_ms=LOOKING,
            ignore_permission_denied=True,
        ):
            if _identity(self._script.parent) != place:
                return
            if changes or (not begun and self._is_outdated(root)):
                changed()
            begun = True

    def _is_outdated(self, root: Path) -> bool:
        """Whether a file has changed since it was read: before anybody watched, perhaps."""
        for folder, folders, names in os.walk(root):
            here = Path(folder)
            folders[:] = [name for name in folders if is_relevant(os.path.relpath(here / name, root))]
            for path in [here / name for name in names if is_relevant(os.path.relpath(here / name, root))]:
                if _modified(path) > self._taken and not _is_output(str(path)):
                    return True
        return False

    def accept(self, snapshot: Snapshot) -> None:
        """See ``Source``: the files are where they were."""

    def report(self, status: Mapping[str, Any]) -> None:
        """See ``Source``: there is nobody to tell."""


def watch(directory: Path, **settings: Any) -> Iterator[set[tuple[Any, str]]]:
    """That of watchfiles, which is imported only if anything is watched (``contrib/decisions``)."""
    changes: Iterator[set[tuple[Any, str]]] = importlib.import_module("watchfiles").watch(directory, **settings)
    return changes


def is_relevant(path: str) -> bool:
    """Whether a change of a file may change what the script does.

    :param path: relative to the directory of the script.
    """
    if path == _VOLUME:
        return True
    *folders, name = path.split("/")
    if name.startswith(".") or any(folder.startswith(".") or folder in _TOOLS for folder in folders):
        return False
    return name not in _TOOLS and _PASSING.fullmatch(name) is None


def _identity(directory: Path) -> tuple[int, int] | None:
    """What a directory is, whatever it is called; None if there is none."""
    try:
        status = directory.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _modified(path: Path) -> int:
    """When a file was changed, or put where it is, in nanoseconds; 0 if it is gone."""
    try:
        status = path.stat()
        return max(status.st_mtime_ns, status.st_ctime_ns)
    except OSError:
        return 0


def _is_output(path: str) -> bool:
    """Whether *path* is where this process writes its log: each reload would be the reason for the next."""
    try:
        found = Path(path).stat()
        return any(os.path.samestat(found, os.fstat(number)) for number in (1, 2))
    except OSError:
        return False
