"""Bytes to requests: request lines, and what has to fit together in a request."""

import re
from collections.abc import Callable
from typing import Final

from pipy_core.api import END, Emit, Limits, MessageStart
from pipy_plugins.http.decoder import DONE, HEAD, PAUSE, TARGET, TOKEN, TOO_LONG, TUNNEL, WAIT, Decoder, partial
from pipy_plugins.http.framing import HOST, LIMITS, BadMessage, Fields
from pipy_plugins.http.heads import RequestHead

_REQUEST_LINE: Final = re.compile(rb"((%b) %b) HTTP/([0-9]\.[0-9])(?=\r\n)" % (TOKEN, TARGET))
_SOME_REQUEST: Final = partial(TOKEN, b" ", TARGET, b" ", b"H", b"T", b"T", b"P", b"/", b"[0-9]", rb"\.", b"[0-9]", b"\r")
_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?@]+)(?:[/?].*)?")
_AUTHORITY: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+):[0-9]{1,5}")


class RequestDecoder(Decoder):
    """Requests from a client.

    Behind a request for another protocol (CONNECT, Upgrade) it waits, and keeps what comes, until ``tunnel`` or ``resume`` is
    called: bytes that are sent too early must not be taken for the new protocol (RFC 9931), nor for requests. With *eager* it
    takes the other protocol for agreed upon. Behind a request that asks for the end of the connection everything is dropped.

    Between two requests that came in one piece it pauses if it is told to, and keeps what comes, until ``go_on`` is called.

    :param pauses: asked whether to pause.
    :param switches: asked about a request that names HTTP/2 in Upgrade; if it says yes nothing behind it is decoded any more, and
        ``give_back`` gives what came.
    """

    __slots__ = ("_eager", "_pauses", "_switches")
    some_line = _SOME_REQUEST

    def __init__(
        self,
        emit: Emit,
        eager: bool = False,
        pauses: Callable[[], bool] | None = None,
        switches: Callable[[RequestHead], bool] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        super().__init__(emit, limits)
        self._eager = eager
        self._pauses = pauses
        self._switches = switches

    def go_on(self) -> None:
        """The pause is over: what was kept is decoded by the next ``feed``."""
        if self.state is PAUSE:
            self.state = HEAD

    def give_back(self) -> bytes:
        """What came behind the request that *switches* said yes to; nothing is decoded any more."""
        held = self._held
        self.close()
        return held

    def _read_head(self, data: bytes, start: int, end: int) -> int:
        if start and self._pauses is not None and self._pauses():
            self.state = PAUSE
            return start
        match = _REQUEST_LINE.match(data, start, end)
        if match is None:
            if data.startswith(b"\r\n", start):
                return self._skip_empty_line(start)
            line_end = data.find(b"\r\n", start)
            too_long = line_end - start > self._limits.max_request_line and TOO_LONG.match(data, start) is not None
            raise BadMessage(414 if too_long else 400, "malformed request line")
        first, verb, version = match.groups()
        fields = self._fields(data, start, match.end(), end)
        head = _request(first, verb.decode("ascii"), version, fields)
        if head.upgrades or verb == b"CONNECT":
            self._expect_body(fields, TUNNEL if self._eager else WAIT)
        elif fields.h2c and self._switches is not None and self._switches(head):
            self._expect_body(fields, WAIT)
        elif fields.chunked or fields.length:
            self._expect_body(fields, DONE if head.final and not self._eager else HEAD)
        else:
            self._after = self.state = DONE if head.final and not self._eager else HEAD
        complete = self.state is self._after
        self.more = end < len(data)
        self._emit(MessageStart(head))
        if complete and self.state is self._after:
            self._emit(END)
        return end

    def _check_line(self, line: bytes) -> None:
        if _REQUEST_LINE.match(line) is None:
            raise BadMessage(400, "malformed request line")


def _request(first: bytes, method: str, version: bytes, fields: Fields) -> RequestHead:
    """The head, if what it says fits together.

    :raises BadMessage: it does not.
    """
    if version == b"1.1":
        minor = 1
        if not fields.host_is_valid:
            raise BadMessage(400, "no Host, several, or an invalid one")
    elif version == b"1.0":
        minor = 0
        if fields.chunked:
            raise BadMessage(400, "Transfer-Encoding in HTTP/1.0")
        if fields.hosts and not fields.host_is_valid:
            raise BadMessage(400, "several Hosts or an invalid one")
    else:
        raise BadMessage(505, "not HTTP/1.0 or HTTP/1.1")
    if first[len(method) + 1] == 0x2F and method != "CONNECT":
        return RequestHead(method, first, minor, fields)
    return RequestHead(method, first, minor, fields, _authority(method, first[len(method) + 1 :], fields))


def _authority(method: str, target: bytes, fields: Fields) -> bytes | None:
    """What *target*, which is no path, puts in the place of Host (RFC 9112, 3.2)."""
    if method == "CONNECT":
        if _AUTHORITY.fullmatch(target) is None or fields.chunked or fields.length:
            raise BadMessage(400, "malformed CONNECT")
        return None
    if target == b"*":
        return None
    match = _ABSOLUTE.fullmatch(target)
    if match is None or HOST.fullmatch(match.group(1)) is None or match.group(1)[:1] == b":":
        raise BadMessage(400, "malformed request target")
    return match.group(1)
