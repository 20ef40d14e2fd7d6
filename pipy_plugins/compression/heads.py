"""Which messages may be compressed by their heads, and what the heads say then (RFC 9110, 8.4 and 12.5.5). Pure functions."""

import re
from collections.abc import Callable
from typing import Any, Final

from pipy_core.api import Head, MessageStart, text_of_field

#: What compresses well: the types of Caddy's default list, in short.
TYPES: Final = (
    *("text/*", "application/json", "application/javascript", "application/xml", "application/wasm", "application/graphql"),
    *("application/*+json", "application/*+xml", "application/x-javascript", "application/manifest+json", "application/x-ndjson"),
    *("image/svg+xml", "image/x-icon", "image/bmp", "font/otf", "font/ttf", "font/collection", "application/vnd.ms-fontobject"),
)
_NO_TRANSFORM: Final = re.compile(r"(?:^|,)\s*no-transform\s*(?:,|$)", re.IGNORECASE)
#: Responses without a body, or with a part of one.
_SPECIAL: Final = frozenset({204, 205, 206, 304})
#: What is not true of the compressed body.
_UNTRUE: Final = ("content-length", "accept-ranges", "content-encoding", "content-md5")


def may_be_compressed(fields: dict[str, Any], types: re.Pattern[str]) -> bool:
    """Whether a body with such a head is whole, not compressed yet, of one of the *types*, and may be transformed."""
    headers = fields.get("headers")
    if not isinstance(headers, dict):
        return False
    status = fields.get("status", 200)
    if not isinstance(status, int | float) or status < 200 or status in _SPECIAL:
        return False
    if headers.get("content-encoding", "identity") != "identity" or "content-range" in headers:
        return False
    if _NO_TRANSFORM.search(text_of_field(headers.get("cache-control"))):
        return False
    return types.fullmatch(_media_type(headers)) is not None


def media_type(head: Head | None) -> str:
    """The type of a body, without parameters; empty if it is not known."""
    headers = head.get("headers") if head is not None else None
    return _media_type(headers) if isinstance(headers, dict) else ""


def compressed(start: MessageStart, coding: str) -> MessageStart:
    """*start* as that of a body to which *coding* is applied."""

    def change(headers: dict[str, Any]) -> None:
        for name in _UNTRUE:
            headers.pop(name, None)
        headers["content-encoding"] = coding
        tag = headers.get("etag")
        if isinstance(tag, str) and tag.startswith('"'):
            headers["etag"] = f"W/{tag}"
        _vary(start, headers)

    return _with_headers(start, change)


def varying(start: MessageStart) -> MessageStart:
    """*start* as that of a body which another client would get compressed."""
    return _with_headers(start, lambda headers: _vary(start, headers))


def _media_type(headers: dict[str, Any]) -> str:
    value = headers.get("content-type")
    return value.partition(";")[0].strip().lower() if isinstance(value, str) else ""


def _vary(start: MessageStart, headers: dict[str, Any]) -> None:
    if start.head is not None and "method" in start.head.fields:
        return  # a request depends on nothing
    vary = text_of_field(headers.get("vary"))
    names = [name.strip().lower() for name in vary.split(",")]
    if "*" not in names and "accept-encoding" not in names:
        headers["vary"] = f"{vary}, accept-encoding" if vary else "accept-encoding"


def _with_headers(start: MessageStart, change: Callable[[dict[str, Any]], None]) -> MessageStart:
    """*start* with changed headers. The head that came may be shared with others: it stays as it is."""
    assert start.head is not None
    fields = start.head.outgoing()
    headers = dict(fields["headers"])
    change(headers)
    return MessageStart(start.head.derived({**fields, "headers": headers}))
