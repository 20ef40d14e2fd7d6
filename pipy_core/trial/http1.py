"""HTTP/1 as a test's client and its upstreams speak it. Pure: bytes in, messages out, and back.

It shares nothing with the filters that speak HTTP, so that a mistake of theirs is not made twice. It is no policy: what is refused
here is only what cannot be taken apart. Heads look as they do in scripts: names in lower case, repeated fields joined (RFC 9112).
"""

from collections import deque
from http import HTTPStatus
from typing import Any, Final

from pipy_core.context import UNDEFINED
from pipy_core.errors import PipyError
from pipy_core.events import Data, Head, Message

#: Bytes of one message, head and body: more would be a mistake of the test, or of the script.
MESSAGE_LIMIT: Final = 64 * 1024 * 1024


class NotHTTP(PipyError):
    """What came cannot be taken apart as HTTP/1. The text says why, and shows the place."""


class Reader:
    """Takes messages out of what comes over one connection.

    :param responses: whether these are responses; then ``expect`` says to what.
    :ivar raw: the connection has changed to another protocol (CONNECT, an upgrade): nothing is read any more.
    """

    def __init__(self, *, responses: bool) -> None:
        self.raw = False
        self._responses = responses
        self._methods: deque[str] = deque()
        self._buffer = bytearray()
        self._head: dict[str, Any] | None = None
        self._body = bytearray()
        self._length: int | None = 0  # of the body; None: until the connection ends
        self._chunked = False

    @property
    def unfinished(self) -> bool:
        """Whether a part of a message has come."""
        return self._head is not None or bool(self._buffer)

    def expect(self, method: str) -> None:
        """A request with this method was sent: its response is one of those to come."""
        self._methods.append(method)

    def feed(self, payload: bytes) -> list[Message]:
        """The messages that are complete with *payload*.

        :raises NotHTTP: it is no HTTP, or longer than ``MESSAGE_LIMIT``.
        """
        self._buffer += payload
        if len(self._buffer) + len(self._body) > MESSAGE_LIMIT:
            raise NotHTTP(f"a message is longer than {MESSAGE_LIMIT} bytes")
        messages = []
        while not self.raw and (message := self._next()) is not None:
            messages.append(message)
        return messages

    def end(self) -> Message | None:
        """The connection has ended: the message that ends with it, if that is how it ends."""
        if self._head is None or self._length is not None or self._chunked:
            return None
        return self._complete()

    def _next(self) -> Message | None:
        while self._head is None:
            if not self._read_head():
                return None
        if self._chunked:
            return self._complete() if self._read_chunks() else None
        if self._length is None:
            self._body += self._buffer
            self._buffer.clear()
            return None
        missing = self._length - len(self._body)
        self._body += self._buffer[:missing]
        del self._buffer[:missing]
        return self._complete() if len(self._body) == self._length else None

    def _complete(self) -> Message:
        message = Message(Head(self._head), Data(bytes(self._body)), consumed=True)
        self._head = None
        self._body = bytearray()
        return message

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        head = _response_line(first) if self._responses else _request_line(first)
        head["headers"] = _fields(lines)
        if self._responses and head["status"] < 200 and head["status"] != HTTPStatus.SWITCHING_PROTOCOLS:
            return True  # an interim response: the next one counts
        self._head = head
        self._frame(head)
        return True

    def _frame(self, head: dict[str, Any]) -> None:
        headers = head["headers"]
        coding = headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length")
        self._chunked = False
        if self._responses and self._is_bodiless(head["status"]):
            self._length = 0
        elif coding:
            self._chunked = coding.endswith("chunked")
            self._length = None if self._responses else 0
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise NotHTTP(f"content-length is {length!r}")
            self._length = int(length)
        else:
            self._length = None if self._responses else 0

    def _is_bodiless(self, status: int) -> bool:
        """Whether the response has no body whatever its fields say (RFC 9112, 6.3)."""
        method = self._methods.popleft() if self._methods else "GET"
        self.raw = status == HTTPStatus.SWITCHING_PROTOCOLS or (method == "CONNECT" and 200 <= status < 300)
        return self.raw or method == "HEAD" or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

    def _read_chunks(self) -> bool:
        """Take the chunks that are complete; whether the last one was among them."""
        while (end := self._buffer.find(b"\r\n")) >= 0:
            text = self._buffer[:end].partition(b";")[0].strip()
            try:
                size = int(text, 16)
            except ValueError:
                raise NotHTTP(f"a chunk begins with {bytes(self._buffer[:40])!r}") from None
            if size == 0:
                return self._skip_trailer(end)
            if len(self._buffer) < end + 2 + size + 2:
                return False
            self._body += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + 2 + size + 2]
        return False

    def _skip_trailer(self, start: int) -> bool:
        end = self._buffer.find(b"\r\n\r\n", start)
        if end < 0:
            return False
        del self._buffer[: end + 4]
        return True


