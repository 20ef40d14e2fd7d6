"""The first message of a TLS client, read from bytes as they come (RFC 8446, 4.1.2 and 5.1). Looks only; changes nothing."""

from collections.abc import Iterator
from typing import Final, NamedTuple

#: Bytes of records in which the message must be complete. Usual ones have 2 KB; OpenSSL takes up to 128 KB.
MAX_HELLO: Final = 64 * 1024
#: Plaintext of one record at most.
_MAX_RECORD: Final = 16 * 1024

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_SERVER_NAME: Final = 0
_ALPN: Final = 16
_HOST_NAME: Final = 0


class NotHello(Exception):
    """These bytes do not begin with the ClientHello of TLS, or it is malformed, or too long."""


class Hello(NamedTuple):
    """What a client says of whom and what it wants; None: the extension is not there."""

    server_names: list[str] | None
    protocol_names: list[str] | None


class HelloReader:
    """Reads one ClientHello, in one record or several, each in any number of pieces.

    :ivar received: all that was fed.
    """

    __slots__ = ("_at", "_message", "received")

    def __init__(self) -> None:
        self.received = bytearray()
        self._at = 0  # where the next record begins
        self._message = bytearray()

    def feed(self, piece: bytes) -> Hello | None:
        """Take the next bytes; None as long as it is not complete.

        :raises NotHello: it will never be.
        """
        received = self.received
        received += piece
        while self._next_record():
            if self._message[0] != _CLIENT_HELLO:
                raise NotHello("another message")
            size = int.from_bytes(self._message[1:4]) if len(self._message) >= 4 else MAX_HELLO
            if len(self._message) >= size + 4:
                return _parse(bytes(self._message[4 : size + 4]))
        if len(received) > MAX_HELLO:
            raise NotHello("too long")
        return None

    def _next_record(self) -> bool:
        received, at = self.received, self._at
        if len(received) > at and received[at] != _HANDSHAKE:
            raise NotHello("another kind of record")
        if len(received) > at + 1 and received[at + 1] != 3:
            raise NotHello("another version")
        if len(received) < at + 5:
            return False
        size = int.from_bytes(received[at + 3 : at + 5])
        if not 0 < size <= _MAX_RECORD:
            raise NotHello("a record of a wrong size")
        if len(received) < at + 5 + size:
            return False
        self._message += received[at + 5 : at + 5 + size]
        self._at = at + 5 + size
        return True


class _Cursor:
    """Takes vectors (RFC 8446, 3.4) from the front of some bytes."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, content: bytes) -> None:
        self._bytes = content
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._bytes)

    def take(self, count: int) -> bytes:
        """The next *count* bytes."""
        taken = self._bytes[self._at : self._at + count]
        if len(taken) < count:
            raise NotHello("malformed")
        self._at += count
        return taken

    def number(self, count: int) -> int:
        """A number of *count* bytes."""
        return int.from_bytes(self.take(count))

    def vector(self, count: int) -> bytes:
        """A vector whose length is given in *count* bytes."""
        return self.take(self.number(count))


def _parse(body: bytes) -> Hello:
    cursor = _Cursor(body)
    cursor.take(2 + 32)  # version and random
    cursor.vector(1)  # session
    cursor.vector(2)  # cipher suites
    cursor.vector(1)  # compression
    names = protocols = None
    extensions = _Cursor(cursor.vector(2)) if cursor else _Cursor(b"")
    while extensions:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = list(_names(content))
        elif kind == _ALPN:
            protocols = list(_protocols(content))
    return Hello(names, protocols)


def _names(content: bytes) -> Iterator[str]:
    entries = _Cursor(_Cursor(content).vector(2))
    while entries:
        kind, name = entries.number(1), entries.vector(2)
        if kind == _HOST_NAME:
            yield name.decode("latin-1")


def _protocols(content: bytes) -> Iterator[str]:
    entries = _Cursor(_Cursor(content).vector(2))
    while entries:
        yield entries.vector(1).decode("latin-1")
