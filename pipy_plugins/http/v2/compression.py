"""Header compression (HPACK, RFC 7541) on top of the library, faster where the same fields come again and again.

Most of a list of header fields is the same from message to message. As long as the table of a connection has not changed, equal
fields are equal bytes: these are remembered. So fields that change with each request are kept out of the table, and so are those
that are secret: the requests of many users share it, and none of them must be able to guess what is in it (RFC 7541, 7.1).
"""

from typing import Final

from hpack import Encoder, HPACKDecodingError, InvalidTableSizeError, OversizedHeaderListError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import HEADER_TABLE

#: Lists of fields that are remembered for one connection, and their size.
_REMEMBERED: Final = 64
_MAX_REMEMBERED: Final = 2048
_MAX_FIELDS: Final = 100
#: Fields that are different each time, or secret.
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
#: What each field counts beside its bytes.
_FIELD_OVERHEAD: Final = 32
#: The bytes of a number behind the first: enough for 32 bits.
_SHIFTS: Final = range(0, 35, 7)
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
        """Bytes that the peer remembers, not more than ``HEADER_TABLE``. h2 knows it by this name, and sets it."""
        return int(self._encoder.header_table_size)

    @header_table_size.setter
    def header_table_size(self, size: int) -> None:
        size = min(size, HEADER_TABLE)
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
        state = _newest(encoder.header_table)
        if state is not self._state or len(self._remembered) >= _REMEMBERED:
            self._state = state
            self._remembered.clear()
        elif len(encoded) <= _MAX_REMEMBERED:
            self._remembered[fields] = encoded
        return encoded


class BlockDecoder:
    """Bytes to lists of header fields.

    Only the tables and the Huffman code are the library's: it looks at each field through a dozen functions.

    :param limit: bytes of one list, decoded, with 32 more for each field (RFC 9113, 6.5.2).
    """

    __slots__ = ("_limit", "_remembered", "_state", "_table")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._table = HeaderTable()
        self._table.maxsize = HEADER_TABLE
        self._remembered: dict[bytes, Block] = {}
        self._state: object = None

    def decode(self, data: bytes, raw: bool = True) -> Block:
        """The fields; not to be changed.

        :param raw: fields are bytes; h2 says so, and there is nothing else here.
        :raises hpack.HPACKError: *data* is malformed, or too much. Nothing more can be decoded.
        """
        assert raw
        known = self._remembered.get(data)
        if known is not None:
            return known
        block = self._decode(data)
        state = _newest(self._table)
        if state is not self._state or len(self._remembered) >= _REMEMBERED or data[:1] in _SIZE_UPDATES:
            self._state = state
            self._remembered.clear()
        elif len(data) <= _MAX_REMEMBERED and len(block) <= _MAX_FIELDS:
            self._remembered[data] = block
        return block

    def _decode(self, data: bytes) -> Block:
        block: Block = []
        position = size = 0
        while position < len(data):
            first = data[position]
            if first & 0x80:
                index, position = _integer(data, position, 0x7F)
                field = self._table.get_by_index(index)
            elif first & 0xE0 == 0x20:
                position = self._resize(data, position, not block)
                continue
            else:
                field, position = self._literal(data, position, first & 0x40)
            block.append(field)
            size += len(field[0]) + len(field[1]) + _FIELD_OVERHEAD
            if size > self._limit:
                raise OversizedHeaderListError(f"more than {self._limit} bytes of header fields")
        return block

    def _literal(self, data: bytes, position: int, lasts: int) -> tuple[tuple[bytes, bytes], int]:
        """A field that is not in the table (RFC 7541, 6.2), and is put there if it *lasts*."""
        index, position = _integer(data, position, 0x3F if lasts else 0x0F)
        if index:
            name = self._table.get_by_index(index)[0]
        else:
            name, position = _string(data, position)
        value, position = _string(data, position)
        if lasts:
            self._table.add(name, value)
        return (name, value), position

    def _resize(self, data: bytes, position: int, may: bool) -> int:
        """The peer changes the size of the table, which it *may* in front of all fields (RFC 7541, 4.2)."""
        size, position = _integer(data, position, 0x1F)
        if size > HEADER_TABLE or not may:
            raise InvalidTableSizeError("the table cannot be resized like this")
        self._table.maxsize = size
        return position


def _integer(data: bytes, position: int, mask: int) -> tuple[int, int]:
    """A number that begins in the bits of *mask* (RFC 7541, 5.1), and where it ends."""
    try:
        number = data[position] & mask
        position += 1
        if number < mask:
            return number, position
        for shift in _SHIFTS:
            byte = data[position]
            position += 1
            number += (byte & 0x7F) << shift
            if byte < 0x80:
                return number, position
    except IndexError:
        raise HPACKDecodingError("a number is cut off") from None
    raise HPACKDecodingError("a number is too large")


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    """A text (RFC 7541, 5.2), and where it ends."""
    length, start = _integer(data, position, 0x7F)
    end = start + length
    if end > len(data):
        raise HPACKDecodingError("a text is cut off")
    text = data[start:end]
    return decode_huffman(text) if data[position] & 0x80 else text, end


def _newest(table: HeaderTable) -> object:
    entries = table.dynamic_entries
    return entries[0] if entries else None
