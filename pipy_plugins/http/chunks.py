"""Chunked bodies, taken apart by llhttp. Decides only where the body ends; what follows is somebody else's."""

from typing import Final

import httptools

from pipy_plugins.http.framing import BadMessage

_HEAD: Final = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
_END: Final = b"\r\n\r\n"

#: Chunk extensions and trailers together, beyond what the framing of the chunks itself needs. Node allows 16 KiB of extensions.
MAX_OVERHEAD: Final = 16 * 1024
#: The longest size line without extension, and the line end behind the chunk.
_PER_CHUNK: Final = 20


class Dechunker:
    """One body. Extensions are ignored and trailers dropped (RFC 9112, 7.1.1 and 7.1.2).

    llhttp does not tell where in its input a message ended, but a chunked body always ends with an empty line. So it is fed up to
    one possible end at a time.
    """

    def __init__(self) -> None:
        self.done = False
        self._pieces: list[bytes] = []
        self._tail = b""
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
            end = self._possible_end(data, at)
            try:
                self._parser.feed_data(view[at:end])
            except httptools.HttpParserError as error:
                raise BadMessage(400, str(error)) from None
            self._tail = (self._tail + data[max(at, end - 3) : end])[-3:]
            at = end
        pieces, self._pieces = self._pieces, []
        self._allowed -= at - start - sum(map(len, pieces))
        if self._allowed < 0:
            raise BadMessage(400, "chunk extensions or trailers too long")
        return pieces, at

    def close(self) -> None:
        """Cut the tie between the parser and its callbacks."""
        del self._parser

    def _possible_end(self, data: bytes, at: int) -> int:
        if self._tail:
            across = (self._tail + data[at : at + 3]).find(_END)
            if across >= 0:
                return at + across + 4 - len(self._tail)
        end = data.find(_END, at)
        return len(data) if end < 0 else end + 4

    def on_chunk_header(self) -> None:
        """Called by the parser."""
        self._allowed += _PER_CHUNK

    def on_body(self, piece: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.done = True
