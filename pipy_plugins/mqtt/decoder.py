"""``decodeMQTT()``: bytes to packets.

Holds one incomplete packet, ``MAX_PACKET`` bytes of it; the payload of PUBLISH passes in pieces as it comes, whatever its size.

How a packet is read depends on the protocol level, which CONNECT tells the decoder of what a client sends. That of what a server
sends learns it from the first packet: CONNACK has two bytes before 5.0 and at least three since, and AUTH is new in 5.0.
"""

from typing import Final

from pipy_core.api import (
    END,
    Data,
    Event,
    Failure,
    Filter,
    MessageStart,
    ProtocolError,
    Registry,
    StreamEnd,
    get_logger,
    hookimpl,
)
from pipy_plugins.mqtt.packets import AUTH, CONNACK, CONNECT, PUBLISH, read_packet
from pipy_plugins.mqtt.wire import read_varint

#: A packet without the payload of PUBLISH. Room for the longest will, names and filters; others refuse far less.
MAX_PACKET: Final = 256 * 1024

_log = get_logger("decodeMQTT")


class TooLarge(ProtocolError):
    """There is more in a packet than is held."""


class DecodeMQTT(Filter):
    """See the module. Data and StreamEnd are taken, other events dropped."""

    __slots__ = ("_ended", "_held", "_left", "_level", "_need", "_publishing")

    def __init__(self) -> None:
        self._held = bytearray()  # the beginning of a packet
        self._need = 0  # how long that has to become before it is worth a look
        self._left = 0  # bytes of payload that are still to come
        self._publishing = False  # within a PUBLISH
        self._level = 0  # 0: not known
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if type(event) is Data:
            if not event.payload and self._publishing:
                self.emit(event)
            try:
                self._decode(event)
            except ProtocolError as error:
                _log.warning(f"malformed packet: {error}")
                self._end(Failure.BUFFER_OVERFLOW if isinstance(error, TooLarge) else Failure.PROTOCOL_ERROR)
        elif isinstance(event, StreamEnd):
            cut_off = (self._held or self._publishing) and event.error is Failure.NONE
            self._end(Failure.PROTOCOL_ERROR if cut_off else event.error)

    def close(self) -> None:
        """See ``Filter``."""
        self._ended = True
        self._held = bytearray()

    def _end(self, error: Failure) -> None:
        self.close()
        self.emit(StreamEnd(error))

    def _decode(self, event: Data) -> None:
        data = event.payload
        if self._held:
            self._held += data
            if len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held = bytearray()
        at, size = 0, len(data)
        while at < size and not self._ended:
            if self._publishing:
                at = self._payload(event if data is event.payload else Data(data), at)
                continue
            start = at
            at = self._packet(data, at)
            if at == start:
                self._held += data[at:]
                self._need -= at
                return

    def _packet(self, data: bytes, start: int) -> int:
        """Emit the packet that begins at *start*; give where to go on, which is *start* if it is not complete."""
        length, at = read_varint(data, start + 1, shortest=self._level >= 5)
        if not at:
            self._need = len(data) + 1
            return start
        first = data[start]
        kind = first >> 4
        if kind == PUBLISH:
            end = self._end_of_head(data, at, at + length, first)
        else:
            end = at + length
            if length > MAX_PACKET:
                raise TooLarge(f"it has {length} bytes, more than {MAX_PACKET}")
        if not end or end > len(data):
            self._need = max(end, len(data) + 1)
            return start
        head = read_packet(first, data[at:end], self._level_for(kind, length))
        if kind in {CONNECT, CONNACK, AUTH}:
            self._level = head.level
        self._left = at + length - end
        self._publishing = self._left > 0
        self.emit(MessageStart(head))
        if not self._publishing and not self._ended:
            self.emit(END)
        return end

    def _level_for(self, kind: int, length: int) -> int:
        if kind == CONNACK:
            return 5 if length > 2 else 4 if self._level in {0, 5} else self._level
        if kind == CONNECT and self._level:
            raise ProtocolError("a second CONNECT")
        return 5 if kind == AUTH and not self._level else self._level

    def _end_of_head(self, data: bytes, at: int, limit: int, first: int) -> int:
        """Where the payload of a PUBLISH begins; 0 if that cannot be told yet."""
        end = at + 2
        if end <= len(data):
            end += int.from_bytes(data[at:end])
            if first & 6:
                end += 2
            if self._level >= 5 and end <= limit:
                length, behind = read_varint(data, end)
                end = behind + length if behind else 0
        else:
            end = 0
        if end > limit or (not end and limit <= len(data)):
            raise ProtocolError("the packet is too short for what it says is in it")
        if end - at > MAX_PACKET:
            raise TooLarge(f"there are {end - at} bytes in front of its payload, more than {MAX_PACKET}")
        return end

    def _payload(self, data: Data, at: int) -> int:
        payload = data.payload
        end = min(at + self._left, len(payload))
        self._left -= end - at
        self._publishing = self._left > 0
        self.emit(data if end - at == len(payload) else Data(payload[at:end]))
        if not self._publishing and not self._ended:
            self.emit(END)
        return end


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "decodeMQTT",
        DecodeMQTT,
        help="Decodes MQTT packets (3.1, 3.1.1 and 5.0) from a stream of bytes, of a client or of a server. Each is a message: "
        "what is in the packet is in the head, the payload of PUBLISH is the body. A malformed packet ends the stream with "
        "ProtocolError.",
        group="codecs",
    )
