"""``detectProtocol(callback [, options])``: tell the script what a stream begins with, and pass everything on as it is.

Told is ``TLS``, or nothing (``''``). HTTP is looked for only where ``protocols`` names it: scripts of the original take ``''`` for
plain HTTP. Keeps a copy of the first bytes until it is decided, 8 KiB at most. Spec: filters.md, 5.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.api import (
    DURATION,
    FLUSH,
    FUNCTION,
    ArgumentError,
    Data,
    Event,
    Filter,
    FirstWords,
    Function,
    Kind,
    Param,
    Registry,
    ScriptList,
    StreamEnd,
    Timer,
    hookimpl,
    options,
)

#: Bytes that are looked at: a request line of HTTP may be as long as this.
MAX_BEGINNING: Final = 8 * 1024

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}( |\Z)")
_REQUEST_LINE: Final = re.compile(rb"[^ ]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.\d\r?\n")
#: Where a ClientHello in its record must have which value: type, version, type of the message, version.
_CLIENT_HELLO: Final = {0: range(22, 23), 1: range(3, 4), 2: range(5), 5: range(1, 2), 9: range(3, 4)}


def is_tls(beginning: bytes) -> bool | None:
    """Whether this is a ClientHello; None if that cannot be told yet (RFC 8446, 5.1)."""
    for at, values in _CLIENT_HELLO.items():
        if at >= len(beginning):
            return None
        if beginning[at] not in values:
            return False
    return True


def is_http(beginning: bytes) -> bool | None:
    """Whether this is a request of HTTP/1; None if that cannot be told yet (RFC 9112, 3)."""
    if b"\n" in beginning:
        return _REQUEST_LINE.match(beginning) is not None and _METHOD.match(beginning) is not None
    return None if _METHOD.match(beginning) or not beginning else False


def is_http2(beginning: bytes) -> bool | None:
    """Whether a client of HTTP/2 begins to speak; None if that cannot be told yet (RFC 9113, 3.4)."""
    if beginning.startswith(_PREFACE):
        return True
    return None if _PREFACE.startswith(beginning) else False


_DETECTORS: Final[dict[str, Callable[[bytes], bool | None]]] = {"TLS": is_tls, "HTTP2": is_http2, "HTTP": is_http}


@dataclass(frozen=True)
class Names(Kind):
    """Names of protocols that can be told."""

    words: str = "an array of 'TLS', 'HTTP' and 'HTTP2'"
    typescript: str = "('TLS' | 'HTTP' | 'HTTP2')[]"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, ScriptList)

    def check(self, value: Any) -> tuple[str, ...]:
        """See ``Kind``."""
        names = super().check(value)
        for name in names:
            if not isinstance(name, str) or name not in _DETECTORS:
                raise ArgumentError(f"expects {self.words}, {name!r} is none of them")
        return tuple(name for name in _DETECTORS if name in names)


class DetectProtocol(Filter):
    """Calls the script once, before the event that decided is passed on.

    :param settings: ``protocols`` to look for, ``timeout`` in seconds (0: none) from the first event on.
    """

    def __init__(self, callback: Function, settings: dict[str, Any]) -> None:
        self._callback = callback
        protocols: tuple[str, ...] | None = settings["protocols"]
        self._protocols = ("TLS",) if protocols is None else protocols
        self._timeout: float = settings["timeout"]
        self._beginning: bytes | None = b""  # None: it is decided
        self._timer: Timer | None = None

    begins = True

    def begin(self) -> None:
        """See ``Filter``."""
        self._first = FirstWords(self.host.context.group, self.host.now())

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._beginning is not None:
            if self._timeout and self._timer is None:
                self._timer = self.host.after(self._timeout, self._timed_out)
            if type(event) is Data:
                self._look(self._beginning + event.payload[:MAX_BEGINNING])
            elif type(event) is StreamEnd:
                self._stop()
        self.emit(event)

    def _look(self, beginning: bytes) -> None:
        self._beginning = beginning
        found = [_DETECTORS[name](beginning) for name in self._protocols]
        if True in found:
            self._decide(self._protocols[found.index(True)])
        elif None not in found or len(beginning) >= MAX_BEGINNING:
            self._decide("")

    def _decide(self, name: str) -> None:
        self._stop()
        self.host.call(self._callback, name)

    def _timed_out(self) -> None:
        self._decide("")
        self.emit(FLUSH)
        self.host.context.group.notify()  # a wait filter may have waited for the decision

    def close(self) -> None:
        """See ``Filter``."""
        self._stop()

    def _stop(self) -> None:
        self._beginning = None
        self._first.heard()
        if self._timer is not None:
            self._timer.cancel()


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "detectProtocol",
        DetectProtocol,
        [
            Param("callback", FUNCTION, "called once with the name of the protocol, or '' for any other"),
            options(
                Param("protocols", Names(), "which to look for; TLS alone unless given", None),
                Param("timeout", DURATION, "from the first event until '' is told where too little has come; 0 is never", 0.0),
            ),
        ],
        help="Tells the script what protocol a stream begins with, as soon as that is known, and passes everything on unchanged.",
        group="codecs",
    )
