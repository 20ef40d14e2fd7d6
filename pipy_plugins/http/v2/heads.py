"""Header lists of HTTP/2 to heads and back (RFC 9113, 8). Pure functions of both sides; knows no frames and no streams.

A received head is one of HTTP/1 that knows where it came from: its fields are written as a block of field lines and judged by the
same code, so that what is sent on over HTTP/1 has passed the same checks (RFC 9113, 10.3), and blocks that repeat are remembered.
"""

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias

from pipy_core.api import Head, Limits, encode_json
from pipy_plugins.http.decoder import TARGET, TOKEN
from pipy_plugins.http.encoder import response_prefix
from pipy_plugins.http.fieldlines import checked, field_lines
from pipy_plugins.http.framing import HOST, LIMITS, BadMessage, Fields, read_fields
from pipy_plugins.http.heads import RequestHead, ResponseHead
from pipy_plugins.http.status import PHRASES

#: A list of header fields as it is compressed: names in lower case, pseudo-header fields first.
Block: TypeAlias = list[tuple[bytes, bytes]]

_PROTOCOL: Final = "HTTP/2"
_METHOD: Final = re.compile(TOKEN)
_PATH: Final = re.compile(TARGET)
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*")
_TRAILERS: Final = re.compile(rb"\nte:[^\r]*\btrailers\b", re.IGNORECASE)
_STATUS: Final = re.compile(rb"[1-5][0-9][0-9]")
_ABSOLUTE: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)(.*)")
_PORT: Final = re.compile(rb":[0-9]{1,5}$")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
#: What neither begins nor ends with a blank and has no controls in it (RFC 9113, 8.2.1).
_VALUE: Final = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
#: Fields about a connection of HTTP/1 (RFC 9113, 8.2.2).
_CONNECTION: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
#: What a trailer must not say, since it is too late for it (RFC 9110, 6.5.1).
_NOT_IN_TRAILERS: Final = _CONNECTION | {b"content-length", b"host", b"te", b"trailer"}
_REQUEST_PSEUDO: Final = frozenset({b":method", b":scheme", b":authority", b":path"})
_RESPONSE_PSEUDO: Final = frozenset({b":status"})

#: Fields and blocks are remembered up to these sizes: peers repeat them from message to message.
_MAX_REMEMBERED_VALUE: Final = 256
_MAX_REMEMBERED_BLOCK: Final = 2048
_REMEMBERED_FIELDS: Final = 1024
_REMEMBERED_BLOCKS: Final = 256


class Request(RequestHead):
    """A request's head that came over HTTP/2. ``authority`` is also what ``host`` is among the headers."""

    __slots__ = ("authority", "path", "scheme")

    def __init__(self, method: str, path: bytes, wire: Fields, scheme: bytes, authority: bytes) -> None:
        super().__init__(method, b"%b %b" % (method.encode("ascii"), path or authority), 1, wire)
        self.path = path or authority
        self.scheme = scheme
        self.authority = authority

    @property
    def protocol(self) -> str:
        """See ``ReceivedHead``."""
        return _PROTOCOL

    def json(self) -> bytes:
        """See ``Head``."""
        if self.received is None or self._fields is not None:
            return Head.json(self)
        texts = [encode_json(text.decode("latin-1")) for text in (self.scheme, self.authority, self.path)]
        return b'{"protocol":"HTTP/2","headers":%b,"method":"%b","scheme":%b,"authority":%b,"path":%b}' % (
            self.received.json,
            self.method.encode("ascii"),
            *texts,
        )

    def _decode(self) -> dict[str, Any]:
        return {
            "protocol": _PROTOCOL,
            "headers": self.wire.headers,
            "method": self.method,
            "scheme": self.scheme.decode("latin-1"),
            "authority": self.authority.decode("latin-1"),
            "path": self.path.decode("latin-1"),
        }


class Response(ResponseHead):
    """A response's head that came over HTTP/2, which has no reason phrases: it is the usual one of the status."""

    __slots__ = ()

    def __init__(self, status: int, wire: Fields) -> None:
        super().__init__(status, b"%d %b" % (status, PHRASES.get(status, "").encode("ascii")), 1, wire)

    @property
    def protocol(self) -> str:
        """See ``ReceivedHead``."""
        return _PROTOCOL

    def json(self) -> bytes:
        """See ``Head``."""
        if self.received is None or self._fields is not None:
            return Head.json(self)
        return b'{"protocol":"HTTP/2"' + super().json()[22:]


