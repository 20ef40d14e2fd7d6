"""``encodeMQTT()``: packets to bytes.

A head that nobody has changed since ``decodeMQTT`` goes out with the bytes it came in. Holds the payload of one PUBLISH, whose
length is to be sent in front of it; see ``kit.body``.
"""

from typing import Any

from pipy_core.api import (
    END,
    ArgumentError,
    Body,
    Data,
    Event,
    Failure,
    Filter,
    Head,
    MessageEnd,
    MessageStart,
    Registry,
    StreamEnd,
    get_logger,
    hookimpl,
)
from pipy_plugins.mqtt.packets import NAMES, NUMBERS, PacketHead
from pipy_plugins.mqtt.wire import number, varint
from pipy_plugins.mqtt.writing import write_packet

_log = get_logger("encodeMQTT")


class EncodeMQTT(Filter):
    """Messages in, the same messages out with the bytes of the packets as Data. One that cannot be sent is logged and left out."""

    __slots__ = ("_body", "_ended", "_level", "_start")

    def __init__(self) -> None:
        self._level = 0  # 0: not known, which is written like 4
        self._start: MessageStart | None = None
        self._body: Body | None = None
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Data outside of messages is dropped. The end of the stream ends an open message unless it is an error."""
        if self._ended:
            return
        if type(event) is Data:
            self._collect(event)
        elif isinstance(event, MessageStart):
            self._start, self._body = event, None
        elif isinstance(event, MessageEnd):
            self._finish()
        elif isinstance(event, StreamEnd):
            if event.error is Failure.NONE:
                self._finish()
            self._end(event)

    def close(self) -> None:
        """See ``Filter``."""
        self._ended = True
        self._start = self._body = None

    def _end(self, event: StreamEnd) -> None:
        if not self._ended:
            self.close()
            self.emit(event)

    def _collect(self, data: Data) -> None:
        if self._start is None or not data.payload:
            return
        if self._body is None:
            self._body = Body(most=self.host.limits.max_body_buffer)
        if not self._body.add(data):
            _log.error("the payload of a PUBLISH is too large")
            self._end(StreamEnd(Failure.BUFFER_OVERFLOW))

    def _finish(self) -> None:
        start, body = self._start, self._body
        self._start = self._body = None
        if start is None:
            return
        try:
            first, packet = self._packet(start.head)
        except ArgumentError as error:
            _log.error(str(error))
            return
        payload = body.data() if body is not None and first >> 4 == NUMBERS["PUBLISH"] else None
        size = len(packet) + (len(payload.payload) if payload is not None else 0)
        self.emit(start)
        self.emit(Data(bytes((first,)) + varint(size) + packet))
        if payload is not None:
            self.emit(payload)
        if not self._ended:
            self.emit(END)

    def _packet(self, head: Head | None) -> tuple[int, bytes]:
        fields = head.fields if head is not None else {}
        name = fields.get("type")
        if not isinstance(name, str) or name not in NUMBERS:
            raise ArgumentError("invalid packet type")
        try:
            self._learn(name, fields)
            if isinstance(head, PacketHead) and head.wire is not None and (head.level >= 5) == (self._level >= 5):
                return head.first, head.wire
            return write_packet(fields, self._level)
        except ArgumentError as error:
            raise ArgumentError(f"{name}: {error}") from None

    def _learn(self, name: str, fields: dict[str, Any]) -> None:
        """What a packet says of the protocol level."""
        if name == "CONNECT":
            level = fields.get("protocolLevel") or 4
        elif name == "CONNACK":
            level = fields.get("protocolLevel") or self._level or 4
        elif name == "AUTH" and not self._level:
            level = 5
        else:
            return
        self._level = number(level, "protocolLevel", min(NAMES), max(NAMES))


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "encodeMQTT",
        EncodeMQTT,
        help="Encodes messages as MQTT packets. The level of the protocol is that of the first packet: `protocolLevel` of CONNECT "
        "or CONNACK, 4 unless given. A packet whose head is not valid is logged and left out.",
        group="codecs",
    )
