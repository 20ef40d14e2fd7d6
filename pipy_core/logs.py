"""How Pipy logs: structlog, as text for people or JSON for machines.

A text line is ``2026-11-20 18:56:31.123 [INF] [component] message`` in local time; every line of a longer message gets the same
prefix (spec: cli-admin.md, 2.1).
"""

import io
import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, Final, TextIO

import structlog

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_TAGS: Final = {"debug": "DBG", "info": "INF", "warning": "WRN", "error": "ERR", "critical": "ERR"}


def get_logger(component: str) -> Any:
    """A logger whose lines begin with ``[component]``. Further key-value pairs go into the JSON, and behind the text."""
    return structlog.get_logger(component=component)


def write_plain(component: str, text: str) -> None:
    """Log *text* at INFO as it is: lines without the prefix, in order with all others. In JSON it is an entry like any other."""
    get_logger(component).info(text, plain=True)


def configure(level: str = "info", form: str = "text", stream: TextIO | None = None) -> None:
    """Set up logging for the process.

    :param level: one of ``LEVELS``.
    :param form: ``text`` or ``json``.
    :param stream: where to; standard output unless given.
    """
    if stream is None and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # scripts log strings that have no UTF-8 form
    structlog.configure(
        processors=[_as_json if form == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(_Output(sys.stdout if stream is None else stream)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )


class _Output:
    """Where lines are written. A reader that went away or a full disk ends no connection: lost lines are counted, and told.

    :param stream: None where the process was started without a standard output: nobody wants to read anything.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lost = 0

    def write(self, text: str) -> None:
        if self._stream is None:
            return
        if self._lost:
            text = f"({self._lost} log lines could not be written)\n{text}"
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._lost += 1
        else:
            self._lost = 0

    def flush(self) -> None:
        """Nothing is left to do: ``write`` has flushed."""


def _as_text(_logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """A structlog processor: the original's line format."""
    if event.pop("plain", False):
        return str(event["event"])
    now = datetime.now()  # noqa: DTZ005  # local time is what the format asks for
    prefix = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d} [{_TAGS[method]}] "
    component = event.pop("component", "")
    if component:
        prefix += f"[{component}] "
    text = str(event.pop("event"))
    exception = event.pop("exception", "")
    if event:
        text += " " + " ".join(f"{key}={value}" for key, value in event.items())
    if exception:
        text += f"\n{exception}"
    return "\n".join(prefix + line for line in text.split("\n"))


_json: Final = structlog.processors.JSONRenderer()


def _as_json(logger: Any, method: str, event: MutableMapping[str, Any]) -> str | bytes:
    """A structlog processor: one JSON object a line."""
    now = datetime.now().astimezone()
    event.pop("plain", None)
    return _json(logger, method, {"time": now.isoformat(timespec="milliseconds"), "level": method, **event})