# -- received -----------------------------------------------------------------------------------------------------------


def read_request(block: Block, limits: Limits = LIMITS) -> Request:
    """The head of a request, not larger than *limits* say.

    :raises BadMessage: it is malformed (400: the stream is to be reset, RFC 9113, 8.1.1), or too large (414, 431).
    """
    pseudo, raw = _split(block, _REQUEST_PSEUDO, limits)
    method = pseudo.get(b":method", b"")
    scheme = pseudo.get(b":scheme", b"")
    authority = pseudo.get(b":authority")
    path = pseudo.get(b":path", b"")
    if method == b"CONNECT":
        if b":path" in pseudo or b":scheme" in pseudo or authority is None or _PORT.search(authority) is None:
            raise BadMessage(400, "malformed CONNECT")
    elif _METHOD.fullmatch(method) is None or _SCHEME.fullmatch(scheme) is None:
        raise BadMessage(400, "malformed or missing :method or :scheme")
    elif path[:1] != b"/" and (path, method) != (b"*", b"OPTIONS"):
        raise BadMessage(400, "malformed or missing :path")
    elif len(path) > limits.max_request_line:
        raise BadMessage(414, "path too long")
    elif _PATH.fullmatch(path) is None:
        raise BadMessage(400, "malformed :path")
    if authority is not None and HOST.fullmatch(authority) is None:  # before it stands in a line, where it might end it
        raise BadMessage(400, "malformed :authority")
    raw = raw if authority is None else b"\r\nhost: %b%b" % (authority, _without_host(raw, authority))
    wire = _read(raw, limits)
    if not wire.host_is_valid:
        raise BadMessage(400, "no authority, or an invalid one")
    return Request(method.decode("ascii"), path, wire, scheme, wire.hosts[0])


def read_response(block: Block, limits: Limits = LIMITS) -> Response:
    """The head of a response, which may be an interim one.

    :raises BadMessage: it is malformed, or larger than *limits* say.
    """
    pseudo, raw = _split(block, _RESPONSE_PSEUDO, limits)
    status = pseudo.get(b":status", b"")
    if _STATUS.fullmatch(status) is None or status == b"101":
        raise BadMessage(502, "malformed :status")
    return Response(int(status), _read(raw, limits))


def read_trailers(block: Block, limits: Limits = LIMITS) -> Head | None:
    """What is behind a body, as ``MessageEnd.tail``; None if that is nothing.

    :raises BadMessage: it is malformed, or larger than *limits* say. Fields that are too late there are left out.
    """
    _, raw = _split([field for field in block if field[0] not in _NOT_IN_TRAILERS], frozenset(), limits)
    return Head({"headers": _read(raw, limits).headers}) if raw else None


