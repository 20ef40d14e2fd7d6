"""Header compression (HPACK, RFC 7541) on top of the library, faster where the same fields come again and again.

Most of a list of header fields is the same from message to message. As long as the table of a connection has not changed, equal
fields are equal bytes: these are remembered. So fields that change with each request are kept out of the table, and so are those
that are secret: the requests of many users share it, and none of them must be able to guess what is in it (RFC 7541, 7.1).
"""

from typing import Any, Final

from hpack import Decoder, Encoder

from pipy_plugins.http.v2.heads import Block

#: Lists of fields that are remembered for one connection, and their size.
_REMEMBERED: Final = 64
_MAX_REMEMBERED: Final = 2048
_PASSING: Final = frozenset(
    {
        b":path",
        b"age",
        b"authorization",
        b"content-length",
        b"content-range",
        b"cookie",
        b"etag",
        b"if-modified-since",
        b"if-none-match",
        b"last-modified",
        b"location",
        b"proxy-authorization",
        b"referer",
        b"set-cookie",
        b"traceparent",
        b"x-forwarded-for",
        b"x-request-id",
    }
)
#: How a path that is not in the table begins that must not be put there.
_PATH: Final = 0x14
#: The same for a length.
_LENGTH: Final = b"\x1f\x0d"
_SHORT: Final = 127
#: How blocks begin that change the size of the table, which drops its oldest entries.
_SIZE_UPDATES: Final = frozenset(bytes([first]) for first in range(0x20, 0x40))


class BlockEncoder:
    """Lists of header fields to bytes."""

    __slots__ = ("_encoder", "_remembered", "_resized", "_state")

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._remembered: dict[tuple[tuple[bytes, bytes], ...], bytes] = {}
        self._state: object = None  # the newest entry of the table, for which these are right
        self._resized = False  # that has to be said first

    @property
    def header_table_size(self) -> int:
        """Bytes that the peer remembers. Named as h2 knows it, which sets it when the peer says so."""
        return int(self._encoder.header_table_size)

    @header_table_size.setter
    def header_table_size(self, size: int) -> None:
        if size != self._encoder.header_table_size:  # said twice, the library would forget to pass it on
            self._encoder.header_table_size = size
            self._remembered.clear()
            self._resized = True

    def encode(self, block: Block) -> bytes:
        """The bytes of *block*, in which pseudo-header fields come first."""
        lasting = []
        passing = []
        path = length = b""
        for field in block:
            name = field[0]
            if name not in _PASSING:
                lasting.append(field)
            elif name == b":path":
                path = field[1]
            elif name == b"content-length" and not length and len(field[1]) < _SHORT:
                length = b"%b%c%b" % (_LENGTH, len(field[1]), field[1])
            else:
                passing.append((*field, True))
        encoder = self._encoder
        opening = b""
        if self._resized or len(path) >= _SHORT:
            self._resized = False
            opening = encoder.encode([(b":path", path, True)] if path else [])
        elif path:
            opening = b"%c%c%b" % (_PATH, len(path), path)
        encoded = opening + self._encode_lasting(tuple(lasting)) + length
        return encoded + encoder.encode(passing) if passing else encoded

    def _encode_lasting(self, fields: tuple[tuple[bytes, bytes], ...]) -> bytes:
        known = self._remembered.get(fields)
        if known is not None:
            return known
        encoder = self._encoder
        encoded: bytes = encoder.encode(fields)
        state = _newest(encoder)
        if state is not self._state or len(self._remembered) >= _REMEMBERED:
            self._state = state
            self._remembered.clear()
        elif len(encoded) <= _MAX_REMEMBERED:
            self._remembered[fields] = encoded
        return encoded


class BlockDecoder:
    """Bytes to lists of header fields.

    :param limit: bytes of one list, decoded.
    """

    __slots__ = ("_decoder", "_remembered", "_state")

    def __init__(self, limit: int) -> None:
        self._decoder = Decoder(limit)
        self._remembered: dict[bytes, Block] = {}
        self._state: object = None

    def decode(self, data: bytes) -> Block:
        """The fields; not to be changed.

        :raises hpack.HPACKError: *data* is malformed, or too much.
        """
        known = self._remembered.get(data)
        if known is not None:
            return known
        decoder = self._decoder
        block = [(bytes(name), bytes(value)) for name, value in decoder.decode(data, raw=True)]
        state = _newest(decoder)
        if state is not self._state or len(self._remembered) >= _REMEMBERED or data[:1] in _SIZE_UPDATES:
            self._state = state
            self._remembered.clear()
        elif len(data) <= _MAX_REMEMBERED:
            self._remembered[data] = block
        return block


def _newest(coder: Any) -> object:
    entries = coder.header_table.dynamic_entries
    return entries[0] if entries else None
