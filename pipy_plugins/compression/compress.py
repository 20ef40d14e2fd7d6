"""``compressHTTP`` and ``compressMessage``: bodies are compressed while they pass.

What is small is not worth it: a body is held back until there are ``minSize`` bytes of it, or somebody asks not to hold it back.
A flush (an empty Data) sends what there is. A ``text/event-stream`` is never held back, neither its head nor any piece of it.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from pipy_core.api import (
    ARRAY,
    FLUSH,
    FUNCTION,
    NUMBER,
    SIZE,
    STRING,
    ArgumentError,
    Data,
    Event,
    Function,
    Make,
    MessageEnd,
    MessageStart,
    OneOf,
    Param,
    Registry,
    StreamEnd,
    choose_coding,
    dynamic,
    hookimpl,
    options,
)
from pipy_plugins.compression import heads
from pipy_plugins.compression.encoders import METHODS, Encoder, encoder_of
from pipy_plugins.compression.paced import Paced

#: A body below this gains nothing: it fits into a packet or two (Caddy 512 bytes, Express 1 KiB, nginx 20 bytes).
MIN_SIZE: Final = 1024
#: Bytes that are compressed in one step, and how much more work that is than decompressing them.
_SLICE: Final = 64 * 1024
_EFFORT: Final = 4


class Compress(Paced):
    """What both filters have in common: the flow of one body after another."""

    component: ClassVar[str] = "compress"

    def __init__(self, method: str | Function, settings: dict[str, Any]) -> None:
        super().__init__()
        self._method = method
        self._level: float | None = settings["level"]
        self._min_size: int = settings["minSize"]
        self._encoder: Encoder | None = None
        self._coding = ""  # of the body that comes; empty: it passes as it is
        self._start: MessageStart | None = None  # held back together with
        self._pieces: list[bytes] = []
        self._size = 0
        self._eager = False  # every piece goes out at once

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if type(event) is Data and not self._coding and not self.paused:
            if not self._ended:
                self.emit(event)
        else:
            super().process(event)

    def work(self, event: Event) -> Iterator[int]:
        """See ``Paced``."""
        if isinstance(event, MessageStart):
            self._begin(event)
        elif isinstance(event, StreamEnd):
            self._give_back()
            self.end(event)
        elif not self._coding:
            self.emit(event)
        elif type(event) is Data:
            yield from self._body(event)
        elif isinstance(event, MessageEnd):
            self._end_message(event)

    def choose(self, start: MessageStart) -> tuple[str, MessageStart]:
        """The coding for the body of the message that begins with *start*, or nothing; and what *start* is then."""
        return self.coding(start), start

    def compressed(self, start: MessageStart, _coding: str) -> MessageStart:
        """What *start* becomes when its body is compressed."""
        return start

    def coding(self, start: MessageStart) -> str:
        """What the script says; the best of it where it is a list of what the client accepts."""
        method = self._method
        given = self.host.call(method, start) if isinstance(method, Function) else method
        return choose_coding(given, tuple(METHODS)) if isinstance(given, str) else ""

    def _begin(self, start: MessageStart) -> None:
        self._coding, start = self.choose(start)
        if not self._coding:
            self.emit(start)
            return
        self._encoder = None
        self._start, self._pieces, self._size = start, [], 0
        self._eager = heads.media_type(start.head) == "text/event-stream"
        if self._eager:  # the client waits for the head, too
            self._open()

    def _body(self, data: Data) -> Iterator[int]:
        payload = data.payload
        flush = self._eager or not payload
        if self._encoder is None:
            if payload:
                self._pieces.append(payload)
                self._size += len(payload)
            if not flush and self._size < self._min_size:
                return
            payload = self._open()
        encoder = self._encoder
        assert encoder is not None
        for start in range(0, len(payload), _SLICE):
            taken = payload[start : start + _SLICE]
            output = encoder.feed(taken)
            if output:
                self.emit(Data(output))
            yield len(taken) * _EFFORT
        if flush:
            self.emit(Data(encoder.flush()))
            self.emit(FLUSH)

    def _open(self) -> bytes:
        """The body is to be compressed: its head goes out. Gives what was held back."""
        self._encoder = encoder_of(self._coding, self._level)
        held, self._pieces = b"".join(self._pieces), []
        start, self._start = self._start, None
        assert start is not None
        self.emit(self.compressed(start, self._coding))
        return held

    def _end_message(self, end: MessageEnd) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            self._give_back()
        else:
            self._coding = ""
            self.emit(Data(encoder.finish()))
        self.emit(end)

    def _give_back(self) -> None:
        """The body turned out to be small: it passes as it came."""
        self._coding = ""
        start, self._start = self._start, None
        pieces, self._pieces = self._pieces, []
        if start is not None:
            self.emit(start)
        if pieces:
            self.emit(Data(b"".join(pieces)))


class CompressHTTP(Compress):
    """Compresses what may and should be compressed, and says so in the head (RFC 9110, 8.4 and 12.5.5)."""

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``."""
        settings = args[-1]
        method = args[0] if len(args) > 1 else settings["method"]
        checked(method)
        patterns = [pattern for pattern in settings["types"] if isinstance(pattern, str)]
        if len(patterns) != len(settings["types"]):
            raise ArgumentError("options.types expects an array of strings")
        expression = "|".join(re.escape(pattern.lower()).replace(r"\*", ".*") for pattern in patterns)
        return super().prepare(method, {**settings, "types": re.compile(expression or "(?!)")})

    def __init__(self, method: str | Function, settings: dict[str, Any]) -> None:
        super().__init__(method, settings)
        self._types: re.Pattern[str] = settings["types"]

    def choose(self, start: MessageStart) -> tuple[str, MessageStart]:
        """See ``Compress``."""
        if start.head is None or not heads.may_be_compressed(start.head.outgoing(), self._types):
            return "", start
        coding = self.coding(start)
        if not coding and isinstance(self._method, Function):  # another client would get something else
            return "", heads.varying(start)
        return coding, start

    def compressed(self, start: MessageStart, coding: str) -> MessageStart:
        """See ``Compress``."""
        return heads.compressed(start, coding)


