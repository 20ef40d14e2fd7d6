"""The data types of MQTT (5.0, section 1.5; 3.1.1, section 1.5): read and written. Knows no packets."""

from typing import Any, Final

from pipy_core.api import ArgumentError, Data, ProtocolError, describe

#: The longest a string or a binary value can be: it has a length of two bytes.
LONGEST: Final = 0xFFFF
#: The largest number that a variable byte integer of four bytes holds.
LARGEST: Final = 0xFFFFFFF


def read_varint(data: bytes, at: int, *, shortest: bool = True) -> tuple[int, int]:
    """The variable byte integer at *at*, and where to go on; ``(0, 0)`` if its end has not come yet.

    :param shortest: refuse more bytes than needed (5.0, section 1.5.5).
    :raises ProtocolError: it has more than four bytes, or more than needed.
    """
    value = shift = 0
    for position in range(at, min(at + 4, len(data))):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if shortest and shift and not byte:
                raise ProtocolError("a length is written longer than needed")
            return value, position + 1
        shift += 7
    if shift == 28:
        raise ProtocolError("a length has more than four bytes")
    return 0, 0


def varint(value: int) -> bytes:
    """*value*, at most ``LARGEST``, as a variable byte integer."""
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class Reader:
    """Takes a packet apart, from its first byte behind the fixed header to its last.

    :raises ProtocolError: from every method, if the packet is too short or malformed.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next *count* bytes."""
        end = self._at + count
        if end > len(self._data):
            raise ProtocolError("the packet is too short for what it says is in it")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def two(self) -> int:
        """A Two Byte Integer."""
        return int.from_bytes(self.take(2))

    def varint(self) -> int:
        """A Variable Byte Integer."""
        value, end = read_varint(self._data, self._at)
        if not end:
            raise ProtocolError("the packet ends within a length")
        self._at = end
        return value

    def binary(self) -> bytes:
        """Binary Data."""
        return self.take(self.two())

    def text(self) -> str:
        """A UTF-8 Encoded String; neither surrogates nor U+0000 may be in it."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            raise ProtocolError("a string is not UTF-8") from None
        if "\0" in text:
            raise ProtocolError("there is U+0000 in a string")
        return text

    def identifier(self) -> int:
        """A Packet Identifier; 0 is none."""
        identifier = self.two()
        if not identifier:
            raise ProtocolError("the packet identifier is 0")
        return identifier

    def end(self) -> None:
        """Nothing may be left."""
        if self.left:
            raise ProtocolError("there is more in the packet than belongs there")


def number(value: Any, name: str, low: int, high: int) -> int:
    """*value* as a whole number within bounds; ``true`` and ``false`` are 1 and 0.

    :raises ArgumentError: it is none.
    """
    if isinstance(value, int | float) and value == value // 1 and low <= value <= high:
        return int(value)
    raise ArgumentError(f"{name} expects a number from {low} to {high}, given {describe(value)}")


def text(value: Any, name: str) -> bytes:
    """*value* as a UTF-8 Encoded String.

    :raises ArgumentError: it is no string, or none that can be sent.
    """
    if not isinstance(value, str):
        raise ArgumentError(f"{name} expects a string, given {describe(value)}")
    if "\0" in value:
        raise ArgumentError(f"there is U+0000 in {name}")
    return _with_length(value.encode("utf-8", "replace"), name)


def binary(value: Any, name: str) -> bytes:
    """*value*, a Data or a string, as Binary Data.

    :raises ArgumentError: it is neither, or too long.
    """
    if isinstance(value, Data):
        return _with_length(value.payload, name)
    if isinstance(value, str):
        return _with_length(value.encode("utf-8", "replace"), name)
    raise ArgumentError(f"{name} expects a Data or a string, given {describe(value)}")


def _with_length(content: bytes, name: str) -> bytes:
    if len(content) > LONGEST:
        raise ArgumentError(f"{name} has {len(content)} bytes, {LONGEST} are possible")
    return len(content).to_bytes(2) + content
