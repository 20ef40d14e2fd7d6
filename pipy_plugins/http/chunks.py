"""Chunked bodies, taken apart by llhttp. Decides only where the body ends; what follows is somebody else's."""

import re
from typing import Final

import httptools

from pipy_plugins.http.framing import BadMessage

_HEAD: Final = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
_END: Final = b"\r\n\r\n"
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]+)(?:;[^\n]*)?\r\n")

#: Chunk extensions and trailers together, beyond what the framing of the chunks itself needs. Node allows 16 KiB of extensions.
MAX_OVERHEAD: Final = 16 * 1024
#: The longest size line without extension, and the line end behind the chunk.
_PER_CHUNK: Final = 20


class Dechunker:
    """One body. Extensions are ignored and trailers dropped (RFC 9112, 7.1.1 and 7.1.2).

    llhttp judges the form, but does not tell where in its input a message ended. That is at the first empty line behind the size 0:
    so it is fed what there is up to that line, and from there on up to an empty one.
    """

    def __init__(self) -> None:
        self.done = False
        self._pieces: list[bytes] = []
        self._line = b""  # what has come of a size line
        self._left = 0  # bytes of a chunk, and of the line end behind it, that are still to come
        self._tail = b""  # the last bytes so far, behind the size 0
        self._allowed = MAX_OVERHEAD
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    def feed(self, data: bytes, start: int) -> tuple[list[bytes], int]:
        """Take *data* from *start* on; give the pieces of the body and where it stopped reading, which is its end if ``done``.

        :raises BadMessage: the framing is wrong, or there is too much beside the body.
        """
        view = memoryview(data)
        at = start
        while at < len(data) and not self.done:
            end = self._next(data, at)
            try:
                self._parser.feed_data(view[at:end])
            except httptools.HttpParserError as error:
                raise BadMessage(400, str(error)) from None
            at = end
        pieces, self._pieces = self._pieces, []
        self._allowed -= at - start - sum(map(len, pieces))
        if self._allowed < 0:
            raise BadMessage(400, "chunk extensions or trailers too long")
        return pieces, at

    def close(self) -> None:
        """Cut the tie between the parser and its callbacks."""
        del self._parser

    def _next(self, data: bytes, at: int) -> int:
        """Up to where *data* can be parsed in one go from *at* on: behind the size 0 or the end, or all of it."""
        if self._tail:
            return self._empty_line(data, at)
        at += self._left
        self._left = 0
        while at < len(data):
            found = _SIZE_LINE.match(data, at) if not self._line else None
            if found is not None:
                size, end = found[1], found.end()
            else:
                size, end = self._piecemeal(data, at)
                if not size:
                    return end
            length = int(size, 16)
            if not length:
                self._tail = b"\r\n"
                return end + 2 if data.startswith(b"\r\n", end) else end  # mostly there are no trailers
            at = end + length + 2
        self._left = at - len(data)
        return len(data)

    def _piecemeal(self, data: bytes, at: int) -> tuple[bytes, int]:
        """The size in a line that comes in several pieces, and where it ends; no size if it goes on."""
        end = data.find(b"\n", at) + 1 or len(data)
        self._line += data[at:end]
        found = _SIZE_LINE.fullmatch(self._line)
        if found is None:
            if self._line.endswith(b"\n"):
                raise BadMessage(400, "malformed size of a chunk")
            return b"", end
        self._line = b""
        return found[1], end

    def _empty_line(self, data: bytes, at: int) -> int:
        across = (self._tail + data[at : at + 3]).find(_END)
        if across >= 0:
            return at + across + 4 - len(self._tail)
        end = data.find(_END, at)
        end = len(data) if end < 0 else end + 4
        self._tail = (self._tail + data[max(at, end - 3) : end])[-3:]
        return end

    def on_chunk_header(self) -> None:
        """Called by the parser."""
        self._allowed += _PER_CHUNK

    def on_body(self, piece: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.done = True
