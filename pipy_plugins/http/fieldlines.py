"""Fields as scripts give them, to lines. What could be taken for other lines is refused, never sent."""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pipy_core.api import UNDEFINED, Head, ScriptError

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARTS: Final = {
    "method": _TOKEN,
    "path": re.compile(r"[^\x00-\x20\x7f]+"),
    "statusText": re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*"),
}
_HOP: Final = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_USUAL: Final = frozenset({"close", "keep-alive", "upgrade", "host", ""})
_TYPE_LENGTH: Final = len("content-type")
_NO_NAMES: Final[frozenset[str]] = frozenset()


class Lines(NamedTuple):
    """Field lines ready to send. ``upgrades``: they end with ``connection: upgrade``; ``length``: what content-length said."""

    lines: bytes
    length: int | None
    upgrades: bool


def field_lines(headers: Any, may_upgrade: bool = True) -> Lines:
    """*headers*, an object as scripts write it, without the fields that are about a connection or framing.

    :param may_upgrade: whether Upgrade may be sent. A head that was received asks for it on the wire or not at all.
    :raises ScriptError: a name is none, or a value has a line end in it.
    """
    if not isinstance(headers, dict):
        return Lines(b"", None, False)
    named = _named(headers)
    length = None
    upgrades = False
    text = ""
    count = 0
    for name, value in headers.items():
        lower = _field_name(name)
        if lower not in _HOP and lower not in named:
            values = value if type(value) is list and lower == "set-cookie" else (value,)
            count += len(values)
            for one in values:
                text += f"{name}: {one if type(one) is str else script_text(one)}\r\n"
        elif lower == "content-length":
            length = _length(value)
        elif lower == "upgrade" and may_upgrade and _upgrades(headers, value):
            upgrades = True
            count += 2
            text += f"{name}: {value}\r\nconnection: upgrade\r\n"
    if text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise ScriptError("Error", "a header value has a line end or NUL in it")
    return Lines(to_bytes(text), length, upgrades)


def asks_for_upgrade(headers: Any) -> bool:
    """Whether ``field_lines`` will send an Upgrade."""
    if not isinstance(headers, dict):
        return False
    return any(name.lower() == "upgrade" and _upgrades(headers, value) for name, value in headers.items())


def is_event_stream(headers: Any) -> bool:
    """Whether a body is of events, to be passed on as they come."""
    if not isinstance(headers, dict):
        return False
    types = [value for name, value in headers.items() if len(name) == _TYPE_LENGTH and name.lower() == "content-type"]
    return any(isinstance(value, str) and value.partition(";")[0].strip().lower() == "text/event-stream" for value in types)


def checked(what: str, value: Any, default: str) -> bytes:
    """A part of a start line.

    :param what: ``method``, ``path`` or ``statusText``.
    :raises ScriptError: it has something in it that must not be there.
    """
    if value is None or value is UNDEFINED:
        value = default
    text = value if isinstance(value, str) else script_text(value)
    if _PARTS[what].fullmatch(text) is None:
        raise ScriptError("Error", f"invalid {what} of a message: {text!r}")
    return to_bytes(text)


def to_bytes(text: str) -> bytes:
    """Characters from the wire are bytes (latin-1, RFC 9110, 5.5); a text that has others is sent as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def script_text(value: Any) -> str:
    """*value* as a script would turn it into a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return ",".join("" if one is None else script_text(one) for one in value)
    if isinstance(value, dict):
        return "[object Object]"
    return str(value.value) if value is UNDEFINED else str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value)) or re.sub(r"e([+-])0", r"e\1", repr(value))


@lru_cache(1024)
def _field_name(name: str) -> str:
    if _TOKEN.fullmatch(name) is None:
        raise ScriptError("Error", f"invalid header name: {name!r}")
    return name.lower()


def look_at(head: Head | None) -> tuple[str, bool]:
    """Method of a request that a script has made or looked at, and whether it asks for another protocol."""
    fields = head.fields if head is not None else {}
    method = fields.get("method")
    return method if isinstance(method, str) else "GET", method == "CONNECT" or asks_for_upgrade(fields.get("headers"))


def _named(headers: dict[str, Any]) -> frozenset[str]:
    """The fields that Connection names: they were meant for us (RFC 9110, 7.6.1)."""
    value = headers.get("connection")
    if type(value) is not str or value in _USUAL:
        return _NO_NAMES
    return frozenset(token.strip(" \t").lower() for token in value.split(",")) - _USUAL


def _length(value: Any) -> int | None:
    text = script_text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _upgrades(headers: dict[str, Any], value: Any) -> bool:
    """Whether Upgrade is to be sent: to a websocket, or because Connection asks for it. Never to HTTP/2: see ``Fields``."""
    if type(value) is not str or not value or "h2c" in value.lower():
        return False
    connection = headers.get("connection")
    return value.lower() == "websocket" or (type(connection) is str and "upgrade" in connection.lower())
