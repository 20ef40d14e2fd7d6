"""Bytes to responses: status lines, and which responses have no body."""

import re
from collections.abc import Callable
from typing import Final

from pipy_core.api import END, Emit, Failure, Limits, MessageStart
from pipy_plugins.http.decoder import DONE, HEAD, REST, TUNNEL, Decoder, partial
from pipy_plugins.http.framing import LIMITS, BadMessage, Fields
from pipy_plugins.http.heads import ResponseHead
from pipy_plugins.http.status import STATUSES

#: Interim responses before a final one. Progress reports every few seconds may be many, but not endless.
MAX_INTERIM: Final = 128

_REASON: Final = rb"[\t\x20-\x7e\x80-\xff]*"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9](?: %b)?)(?=\r\n)" % _REASON)
_SOME_STATUS: Final = partial(
    b"H", b"T", b"T", b"P", b"/", b"1", rb"\.", b"[01]", b" ", b"[1-9]", b"[0-9]", b"[0-9]", rb"(?:\r| %b\r?)" % _REASON
)


class ResponseDecoder(Decoder):
    """Responses from a server.

    :param method: asked at each final response: the method of the request it answers. ``HEAD`` responses have no body, a
        successful one to ``CONNECT`` begins a tunnel.
    :param interim: where 1xx responses go that are not 101.
    """

    __slots__ = ("_interim", "_interims", "_method")
    some_line = _SOME_STATUS

    def __init__(
        self, emit: Emit, method: Callable[[], str], interim: Callable[[ResponseHead], None], limits: Limits = LIMITS
    ) -> None:
        super().__init__(emit, limits)
        self._method = method
        self._interim = interim
        self._interims = 0

    def _read_head(self, data: bytes, start: int, end: int) -> int:
        match = _STATUS_LINE.match(data, start, end)
        if match is None:
            if data.startswith(b"\r\n", start):
                return self._skip_empty_line(start)
            raise BadMessage(502, "malformed status line")
        first = match.group(2)
        status = STATUSES[first[:3]]
        fields = self._fields(data, start, match.end(), end)
        head = ResponseHead(status, first, 1 if match.group(1) == b"1" else 0, fields)
        if status < 200 and status != 101:
            self._interims += 1
            if self._interims > MAX_INTERIM:
                raise BadMessage(502, "too many interim responses")
            self._interim(head)
            return end
        self._interims = 0
        self._frame(status, fields)
        complete = self.state is self._after
        self._emit(MessageStart(head))
        if complete and self.state is self._after:
            self._emit(END)
        return end

    def _frame(self, status: int, fields: Fields) -> None:
        """RFC 9112, 6.3."""
        method = self._method()
        if status == 101 or (method == "CONNECT" and 200 <= status < 300):
            self._after = self.state = TUNNEL
        elif method == "HEAD" or status in (204, 304):
            self._after = self.state = HEAD
        elif fields.chunked or fields.length is not None:
            self._expect_body(fields, HEAD)
        else:
            self._after = DONE
            self.state = REST

    def _check_line(self, line: bytes) -> None:
        if _STATUS_LINE.match(line) is None:
            raise BadMessage(502, "malformed status line")

    def finish(self, failure: Failure) -> Failure:
        """The stream has ended with *failure*. Ends a body that ends with the stream; gives the failure of what is incomplete.

        What is cut off without an error counts as ``ConnectionReset``; between messages *failure* itself is given.
        """
        state, held = self.state, self._held
        if state is REST and failure is Failure.NONE:
            self._end_message()
        elif (self.in_message or held) and failure is Failure.NONE:
            failure = Failure.CONNECTION_RESET
        self.close()
        return failure
