"""Bytes to messages: the state machine that requests and responses share.

Decides where a message begins and ends and nothing else. Knows no filters: events go to a callable. Between two calls the
decoder holds at most one incomplete head (``max_header_size``), or what came while it waits or pauses (see ``RequestDecoder``).
"""

import re
from abc import ABC, abstractmethod
from enum import Enum
from typing import Final

import httptools

from pipy_core.api import END, Data, Emit, Limits
from pipy_plugins.http.chunks import Dechunker
from pipy_plugins.http.framing import LIMITS, BadMessage, Fields, read_fields

TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
TARGET: Final = rb"[\x21\x22\x24-\x7e\x80-\xff]+"  # no blanks, no controls, no fragment
TOO_LONG: Final = re.compile(rb"%b [^\r\n]*" % TOKEN)


def partial(*parts: bytes) -> re.Pattern[bytes]:
    """What a line made of *parts* may look like before it is complete."""
    pattern = b""
    for part in reversed(parts):
        pattern = rb"(?:%b%b)?" % (part, pattern)
    return re.compile(pattern)


#: Empty lines before a message that are skipped (RFC 9112, 2.2 asks for one).
_MAX_EMPTY_LINES: Final = 4


class State(Enum):
    """What the next byte belongs to."""

    HEAD = "head"
    LENGTH = "a body of known length"
    CHUNKS = "a chunked body"
    REST = "a body that ends with the stream"
    PAUSE = "a head whose time has not come"
    WAIT = "nobody knows yet: another protocol was asked for"
    TUNNEL = "another protocol"
    DONE = "nobody: it is dropped"


HEAD, LENGTH, CHUNKS, REST, PAUSE, WAIT, TUNNEL, DONE = State


