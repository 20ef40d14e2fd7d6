"""The form of HTTP/2 frames (RFC 9113, 4 and 6): bytes to frames and back. Knows nothing of what they do to a connection."""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from pipy_core.api import ProtocolError
from pipy_plugins.http.v2.limits import MAX_FRAME, block_limit, frame_limit

#: What a client sends first (3.4). TLS with ALPN ``h2`` leads here too.
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# -- kinds -----------------------------------------------------------------------------------------------------------------
DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

# -- flags -----------------------------------------------------------------------------------------------------------------
ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

# -- error codes -----------------------------------------------------------------------------------------------------------
NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
INTERNAL_ERROR: Final = 0x2
FLOW_CONTROL_ERROR: Final = 0x3
FRAME_SIZE_ERROR: Final = 0x6
REFUSED_STREAM: Final = 0x7
CANCEL: Final = 0x8
COMPRESSION_ERROR: Final = 0x9
ENHANCE_YOUR_CALM: Final = 0xB

# -- settings --------------------------------------------------------------------------------------------------------------
TABLE_SETTING: Final = 0x1
PUSH_SETTING: Final = 0x2
STREAMS_SETTING: Final = 0x3
WINDOW_SETTING: Final = 0x4
FRAME_SETTING: Final = 0x5
HEADERS_SETTING: Final = 0x6

#: What a window has in the beginning, and the most it can have.
FIRST_WINDOW: Final = 65535
LARGEST_WINDOW: Final = 2**31 - 1

_HEAD: Final = Struct(">HBBBL")
_HEAD_SIZE: Final = _HEAD.size
_SETTING: Final = Struct(">HL")
_WORD: Final = Struct(">L")
_TWO_WORDS: Final = Struct(">LL")


class BrokenConnection(ProtocolError):
    """The peer broke the protocol in a way that concerns all streams: send GOAWAY with *code* and end the connection."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class BrokenStream(ProtocolError):
    """The same where it concerns one stream: send RST_STREAM with *code*."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class FrameSplitter:
    """Bytes to frames. Holds one incomplete frame of at most ``MAX_FRAME`` bytes."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of every frame that is complete now. To be used up before this is called again.

        :raises BrokenConnection: a frame is longer than we have allowed.
        """
        if self._held:
            data = self._held + data
            self._held = b""
        position = 0
        left = len(data)
        while left >= _HEAD_SIZE:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, position)
            length = (high << 8) + low
            if length > MAX_FRAME:
                raise BrokenConnection(FRAME_SIZE_ERROR, "a frame is too long")
            if left < _HEAD_SIZE + length:
                break
            end = position + _HEAD_SIZE + length
            yield kind, flags, stream & LARGEST_WINDOW, data[position + _HEAD_SIZE : end]
            position = end
            left = len(data) - end
        self._held = data[position:] if position else data


class HeaderBlock:
    """A list of header fields whose end has not come. *largest*: bytes that a head may have."""

    __slots__ = ("_count", "_largest", "fields", "flags", "number")

    def __init__(self, flags: int, number: int, first: bytes, largest: int) -> None:
        self._largest = largest
        self.flags = flags
        self.number = number
        self.fields = bytearray(first)
        self._count = 0

    def add(self, more: bytes) -> bool:
        """Add *more*; gives whether that is not too much."""
        self.fields += more
        self._count += 1
        return len(self.fields) <= block_limit(self._largest) and self._count <= frame_limit(self._largest)


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """The bytes of a frame."""
    length = len(payload)
    return _HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def header_frames(stream: int, block: bytes, end: bool, limit: int) -> bytes:
    """HEADERS, and CONTINUATION where *block* is longer than *limit*, what the peer takes in one frame."""
    flags = END_STREAM if end else 0
    if len(block) <= limit:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    pieces = [frame(HEADERS, flags, stream, block[:limit])]
    for start in range(limit, len(block), limit):
        last = start + limit >= len(block)
        pieces.append(frame(CONTINUATION, END_HEADERS if last else 0, stream, block[start : start + limit]))
    return b"".join(pieces)


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*item) for item in values.items()))


def window_update(stream: int, increment: int) -> bytes:
    """A WINDOW_UPDATE frame."""
    return frame(WINDOW_UPDATE, 0, stream, _WORD.pack(increment))


def rst_stream(stream: int, code: int) -> bytes:
    """A RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, _WORD.pack(code))


def goaway(last: int, code: int) -> bytes:
    """A GOAWAY frame: streams of the peer above *last* have not been looked at."""
    return frame(GOAWAY, 0, 0, _TWO_WORDS.pack(last, code))


def read_word(payload: bytes) -> int:
    """The number that RST_STREAM or WINDOW_UPDATE consist of.

    :raises BrokenConnection: *payload* does not have the size of one.
    """
    if len(payload) != 4:
        raise BrokenConnection(FRAME_SIZE_ERROR, "not the size of its kind of frame")
    number: int = _WORD.unpack(payload)[0]
    return number


def read_goaway(payload: bytes) -> int:
    """The last stream that the peer has looked at, or will.

    :raises BrokenConnection: *payload* is too short.
    """
    if len(payload) < 8:
        raise BrokenConnection(FRAME_SIZE_ERROR, "GOAWAY is too short")
    last: int = _TWO_WORDS.unpack_from(payload)[0]
    return last & LARGEST_WINDOW


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Names and values of a SETTINGS frame in their order, those within limits that RFC 9113, 6.5.2 sets.

    :raises BrokenConnection: one is not, or *payload* is cut off.
    """
    if len(payload) % _SETTING.size:
        raise BrokenConnection(FRAME_SIZE_ERROR, "SETTINGS are cut off")
    values: list[tuple[int, int]] = list(_SETTING.iter_unpack(payload))
    for name, value in values:
        if name == WINDOW_SETTING and value > LARGEST_WINDOW:
            raise BrokenConnection(FLOW_CONTROL_ERROR, "the window is too large")
        if (name == PUSH_SETTING and value > 1) or (name == FRAME_SETTING and not 2**14 <= value < 2**24):
            raise BrokenConnection(PROTOCOL_ERROR, "an impossible setting")
    return values


def unpadded(flags: int, payload: bytes) -> bytes:
    """*payload* without padding, and without the priority that comes in front of HEADERS where *flags* say so.

    :raises BrokenConnection: there is more padding than payload.
    """
    start = 0
    end = len(payload)
    if flags & PADDED:
        if not payload:
            raise BrokenConnection(FRAME_SIZE_ERROR, "padding without its length")
        start = 1
        end -= payload[0]
    if flags & WITH_PRIORITY:
        start += 5
    if start > end:
        raise BrokenConnection(PROTOCOL_ERROR, "more padding than payload")
    return payload[start:end] if start or end < len(payload) else payload
