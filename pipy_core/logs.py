"""How Pipy logs: structlog, as text for people or JSON for machines.

A text line is ``2026-11-20 18:56:31.123 [INF] [component] message`` in local time; every line of a longer message gets the same
prefix (spec: cli-admin.md, 2.1).
"""

import io
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

#: Seconds in which lines of one kind are counted.
INTERVAL: Final = 1.0
#: Kinds of lines that are told apart; further ones are counted together.
MAX_KINDS: Final = 1000
#: Characters of a line that make its kind.
_KIND: Final = 200

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_TAGS: Final = {"debug": "DBG", "info": "INF", "warning": "WRN", "error": "ERR", "critical": "ERR"}


class Stream(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """Write *text*."""

    def flush(self) -> object:
        """Write what is still held."""


def get_logger(component: str) -> Any:
    """A logger whose lines begin with ``[component]``. Further key-value pairs go into the JSON, and behind the text."""
    return structlog.get_logger(component=component)


def write_plain(component: str, text: str) -> None:
    """Log *text* at INFO as it is: lines without the prefix, in order with all others. In JSON it is an entry like any other."""
    get_logger(component).info(text, plain=True)


def write_line(component: str, text: str, entry: Mapping[str, Any] | None = None) -> None:
    """Log *text* as ``write_plain`` does, but at every level: whoever has asked for an access log wants all of it.

    :param entry: what stands in JSON instead of the text.
    """
    get_logger(component).error(text, plain=True, counted=True, level="info", entry=entry)


def configure(level: str = "info", form: str = "text", stream: Stream | None = None, repeats: int = 0, worker: int = 0) -> None:
    """Set up logging for the process.

    :param level: one of ``LEVELS``.
    :param form: ``text`` or ``json``.
    :param stream: where to; standard output unless given. A program gives one that keeps nobody waiting: ``net.output``.
    :param repeats: warnings and errors of one kind that are logged in a second; see ``Repeats``. 0: any number.
    :param worker: which of several workers this is: its JSON says so, and so do its warnings and errors. 0: there are no several.
    """
    _repeats.begin(repeats)
    if stream is None and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # scripts log strings that have no UTF-8 form
    structlog.configure(
        processors=[_repeats, *([_Numbered(worker, form)] if worker else []), _as_json if form == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(_Output(sys.stdout if stream is None else stream)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )


class _Output:
    """Where lines are written. A reader that went away or a full disk ends no connection: lost lines are counted, and told.

    :param stream: None where the process was started without a standard output: nobody wants to read anything.
    """

    def __init__(self, stream: Stream | None) -> None:
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


class Repeats:
    """A structlog processor that lets no more than so many lines of one kind pass in a second, and then says how many there were.

    Lines are of one kind if they differ in numbers only. It is about warnings and errors that others may provoke: what a script
    writes to its console, which has no component, passes.

    :param now: seconds.
    :ivar suppressed: how many lines did not pass since the process began.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.suppressed = 0
        self._most = 0
        self._kinds: dict[tuple[str, str, str], _Kind] = {}

    def begin(self, most: int) -> None:
        """Let *most* pass from now on; 0: all of them."""
        self._most = most
        self._kinds = {}

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """See structlog. :raises structlog.DropEvent: the line does not pass."""
        component = event.get("component", "")
        if event.pop("counted", False) or not (self._most and component and method in ("warning", "error")):
            return event
        key = method, re.sub("[0-9]+", "#", component), re.sub("[0-9]+", "#", str(event["event"])[:_KIND])
        kind = self._kinds.get(key)
        if kind is None and len(self._kinds) >= MAX_KINDS:
            key = method, "", ""
            kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _Kind(self._now())
        elif self._now() - kind.since >= INTERVAL:
            self.tell()
            kind = self._kinds.setdefault(key, _Kind(self._now()))
        kind.count += 1
        if kind.count <= self._most:
            return event
        kind.last = event
        self.suppressed += 1
        raise structlog.DropEvent

    def tell(self) -> None:
        """Say how many lines did not pass, of the kinds whose second is over; call it now and then."""
        now = self._now()
        for key, kind in list(self._kinds.items()):
            if now - kind.since >= INTERVAL and self._kinds.pop(key, None) is not None and kind.last is not None:
                last = dict(kind.last)
                text = f"{last.pop('event')} (and {kind.count - self._most - 1} more such lines)"
                getattr(structlog.get_logger(), key[0])(text, counted=True, **last)


class _Kind:
    """Lines of one kind: how many since when, and the last one that did not pass."""

    __slots__ = ("count", "last", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.count = 0
        self.last: MutableMapping[str, Any] | None = None


_repeats: Final = Repeats()
tell_repeats: Final = _repeats.tell


def suppressed_lines() -> int:
    """How many lines were left out since the process began, because there were too many of their kind."""
    return _repeats.suppressed


class _Numbered:
    """Says which worker it was. In text it stands behind the component, and only where something is wrong."""

    def __init__(self, number: int, form: str) -> None:
        self._number = number
        self._in_text = form == "text"

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if not self._in_text or (method in ("warning", "error") and not event.get("plain")):
            event["worker"] = self._number
        return event


def _as_text(_logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """A structlog processor: the original's line format."""
    if event.pop("plain", False):
        return str(event["event"])
    now = datetime.now()  # noqa: DTZ005  # local time is what the format asks for
    prefix = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d} [{_TAGS[method]}] "
    component = event.pop("component", "")
    if component:
        prefix += f"[{component}] "
    worker = event.pop("worker", 0)
    if worker:
        prefix += f"[worker {worker}] "
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
    event.update(event.pop("entry", None) or ())
    return _json(logger, method, {"time": now.isoformat(timespec="milliseconds"), "level": method, **event})
