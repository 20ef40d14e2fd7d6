"""What is logged of an HTTP request, and how a line is made of it. Pure; where lines go is somebody else's business.

A format is text with fields in it, written as nginx does: ``$status`` or ``${status}``. ``json`` is an object with a fixed set of
fields, ``common`` and ``combined`` are those of Apache. No payload is ever logged, and no secret that we know of: see ``redacted``.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec.json

from pipy_core.errors import ArgumentError

#: Characters of one field; a client decides how long its path and its header fields are.
MAX_VALUE: Final = 2048
#: What stands for what is not there.
NOTHING: Final = "-"

#: Names of parameters that hold secrets, whole; and what such names contain.
_NAMES: Final = "auth|authorization|code|key|pass|pwd|saml(?:request|response)|session(?:_?id)?|sid|sig"
_PARTS: Final = "token|secret|passw|credential|signature|api[-_]?key|assertion|jwt"
_WORD: Final = r"[^=&;?#\s]*"
_SECRET: Final = re.compile(rf"(?i)([?&;](?:(?:{_NAMES})|{_WORD}(?:{_PARTS}){_WORD})=)[^&;#\s]*")
_USER: Final = re.compile(r"(//)[^/?#@\s]*@")
#: Header fields that hold secrets by their nature.
_SECRET_FIELDS: Final = frozenset(
    {"authorization", "cookie", "proxy_authorization", "set_cookie", "x_api_key", "x_auth_token", "x_csrf_token"}
)
_UNSAFE: Final = re.compile(r'[^\x20-\x7e]|["\\]')
_FIELD: Final = re.compile(r"\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+)|)")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")

FORMATS: Final = {
    "common": '$client - - [$time_local] "$request" $status $bytes',
    "combined": '$client - - [$time_local] "$request" $status $bytes "$referer" "$user_agent"',
}


@dataclass(slots=True)
class Entry:
    """One request that has been answered.

    :ivar status: of the response; 499 if the client has gone before there was one. :ivar size: bytes of its body that were sent.
    :ivar seconds: from the head of the request to the end of the response. :ivar listener: where it came in.
    :ivar upstream: the server that was asked, ``host:port``, if any.
    """

    method: str
    target: str
    protocol: str
    headers: Mapping[str, Any]
    status: int
    size: int
    seconds: float
    client: str = ""
    client_port: int = 0
    listener: str = ""
    upstream: str = ""
    at: float = field(default_factory=time.time)

    def header(self, name: str) -> str:
        """A header field; the first one if there are several."""
        value = self.headers.get(name, "")
        if isinstance(value, list):
            value = value[0] if value else ""
        return value if isinstance(value, str) else ""

    @classmethod
    def of(cls, fields: Mapping[str, Any], status: int, size: int, seconds: float, **more: Any) -> "Entry":
        """Of the head of a request; scripts may have put anything into it."""
        headers = fields.get("headers")
        return cls(
            _text(fields.get("method"), "GET"),
            _text(fields.get("path"), "/"),
            _text(fields.get("protocol"), "HTTP/1.1"),
            headers if isinstance(headers, Mapping) else {},
            status,
            size,
            seconds,
            **more,
        )


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default


def redacted(target: str) -> str:
    """*target* without the values of parameters whose names promise a secret, and without the user of a URL."""
    if "=" in target:
        target = _SECRET.sub(r"\1***", target)
    return _USER.sub(r"\1***@", target) if "@" in target else target


def trace_id(entry: Entry) -> str:
    """The trace that the request belongs to (W3C Trace Context)."""
    found = _TRACE.fullmatch(entry.header("traceparent"))
    return found[1] if found is not None else ""


def _local_time(entry: Entry) -> str:
    return f"{datetime.fromtimestamp(entry.at).astimezone():%d/%b/%Y:%H:%M:%S %z}"


def _iso_time(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.at).astimezone().isoformat(timespec="milliseconds")


#: The fields a format may have, and where each comes from. ``$http_name`` is the header field ``name`` of the request.
FIELDS: Final[dict[str, Callable[[Entry], str | int | float]]] = {
    "time": _iso_time,
    "time_local": _local_time,
    "msec": lambda entry: f"{entry.at:.3f}",
    "client": lambda entry: entry.client,
    "client_port": lambda entry: entry.client_port,
    "listener": lambda entry: entry.listener,
    "method": lambda entry: entry.method,
    "uri": lambda entry: redacted(entry.target),
    "path": lambda entry: redacted(entry.target).partition("?")[0],
    "query": lambda entry: redacted(entry.target).partition("?")[2],
    "protocol": lambda entry: entry.protocol,
    "request": lambda entry: f"{entry.method} {redacted(entry.target)} {entry.protocol}".strip(),
    "status": lambda entry: entry.status,
    "bytes": lambda entry: entry.size,
    "duration": lambda entry: round(entry.seconds, 6),
    "upstream": lambda entry: entry.upstream,
    "host": lambda entry: entry.header("host"),
    "referer": lambda entry: redacted(entry.header("referer")),
    "user_agent": lambda entry: entry.header("user-agent"),
    "trace_id": trace_id,
}
#: Those of ``json``, in their order. The query is left out: it is the most likely place for something private.
JSON_FIELDS: Final = (
    "time", "client", "listener", "method", "host", "path", "protocol", "status", "bytes", "duration", "upstream", "user_agent",
    "referer", "trace_id",
)  # fmt: skip


def formatter(text: str) -> Callable[[Entry], str]:
    """What makes a line of an entry.

    :param text: ``json``, one of ``FORMATS``, or a format.
    :raises ArgumentError: it names a field that does not exist, or one that holds secrets.
    """
    if text == "json":
        return lambda entry: msgspec.json.encode(document(entry)).decode()
    text = FORMATS.get(text, text)
    literals: list[str] = []
    readers: list[Callable[[Entry], str | int | float]] = []
    end = 0
    for match in _FIELD.finditer(text):
        literals.append(text[end : match.start()])
        end = match.end()
        readers.append(_reader(match[1] or match[2] or ""))
    last = text[end:]
    if not readers:
        raise ArgumentError(f"invalid access log format: {text}: it has no fields such as $status; or write json, common, combined")
    pairs = list(zip(literals, readers, strict=True))
    return lambda entry: "".join([literal + _safe(read(entry)) for literal, read in pairs]) + last


def _reader(name: str) -> Callable[[Entry], str | int | float]:
    if name in FIELDS:
        return FIELDS[name]
    header = name.removeprefix("http_")
    if header == name or not header:
        raise ArgumentError(f"invalid access log format: unknown field ${name}; there are {', '.join(FIELDS)} and http_<header>")
    if header in _SECRET_FIELDS:
        raise ArgumentError(f"invalid access log format: ${name} would write secrets into the log")
    field_name = header.replace("_", "-")
    return lambda entry: redacted(entry.header(field_name))


def _safe(value: str | float) -> str:
    """*value* in one line, and in quotes: what could end either is written by its bytes in hexadecimal, as nginx does."""
    if not isinstance(value, str):
        return str(value)
    if not value:
        return NOTHING
    return _UNSAFE.sub(
        lambda found: "".join(f"\\x{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass")), value[:MAX_VALUE]
    )


def document(entry: Entry) -> dict[str, str | int | float]:
    """The fields of ``json``; what is not there is left out. JSON keeps control characters from doing harm."""
    values = {name: FIELDS[name](entry) for name in JSON_FIELDS}
    return {
        name: value[:MAX_VALUE].encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in values.items()
        if value != ""
    }
