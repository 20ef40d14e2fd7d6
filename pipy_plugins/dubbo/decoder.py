"""``decodeDubbo([options])``: bytes to frames.

Holds nothing but an incomplete head; bodies pass in pieces as they come.
"""

from struct import Struct
from typing import Any, Final

from pipy_core.api import (
    END,
    SIZE,
    Data,
    Event,
    Failure,
    Filter,
    Head,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    get_logger,
    hookimpl,
    options,
)

#: What Dubbo itself accepts unless configured otherwise (``payload`` of a protocol).
MAX_BODY: Final = 8 * 1024 * 1024

_HEAD: Final = Struct(">2sBBQI")
_MAGIC: Final = b"\xda\xbb"

_log = get_logger("dubbo")


class DecodeDubbo(Filter):
    """See the module. Data and StreamEnd are taken, other events dropped."""

    __slots__ = ("_ended", "_held", "_in_body", "_left", "_limit")

    def __init__(self, settings: dict[str, Any]) -> None:
        self._limit: float = settings["sizeLimit"] or float("inf")
        self._held = b""  # the beginning of a head
        self._left = 0  # bytes of the body that are still to come
        self._in_body = False
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if type(event) is Data:
            if event.payload:
                self._decode(event)
            elif self._in_body:
                self.emit(event)
        elif isinstance(event, StreamEnd):
            cut_off = (self._held or self._in_body) and event.error is Failure.NONE
            self._end(Failure.PROTOCOL_ERROR if cut_off else event.error)

    def close(self) -> None:
        """See ``Filter``."""
        self._ended = True

    def _end(self, error: Failure) -> None:
        self._ended = True
        self.emit(StreamEnd(error))

    def _decode(self, event: Data) -> None:
        data = event
        if self._held:
            data = Data(self._held + event.payload)
            self._held = b""
        payload = data.payload
        at, size = 0, len(payload)
        while at < size and not self._ended:
            if self._in_body:
                at = self._body(data, at)
            elif not _MAGIC.startswith(payload[at : at + 2]):
                _log.error("magic number not found")
                self._end(Failure.PROTOCOL_ERROR)
            elif size - at < _HEAD.size:
                self._held = payload[at:]
                return
            else:
                self._begin(payload, at)
                at += _HEAD.size

    def _begin(self, payload: bytes, at: int) -> None:
        _, flags, status, number, length = _HEAD.unpack_from(payload, at)
        if length > self._limit:
            _log.error(f"a body of {length} bytes is larger than {self._limit}")
            self._end(Failure.BUFFER_OVERFLOW)
            return
        head = Head(
            {
                "id": str(number),
                "status": status,
                "isRequest": flags & 0x80 != 0,
                "isTwoWay": flags & 0x40 != 0,
                "isEvent": flags & 0x20 != 0,
                "serialization": flags & 0x1F,
            }
        )
        self._left = length
        self._in_body = length > 0
        self.emit(MessageStart(head))
        if not self._in_body and not self._ended:
            self.emit(END)

    def _body(self, data: Data, at: int) -> int:
        payload = data.payload
        end = min(at + self._left, len(payload))
        self._left -= end - at
        self._in_body = self._left > 0
        self.emit(data if end - at == len(payload) else Data(payload[at:end]))
        if not self._in_body and not self._ended:
            self.emit(END)
        return end


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "decodeDubbo",
        DecodeDubbo,
        [options(Param("sizeLimit", SIZE, "bytes a body may have, beyond which the stream ends; 0: no limit", MAX_BODY))],
        help="Decodes Dubbo frames from a stream of bytes. Each is a message: `id` (a string of digits), `status`, `isRequest`, "
        "`isTwoWay`, `isEvent` and the number of the `serialization` are in the head. What is no frame ends the stream with "
        "ProtocolError.",
        group="codecs",
    )
