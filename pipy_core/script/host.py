"""What scripts may ask of Python while they wait, besides what plugins register: text of a Data, files of the codebase, the log.

A question is ``[name, [argument, ...]]``, an answer ``{"value": ...}`` or ``{"error": text}``, both JSON text.
"""

import base64
import binascii
import errno
import stat
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec.json

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import UNDEFINED
from pipy_core.errors import LoadError, PipyError, ScriptError
from pipy_core.events import Data, Message, MessageStart
from pipy_core.kit.native import Native
from pipy_core.logs import get_logger
from pipy_core.script.codec import Codec

_log = get_logger("")
#: The level of a log line is chosen by the script; these are what it may choose.
_LEVELS: Final = frozenset({"debug", "info", "warning", "error"})
#: Bytes of files read by a script while it is loaded that are kept for the other workers, with their paths.
RECORDED_LIMIT: Final = 16 * 1024 * 1024


class HostFunctions:
    """Answers the questions of scripts.

    :param plugins: the host functions of plugins, by name.
    :ivar codebase: of the program that asks: older generations have files of their own.
    """

    codebase: "Codebase"  # once there is a program

    def __init__(self, codec: Codec, plugins: Mapping[str, Callable[..., Any]]) -> None:
        self._codec = codec
        self._functions: dict[str, Callable[..., Any]] = {
            "pipy.text": text_of,
            "pipy.log": log,
            "pipy.load": self._load,
            "pipy.codebase": lambda: self.codebase,
            **plugins,
        }

    def add(self, name: str, function: Callable[..., Any]) -> None:
        """Let scripts call *function*; replaces an older one of the same name."""
        self._functions[name] = function

    def _load(self, path: str) -> bytes | None:
        return self.codebase.read(path)

    def answer(self, question: str) -> str:
        """See the module. What a function raises becomes an ``Error`` in the script."""
        name, sent = msgspec.json.decode(question.encode("utf-8", "replace"))
        try:
            result = self._functions[name](*(self._python(argument) for argument in sent))
            return msgspec.json.encode({"value": self._script(result)}).decode()
        except (PipyError, OSError, ValueError, TypeError) as error:
            answer = {"error": error.message if isinstance(error, ScriptError) else str(error)}
        except Exception as error:  # noqa: BLE001  # a plugin's bug must not end the process: the script gets an error
            _log.error(f"bug in the host function {name}: {error!r}\n{traceback.format_exc().rstrip()}")
            answer = {"error": f"{name}: {error!r}"}
        return msgspec.json.encode(answer).decode()

    def _python(self, sent: Any) -> Any:
        value = self._codec.value(sent)
        if isinstance(value, Data):
            return value.payload
        if isinstance(value, Message | MessageStart | list | dict):
            self._codec.lent.append(value)
        return value

    def _script(self, value: Any) -> Any:
        return self._codec.argument(Data(value) if isinstance(value, bytes) else value)


def text_of(payload: bytes, encoding: str) -> Any:
    """The text of a Data; ``undefined`` where it is no UTF-8, unless *encoding* is ``lossy``."""
    if encoding == "utf8":
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return UNDEFINED
    if encoding == "lossy":
        return payload.decode("utf-8", "replace")
    if encoding == "hex":
        return binascii.hexlify(payload).decode()
    if encoding == "base64":
        return base64.b64encode(payload).decode()
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


def log(level: str, text: str) -> None:
    """A line of ``console``."""
    getattr(_log, level if level in _LEVELS else "info")(text)


class Codebase(Native):
    """The files that a script is made of: everything below the directory of the main script.

    :param snapshot: where they are, and what counts instead of them while the script is loaded.
    :param recording: keep what is read while the script is loaded, for others who are to load the same.
    :ivar seen: what was kept: contents by path, None where there is no such file; up to ``RECORDED_LIMIT`` bytes in all.
    """

    def __init__(self, snapshot: Snapshot, *, recording: bool = False) -> None:
        self.root = snapshot.root
        self.sources: dict[str, str] = {}  # of the modules loaded so far, for error messages
        self.seen: dict[str, bytes | None] = {}
        self._pinned = snapshot.pinned
        self._room = RECORDED_LIMIT if recording else 0

    def settle(self) -> None:
        """The script is loaded: from now on files are read as they are on the disk."""
        self._pinned = {}
        self._room = 0

    def read(self, path: str) -> bytes | None:
        """The content of a file, or None if there is none.

        :param path: from the root of the codebase, normalized: ``/plugins/router.js``.
        :raises OSError: it is there and cannot be read; says why.
        """
        content = self._pinned[path] if path in self._pinned else self.stored(path)
        if self._room > 0:
            size = len(content or b"") + len(path)
            if size <= self._room:
                self._room -= size
                self.seen[path] = content
        return content

    def stored(self, path: str) -> bytes | None:
        """See ``read``: what is on the disk."""
        try:
            return (self.root / path.lstrip("/")).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise OSError(f"cannot read {path}: {error.strerror}") from None

    def entry(self, path: str, limit: int) -> tuple[bytes, int] | None:
        """The content of a regular file and when it was changed (nanoseconds since 1970, 0: not known); None if there is none.

        :raises ValueError: it is larger than *limit* bytes.
        :raises OSError: it is there and cannot be read; says why.
        """
        modified = 0
        try:
            status = (self.root / path.lstrip("/")).stat()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
        else:
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > limit:
                raise ValueError(f"{path.lstrip('/')} is larger than {limit >> 20} MiB")
            modified = status.st_mtime_ns
        content = self.stored(path)
        return None if content is None else (content, modified)

    def source(self, path: str) -> str | None:
        """The text of a script, kept so that errors can show its lines; a ``#!`` line and a byte order mark are blanked.

        :raises LoadError: it is not UTF-8.
        """
        content = self.read(path)
        if content is None:
            return None
        try:
            source = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            byte, line = content[error.start], content.count(b"\n", 0, error.start) + 1
            raise LoadError("Error", f"{path} is not UTF-8 text: there is a byte 0x{byte:02x} in line {line}") from None
        if source.startswith("#!"):
            source = "//" + source[2:]
        self.sources[path] = source
        return source

    def line(self, path: str, number: int) -> str:
        """One line of a loaded script, for error messages."""
        lines = self.sources.get(path, "").splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""