def _split(block: Block, allowed: frozenset[bytes], limits: Limits) -> tuple[dict[bytes, bytes], bytes]:
    """The pseudo-header fields, of which only some are *allowed*, and the others as lines, each behind its line end."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    for name, value in block:
        if name[:1] == b":":
            if lines or name in pseudo or name not in allowed:
                raise BadMessage(400, f"unexpected {name!r}")
            pseudo[name] = value
        elif len(value) <= _MAX_REMEMBERED_VALUE:
            lines.append(_remembered_line(name, value))
        else:
            lines.append(_line(name, value))
    raw = b"".join(lines)
    if len(raw) > limits.max_header_size:
        raise BadMessage(431, "head too large")
    return pseudo, raw


def _line(name: bytes, value: bytes) -> bytes:
    if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None or name in _CONNECTION:
        raise BadMessage(400, f"a field that HTTP/2 does not allow: {name!r}")
    if name == b"te" and value.lower() != b"trailers":
        raise BadMessage(400, "a TE that HTTP/2 does not allow")
    return b"\r\n%b: %b" % (name, value)


_remembered_line: Final = lru_cache(_REMEMBERED_FIELDS)(_line)


def _without_host(raw: bytes, authority: bytes) -> bytes:
    """*raw* without Host, which must say what ``:authority`` says (RFC 9113, 8.3.1)."""
    line = b"\r\nhost: %b" % authority
    if b"\r\nhost:" not in raw:
        return raw
    before, found, after = (raw + b"\r\n").partition(line + b"\r\n")
    if not found:
        raise BadMessage(400, "Host and :authority differ")
    return before + b"\r\n" + after[:-2] if after else before


def _read(raw: bytes, limits: Limits) -> Fields:
    return read_fields(raw + b"\r\n\r\n", limits.max_header_count)


# -- to be sent -----------------------------------------------------------------------------------------------------------


def write_request(head: Head | None, length: int | None = None) -> Block:
    """The header list of a request.

    :param length: bytes of its body, if that is known: what a head says about it is not true behind filters that change bodies.
    :raises ScriptError: the head has something in it that cannot be sent.
    """
    if isinstance(head, RequestHead) and head.received is not None:
        method = head.method.encode("latin-1")
        target = head.start[len(method) + 1 :]
        scheme = head.scheme if isinstance(head, Request) else b"http"
        authority = None
        lines = head.received.forward
        trailers = _TRAILERS.search(head.received.raw) is not None
    else:
        fields = head.outgoing() if head is not None else {}
        method = checked("method", fields.get("method"), "GET")
        target = checked("path", fields.get("path"), "/")
        scheme = checked("path", fields.get("scheme"), "http")
        authority = checked("path", fields.get("authority"), "") if fields.get("authority") else None
        lines = field_lines(fields.get("headers"), may_upgrade=False).lines
        trailers = _wants_trailers(fields.get("headers"))
    block = _fields(lines)
    match = _ABSOLUTE.fullmatch(target)
    if match is not None:
        scheme, authority, target = match[1], match[2], match[3] if match[3][:1] == b"/" else b"/" + match[3]
    elif authority is None:
        authority = dict(block).get(b"host")
    pseudo = [(b":method", method)]
    if method != b"CONNECT":
        pseudo += [(b":scheme", scheme), (b":path", target)]
    else:
        authority = target
    if authority:
        pseudo.append((b":authority", authority))
        block = [field for field in block if field[0] != b"host"]
    if length is not None:
        block.append((b"content-length", b"%d" % length))
    if trailers:
        block.append((b"te", b"trailers"))
    return pseudo + block


def write_response(head: Head | None, length: int | None = None) -> tuple[int, Block]:
    """Status and header list of a response.

    :param length: see ``write_request``.
    :raises ScriptError: the head has something in it that cannot be sent.
    """
    prefix, _, _ = response_prefix(head)
    status_line, _, lines = prefix.partition(b"\r\n")
    status = status_line[9:12]
    block = [(b":status", status), *_fields(lines)]
    if length is not None:
        block.append((b"content-length", b"%d" % length))
    return int(status), block


def declared_length(head: Head | None) -> int | None:
    """What the head of a response says about the length of its body: in an answer to HEAD that is about what is left out."""
    return response_prefix(head)[1]


def write_trailers(tail: Head | None) -> Block:
    """The header list behind a body, empty if there is none.

    :raises ScriptError: there is something in it that cannot be sent.
    """
    if tail is None:
        return []
    lines = field_lines(tail.outgoing().get("headers"), may_upgrade=False).lines
    return [field for field in _fields(lines) if field[0] not in _NOT_IN_TRAILERS]


def _fields(lines: bytes) -> Block:
    """Field lines as a list that the caller may change. Names without upper case; what is about a connection is left out."""
    return list(_remembered_fields(lines) if len(lines) <= _MAX_REMEMBERED_BLOCK else _parse(lines))


def _parse(lines: bytes) -> tuple[tuple[bytes, bytes], ...]:
    pairs = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    fields = ((name.lower(), value.strip(b" \t")) for name, _, value in pairs)
    return tuple(field for field in fields if field[0] not in _CONNECTION)


_remembered_fields: Final = lru_cache(_REMEMBERED_BLOCKS)(_parse)


def _wants_trailers(headers: Any) -> bool:
    """Whether ``te: trailers``, the only TE there is in HTTP/2, is among *headers* of a script."""
    value = headers.get("te") if isinstance(headers, dict) else None
    return isinstance(value, str) and "trailers" in value.lower()
