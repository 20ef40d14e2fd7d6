"""``os.readFile``, ``os.writeFile`` and ``os.stat`` (spec: api.md, 3). Paths are relative to the directory of the script.

What cannot be done gives ``null``, and a line in the log. They wait for the disk, and everybody waits with them: they are for
configuration, not for traffic.
"""

import os
from importlib.resources import files
from typing import Any, Final

from pipy_core.api import Registry, get_logger, hookimpl

#: A larger file is not read: it would be held in memory.
MAX_FILE: Final = 64 * 1024 * 1024
_FIELDS: Final = ("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks", "atime", "mtime", "ctime")

_log = get_logger("")


def read_file(path: str) -> bytes | None:
    """The content of a file, or None."""
    try:
        with open(path, "rb", opener=_open) as file:  # Path.open takes no opener
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        _log.error(f"os.readFile: cannot open file: {path}: {_reason(error)}")
        return None
    if content is not None and len(content) > MAX_FILE:
        _log.error(f"os.readFile: cannot open file: {path}: it is larger than {MAX_FILE >> 20} MiB")
        return None
    return content


def write_file(path: str, content: str | bytes) -> bool:
    """Make or replace a file; false if that is not possible."""
    payload = content.encode("utf-8", "replace") if isinstance(content, str) else content
    try:
        with open(path, "wb", opener=_open) as file:  # as above
            file.write(payload)
    except (OSError, ValueError) as error:
        _log.error(f"os.writeFile: cannot open file: {path}: {_reason(error)}")
        return False
    return True


def status(path: str) -> dict[str, int] | None:
    """What the file system knows of a file, links followed; None if there is none. Times are whole seconds since 1970."""
    try:
        found: Any = os.stat(path)  # noqa: PTH116  # a name may have a NUL in it, which Path takes no better
    except (OSError, ValueError):
        return None
    return {name: int(getattr(found, f"st_{name}", 0)) for name in _FIELDS}


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)  # a FIFO must not stop the program


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add to the global ``os``."""
    registry.add_function("os.readFile", read_file)
    registry.add_function("os.writeFile", write_file)
    registry.add_function("os.stat", status)
    source = files("pipy_plugins")
    registry.add_script(
        "os_files.js", source.joinpath("os_files.js").read_text("utf-8"), source.joinpath("os_files.d.ts").read_text("utf-8")
    )
