"""Heads and bodies to bytes. Decides how a message is framed; knows no filters and no streams.

A head is held back until the message is complete or more than *limit* bytes of its body have come: then it is known whether
``content-length`` or ``chunked`` is right (spec: filters.md, 4.3). Those who use a writer see to it that a stream of events is not
held back beyond the turn.
"""

from abc import ABC, abstractmethod
from typing import Any, Final

from pipy_core.api import UNDEFINED, Head, ScriptError
from pipy_plugins.http.fieldlines import checked, field_lines, is_event_stream
from pipy_plugins.http.heads import ReceivedHead, RequestHead, ResponseHead
from pipy_plugins.http.status import PHRASES, STATUSES

_KEEP: Final = b"connection: keep-alive\r\n\r\n"
_CLOSE: Final = b"connection: close\r\n\r\n"
_UPGRADE: Final = b"connection: upgrade\r\n\r\n"
_CHUNKED: Final = b"transfer-encoding: chunked\r\n"


class Writer(ABC):
    """One message at a time: ``begin``, ``write``..., ``finish``, and again.

    :ivar begun: a head was given. :ivar sent: bytes of the message have been given out.
    """

    __slots__ = ("_chunked", "_head", "_limit", "_pieces", "_silent", "_size", "begun", "sent")

    # One of each is made for a request: what begin does is not done before, and what remains not here (see ReceivedHead).
    _chunked: bool
    _head: Head | None
    _limit: int
    _pieces: list[bytes]
    _silent: bool  # the body is not to be sent
    _size: int
    begun: bool
    sent: bool

    def begin(self, head: Head | None) -> None:
        """Start a message with *head*; None is an empty head."""
        self.begun = True
        self.sent = self._chunked = self._silent = False
        self._head = head
        self._size = 0
        if self._pieces:
            self._pieces = []

    def write(self, payload: bytes) -> bytes:
        """Add to the body; give what can be sent now.

        :raises ScriptError: the head has something in it that cannot be sent; also by ``finish`` and ``flush``.
        """
        self._size += len(payload)
        if self.sent:
            return self._frame(payload)
        if self._silent:
            return b""
        self._pieces.append(payload)
        if self._size <= self._limit:
            return b""
        return self.flush()

    @property
    def size(self) -> int:
        """Bytes of the body, without its framing, of the message that was begun last."""
        return 0 if self._silent else self._size

    def flush(self) -> bytes:
        """Send the head now, although the length is not known yet."""
        opening = self._open()
        self.sent = True
        pieces, self._pieces = self._pieces, []
        return opening + self._frame(b"".join(pieces)) if pieces else opening

    def finish(self) -> bytes:
        """End the message; give the rest of its bytes."""
        self.begun = False
        if self.sent:
            return b"0\r\n\r\n" if self._chunked else b""
        pieces = self._pieces
        if not pieces:
            return self._whole(b"")
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        return self._whole(body)

    def _frame(self, payload: bytes) -> bytes:
        if self._chunked:
            return b"%X\r\n%b\r\n" % (len(payload), payload) if payload else b""
        return b"" if self._silent else payload

    @abstractmethod
    def _open(self) -> bytes:
        """The head of a message of unknown length; sets ``_chunked`` and ``_silent``."""

    @abstractmethod
    def _whole(self, body: bytes) -> bytes:
        """A complete message."""


class RequestWriter(Writer):
    """Requests to a server.

    :ivar upgrades: the last head asks for another protocol.
    """

    __slots__ = ("upgrades",)

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces = []
        self.begun = self.sent = self.upgrades = False

    def stream(self, pieces: list[bytes]) -> list[bytes]:
        """Send the head now, as ``flush`` does, and *pieces* of the body as one chunk: they are large, and not copied."""
        opening = self.flush()
        if not pieces:
            return [opening]
        return [b"%b%X\r\n" % (opening, sum(map(len, pieces))), *pieces, b"\r\n"]

    def _open(self) -> bytes:
        prefix, ending = self._prefix()
        self._chunked = True
        return prefix.replace(b" HTTP/1.0\r\n", b" HTTP/1.1\r\n", 1) + _CHUNKED + ending

    def _whole(self, body: bytes) -> bytes:
        prefix, ending = self._prefix()
        if not body and prefix.startswith(b"CONNECT "):
            return prefix + ending
        return b"%bcontent-length: %d\r\n%b%b" % (prefix, len(body), ending, body)

    def _prefix(self) -> tuple[bytes, bytes]:
        head = self._head
        if isinstance(head, RequestHead) and head.received is not None:
            self.upgrades = head.upgrades
            if self.upgrades:
                return b"%b HTTP/1.1\r\n%b" % (head.start, head.received.forward_upgrade), b"\r\n"
            if head.minor == 0:
                return b"%b HTTP/1.1\r\n%b" % (head.start, _with_host(head, head.received.forward)), _KEEP
            return b"%b HTTP/1.1\r\n%b" % (head.start, head.received.forward), _KEEP
        fields = head.outgoing() if head is not None else {}
        method = checked("method", fields.get("method"), "GET")
        path = checked("path", fields.get("path"), "/")
        lines = field_lines(fields.get("headers"), not isinstance(head, RequestHead) or head.upgrades)
        self.upgrades = lines.upgrades
        sent = _with_host(head, lines.lines) if isinstance(head, RequestHead) else lines.lines
        prefix = b"%b %b %b\r\n%b" % (method, path, _protocol(head, fields), sent)
        return prefix, b"\r\n" if lines.upgrades else _KEEP