def _request_line(line: str) -> dict[str, Any]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise NotHTTP(f"a request begins with {line[:80]!r}")
    return {"protocol": parts[2], "headers": {}, "method": parts[0], "path": parts[1]}


def _response_line(line: str) -> dict[str, Any]:
    protocol, _, rest = line.partition(" ")
    status, _, text = rest.partition(" ")
    if not (protocol.startswith("HTTP/1.") and len(status) == 3 and status.isascii() and status.isdigit()):
        raise NotHTTP(f"a response begins with {line[:80]!r}")
    return {"protocol": protocol, "headers": {}, "status": int(status), "statusText": text}


def _fields(lines: list[str]) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise NotHTTP(f"a header is {line[:80]!r}")
        name, value = name.lower(), value.strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name == "set-cookie":
            first = headers[name]
            headers[name] = [*first, value] if isinstance(first, list) else [first, value]
        else:
            headers[name] += ("; " if name == "cookie" else ", ") + value
    return headers


def request_bytes(message: Message, host: str) -> bytes:
    """A request as it is sent. What its head leaves out: GET, ``/``, HTTP/1.1, ``host``, the length of the body.

    :param host: what ``host`` is unless the head says it.
    :raises NotHTTP: a header cannot be sent.
    """
    head = message.head.fields if message.head is not None else {}
    headers = _given_fields(head)
    if "host" not in map(str.lower, headers):
        headers = {"host": host, **headers}
    method = head.get("method", "GET")
    body = message.body.payload if message.body is not None else b""
    line = f"{method} {head.get('path', '/')} {head.get('protocol', 'HTTP/1.1')}"
    return _encode(line, headers, body, with_length=bool(body) or method in ("POST", "PUT", "PATCH"))


def response_bytes(message: Message, method: str) -> bytes:
    """A response as it is sent. What its head leaves out: 200, the usual words, HTTP/1.1, the length of the body.

    :param method: of the request, which decides whether there is a body.
    :raises NotHTTP: a header cannot be sent.
    """
    head = message.head.fields if message.head is not None else {}
    status = head.get("status", 200)
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise NotHTTP(f"the status of a response is {status!r}")
    usual = {int(each): each.phrase for each in HTTPStatus}
    line = f"{head.get('protocol', 'HTTP/1.1')} {status} {head.get('statusText', usual.get(status, ''))}"
    body = message.body.payload if message.body is not None else b""
    bodiless = status < 200 or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    if bodiless or method == "HEAD":
        body = b""
    return _encode(line, _given_fields(head), body, with_length=not bodiless and method != "HEAD")


def _given_fields(head: dict[str, Any]) -> dict[str, Any]:
    headers = head.get("headers")
    return dict(headers) if isinstance(headers, dict) else {}


def _encode(line: str, headers: dict[str, Any], body: bytes, *, with_length: bool) -> bytes:
    """The message; with a length, unless the headers frame it themselves."""
    names = {name.lower(): str(value) for name, value in headers.items()}
    if "transfer-encoding" in names:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif with_length and "content-length" not in names:
        headers = {**headers, "content-length": len(body)}
    lines = [line]
    for name, value in headers.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name}: {one}" for one in values if one is not None and one is not UNDEFINED]
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    except UnicodeEncodeError as error:
        raise NotHTTP(f"a header cannot be sent as Latin-1: {error.object[error.start - 20 : error.end]!r}") from None