class Decoder(ABC):
    """What requests and responses share. Messages go to *emit* as ``MessageStart``, ``Data``..., ``MessageEnd``.

    :param limits: how large a head may be.
    """

    __slots__ = (
        "_after",
        "_chunks",
        "_emit",
        "_empty",
        "_held",
        "_left",
        "_limits",
        "_probe",
        "_probed",
        "broken_inside",
        "more",
        "state",
    )

    #: The form of an incomplete start line.
    some_line: re.Pattern[bytes]

    def __init__(self, emit: Emit, limits: Limits = LIMITS) -> None:
        self._emit = emit
        self._limits = limits
        self.state = HEAD
        self._after = HEAD  # the state behind the current message
        self._held = b""
        self._left = 0
        self._chunks: Dechunker | None = None
        self._empty = 0
        self._probe: httptools.HttpRequestParser | None = None  # has seen the fields of an incomplete head
        self._probed = 0
        self.broken_inside = False  # feed has raised within a message that had begun
        self.more = False  # there was something behind the last message when its end was emitted

    @property
    def held(self) -> int:
        """How many bytes are kept because they cannot, or must not, be understood yet."""
        return len(self._held)

    @property
    def in_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return self.state is LENGTH or self.state is CHUNKS or self.state is REST

    @property
    def line(self) -> bytes:
        """What has come of the start line of a head that is not complete."""
        return self._line(self._held, 0)

    def _line(self, data: bytes, start: int) -> bytes:
        return data[start : start + self._limits.max_request_line].partition(b"\r\n")[0]

    def feed(self, data: bytes) -> None:
        """Decode *data*; events are emitted before this returns.

        :raises BadMessage: the peer broke the protocol; what was right has been emitted, everything from here on is dropped.
        """
        if self._held:
            data = self._held + data if data else self._held
            self._held = b""
        position = 0
        size = len(data)
        try:
            while position < size:
                if self.state is HEAD:
                    end = data.find(b"\r\n\r\n", position)
                    position = self._read_head(data, position, end + 4) if end >= 0 else self._incomplete(data, position)
                else:
                    position = self._read_body(data, position)
        except BadMessage as error:
            self.broken_inside = self.in_message
            if self.state is HEAD:
                error.line = self._line(data, position)
            self.close()
            raise

    def tunnel(self) -> None:
        """The other protocol was agreed upon: all that comes is Data."""
        self._go_on(TUNNEL)

    def resume(self) -> None:
        """It was not: what comes is the next message.

        :raises BadMessage: see ``feed``; what was kept is decoded at once.
        """
        self._go_on(HEAD)

    def _go_on(self, state: State) -> None:
        if self.state is WAIT:
            self.state = state
            self.feed(b"")
        elif self._after is WAIT:
            self._after = state

    def stop(self) -> None:
        """Drop everything behind the message that has begun. One for another protocol may still lead to it."""
        if self._after is HEAD:
            if self.state is HEAD:
                self.close()
            self._after = DONE

    def close(self) -> None:
        """Drop everything that comes from now on."""
        self.state = DONE
        self._held = b""
        self._probe = None
        if self._chunks is not None:
            self._chunks.close()
            self._chunks = None

    @abstractmethod
    def _read_head(self, data: bytes, start: int, end: int) -> int:
        """Take the head in ``data[start:end]``; give where to go on. Sets the state, then emits."""

    def _incomplete(self, data: bytes, start: int) -> int:
        """Keep the beginning of a head, if it can still become one: garbage is refused at its first byte."""
        if data.startswith(b"\r\n", start):
            return self._skip_empty_line(start)
        self._held = data[start:] if start else data
        size = len(data) - start
        line_end = self._held.find(b"\r\n")
        limits = self._limits
        if line_end < 0:
            if self._held != b"\r" and self.some_line.fullmatch(self._held) is None:
                too_long = size > limits.max_request_line and TOO_LONG.match(self._held) is not None
                raise BadMessage(414 if too_long else 400, "malformed start line")
            if size > limits.max_request_line:
                raise BadMessage(414, "start line too long")
            return len(data)
        if size > limits.max_header_size:
            raise BadMessage(431, "head too large")
        if self._probe is None:
            self._check_line(self._held[: line_end + 2])
            self._probe = httptools.HttpRequestParser(None)
            self._probe.feed_data(b"GET / HTTP/1.1")
            self._probed = line_end
        try:
            self._probe.feed_data(self._held[self._probed :])
        except httptools.HttpParserError as error:
            raise BadMessage(400, str(error)) from None
        self._probed = size
        return len(data)

    @abstractmethod
    def _check_line(self, line: bytes) -> None:
        """Raise BadMessage if the start line *line* is malformed."""

    def _skip_empty_line(self, start: int) -> int:
        self._empty += 1
        if self._empty > _MAX_EMPTY_LINES:
            raise BadMessage(400, "empty lines instead of a message")
        return start + 2

    def _fields(self, data: bytes, start: int, line_end: int, end: int) -> Fields:
        limits = self._limits
        if line_end - start > limits.max_request_line:
            raise BadMessage(414, "start line too long")
        if end - start > limits.max_header_size:
            raise BadMessage(431, "head too large")
        self._probe = None
        self._empty = 0
        return read_fields(data[line_end:end], limits.max_header_count)

    def _expect_body(self, fields: Fields, after: State) -> None:
        """Set the state for a message with *fields* whose body they delimit."""
        self._after = after
        if fields.chunked:
            self._chunks = Dechunker()
            self.state = CHUNKS
        else:
            self._left = fields.length or 0
            self.state = LENGTH if self._left else after

    def _read_body(self, data: bytes, start: int) -> int:
        state = self.state
        if state is LENGTH:
            return self._read_length(data, start)
        if state is CHUNKS:
            return self._read_chunks(data, start)
        if state is WAIT or state is PAUSE:
            self._held = data[start:]
        elif state is not DONE:
            self._emit(Data(data[start:] if start else data))
        return len(data)

    def _read_length(self, data: bytes, start: int) -> int:
        available = len(data) - start
        if available < self._left:
            self._left -= available
            self._emit(Data(data[start:] if start else data))
            return len(data)
        end = start + self._left
        self._left = 0
        self.more = end < len(data)
        self._emit(Data(data[start:end] if start or end < len(data) else data))
        if self.state is LENGTH:
            self._end_message()
        return end

    def _read_chunks(self, data: bytes, start: int) -> int:
        chunks = self._chunks
        assert chunks is not None
        pieces, end = chunks.feed(data, start)
        self.more = end < len(data)
        if pieces:
            self._emit(Data(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        if chunks.done and self.state is CHUNKS:
            chunks.close()
            self._chunks = None
            self._end_message()
        return end

    def _end_message(self) -> None:
        self.state = self._after
        self._emit(END)