def _with_host(head: RequestHead, lines: bytes) -> bytes:
    """*lines*, with Host: a request of HTTP/1.0 may have come without one, and goes on as HTTP/1.1 (RFC 9112, 3.2)."""
    if head.minor or head.wire.hosts or lines.startswith(b"host:") or b"\r\nhost:" in lines:
        return lines
    return b"host: \r\n" + lines


class ResponseWriter(Writer):
    """Responses to a client.

    :ivar method: of the request: ``HEAD`` responses and successful ones to ``CONNECT`` have no body.
    :ivar minor: of the client's HTTP version. :ivar final: the connection ends after the response.
    :ivar status: of the last head that was sent.
    """

    __slots__ = ("final", "method", "minor", "status")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = None
        self._pieces = []
        self._size = self.status = 0
        self.begun = self.sent = self._silent = self.final = False
        self.method = "GET"
        self.minor = 1

    def begin(self, head: Head | None) -> None:
        """See ``Writer``."""
        Writer.begin(self, head)
        self._silent = self.method == "HEAD"

    @property
    def is_urgent(self) -> bool:
        """Whether something is held back that a client waits for: a stream of events (``text/event-stream``) of unknown length."""
        if not self.begun or self.sent or self._silent:
            return False
        head = self._head
        if isinstance(head, ResponseHead):
            if head.wire.length is not None or head.status == 101:
                return False
            if head.received is not None:
                return head.wire.is_event_stream
        return head is not None and is_event_stream(head.get("headers"))

    def _open(self) -> bytes:
        prefix, _, upgrades = response_prefix(self._head)
        self.status = status = STATUSES[prefix[9:12]]
        if self._bodiless(status):
            self._silent = True
            return prefix + self._ending(upgrades)
        if self.minor == 0:  # RFC 9112, 6.1: such a client does not know chunks
            self.final = True
            return prefix + _CLOSE
        self._chunked = not self._silent
        return prefix.replace(b"HTTP/1.0", b"HTTP/1.1", 1) + _CHUNKED + self._ending(upgrades)

    def _whole(self, body: bytes) -> bytes:
        prefix, length, upgrades = response_prefix(self._head)
        self.status = status = STATUSES[prefix[9:12]]
        if self._bodiless(status):
            return prefix + self._ending(upgrades)
        if self.method == "HEAD":
            return prefix + self._length_for_head(length) + self._ending(upgrades)
        if upgrades:
            return b"%bcontent-length: %d\r\n\r\n%b" % (prefix, len(body), body)
        return b"%bcontent-length: %d\r\n%b%b" % (prefix, len(body), _CLOSE if self.final else _KEEP, body)

    def _bodiless(self, status: int) -> bool:
        """RFC 9110, 8.6 and RFC 9112, 6.3. An answer to HEAD is not meant here: it has the length of what is left out."""
        return status in (204, 304) or status < 200 or (self.method == "CONNECT" and status < 300)

    def _length_for_head(self, given: int | None) -> bytes:
        if given is None:
            if isinstance(self._head, ResponseHead) and not self._size:
                return b""  # the server did not say either
            given = self._size
        return b"content-length: %d\r\n" % given

    def _ending(self, upgrades: bool) -> bytes:
        if upgrades:
            return b"\r\n"
        if self.status == 101:
            return _UPGRADE
        return _CLOSE if self.final else _KEEP


def response_prefix(head: Head | None) -> tuple[bytes, int | None, bool]:
    """Status line and fields up to the framing, the content-length that the head names, and whether ``connection`` is written.

    :raises ScriptError: the head has something in it that cannot be sent.
    """
    if isinstance(head, ResponseHead) and head.received is not None:
        wire = head.received
        start = head.start if len(head.start) > 3 else head.start + b" "
        if wire.upgrade and head.upgrades:
            return b"HTTP/1.1 %b\r\n%b" % (start, wire.forward_upgrade), None, True
        return b"HTTP/1.1 %b\r\n%b" % (start, wire.forward), wire.length, False
    fields = head.outgoing() if head is not None else {}
    status = status_of(fields.get("status"))
    phrase = checked("statusText", fields.get("statusText"), PHRASES.get(status, "OK"))
    lines = field_lines(fields.get("headers"), not isinstance(head, ResponseHead) or head.upgrades)
    return b"%b %d %b\r\n%b" % (_protocol(head, fields), status, phrase, lines.lines), lines.length, lines.upgrades


def status_of(value: Any) -> int:
    """The status that a response will have whose head says *value*; 200 if it says nothing.

    :raises ScriptError: it cannot be one.
    """
    if value is None or value is UNDEFINED:
        return 200
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        status = 0
    if not 100 <= status <= 999:
        raise ScriptError("Error", f"invalid status of a response: {value!r}")
    return status


def _protocol(head: Head | None, fields: dict[str, Any]) -> bytes:
    """What the script says, but our own version on what is only passed on (RFC 9112, 2.3)."""
    given = fields.get("protocol")
    if given is None or given == "HTTP/1.1" or (isinstance(head, ReceivedHead) and given == head.protocol):
        return b"HTTP/1.1"
    if given == "HTTP/1.0":
        return b"HTTP/1.0"
    raise ScriptError("Error", f"invalid protocol of a message: {given!r}")
