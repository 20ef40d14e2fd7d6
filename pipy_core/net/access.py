"""Where lines of the access log go: among those of the ordinary log, or into a file that may be rotated under it."""

import os
from pathlib import Path
from typing import Final

from pipy_core.errors import StartError
from pipy_core.kit.access import Entry, document, formatter
from pipy_core.logs import get_logger, write_line
from pipy_core.net.reactor import Reactor

#: Seconds after which it is looked whether the file is still there under its name.
LOOK_EVERY: Final = 1.0
#: Bytes that wait to be written at the end of the turn; more than this are written at once.
MAX_WAITING: Final = 64 * 1024

_log = get_logger("access")


def check_file(path: str) -> None:
    """See whether an access log can be written into the file *path*; empty: there is none.

    :raises StartError: it cannot.
    """
    if path:
        os.close(_open_first(path))


def _open_first(path: str) -> int:
    try:
        return _open(path)
    except OSError as error:
        raise StartError(f"cannot write the access log {path}: {error.strerror}") from error


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class AccessLog:
    """Writes lines of requests.

    :param form: see ``kit.access``. :param path: of the file; empty: standard output, in order with all other lines.
    :raises ArgumentError: the format is wrong.
    :raises StartError: the file cannot be opened.
    """

    def __init__(self, reactor: Reactor, form: str, path: str = "") -> None:
        self._reactor = reactor
        self._make = formatter(form)
        self._is_json = form == "json"
        self._path = path
        self._lines: list[str] = []
        self._size = 0
        self._looked = reactor.now()
        self._file = _open_first(path) if path else -1
        self._lost = False

    def write(self, entry: Entry) -> None:
        """Log a request."""
        line = self._make(entry)
        if not self._path:
            write_line("access", line, document(entry) | {"event": "request"} if self._is_json else None)
            return
        if not self._lines:
            self._reactor.turn.dirty.append(self)
        self._lines.append(line)
        self._size += len(line)
        if self._size > MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        """See ``turn.Sink``: write what this turn has brought, in one piece, so that processes can share the file."""
        if not self._lines:
            return
        data = "".join([f"{line}\n" for line in self._lines]).encode("utf-8", "backslashreplace")
        self._lines.clear()
        self._size = 0
        try:
            self._look()
            os.write(self._file, data)
        except OSError as error:
            if not self._lost:  # once, not for every line
                _log.error(f"cannot write {self._path}: {error.strerror}")
            self._lost = True
        else:
            self._lost = False

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _look(self) -> None:
        """Open the file again if somebody has moved it away."""
        now = self._reactor.now()
        if self._file >= 0 and now - self._looked < LOOK_EVERY and not self._lost:
            return
        self._looked = now
        try:
            there = Path(self._path).stat()
            here = os.fstat(self._file) if self._file >= 0 else None
        except FileNotFoundError:
            here = None
        if here is None or (here.st_ino, here.st_dev) != (there.st_ino, there.st_dev):
            before, self._file = self._file, _open(self._path)
            if before >= 0:
                os.close(before)