class CompressMessage(Compress):
    """Compresses every body, whatever its size and head."""

    @classmethod
    def prepare(cls, method: str | Function, settings: dict[str, Any]) -> Make:
        """See ``Filter``."""
        checked(method)
        return super().prepare(method, {**settings, "minSize": 0})


def checked(method: str | Function) -> None:
    """Refuse a method that is given once and for all, and that nobody knows."""
    if isinstance(method, str) and method and not choose_coding(method, tuple(METHODS)):
        raise ArgumentError(f"unknown compression method: {method}; known are {', '.join(METHODS)}")


_METHOD: Final = dynamic(STRING)
_METHOD_HELP: Final = (
    f"{', '.join(METHODS)}; or the value of an Accept-Encoding, of which the best is taken; or a function that gets the "
    "MessageStart and gives one of these, or nothing"
)
_LEVEL: Final = Param("level", NUMBER, "how much effort: zstd 1 to 19, br 0 to 11, gzip and deflate 1 to 9", None)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    settings = options(
        Param("method", _METHOD, _METHOD_HELP, "gzip"),
        _LEVEL,
        Param("minSize", SIZE, "smaller bodies pass as they are", MIN_SIZE),
        Param("types", ARRAY, "media types to compress, such as 'text/*'", heads.TYPES),
    )
    registry.add_filter(
        "compressHTTP",
        CompressHTTP,
        [Param("method", _METHOD, _METHOD_HELP), settings],
        [settings],
        help="Compresses bodies by their content-type, unless they are compressed, partial, or not to be transformed, and says so "
        "in content-encoding and vary.",
        group="codecs",
    )
    method = Param("method", OneOf((FUNCTION, STRING)), _METHOD_HELP)
    registry.add_filter(
        "compressMessage",
        CompressMessage,
        [method, options(_LEVEL)],
        help="Compresses the bodies of messages.",
        group="codecs",
    )
