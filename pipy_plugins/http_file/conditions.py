"""How a file answers a request: conditions and ranges (RFC 9110, 13 and 14). Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*(?:(\d{1,19})-(\d{0,19})|-(\d{1,19}))[ \t]*", re.IGNORECASE | re.ASCII)
_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True)
class Representation:
    """What there is to be sent.

    :ivar size: bytes.
    :ivar tag: a strong entity tag, quotes included.
    :ivar modified: whole seconds since 1970.
    """

    size: int
    tag: str
    modified: int


@dataclass(frozen=True)
class Answer:
    """What to send: a status, fields, and the bytes from *start* to *stop* of the representation (none if they are equal)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    start: int = 0
    stop: int = 0


def respond(method: str, request: Mapping[str, str], target: Representation) -> Answer:
    """The answer to a request for *target*.

    :param request: fields by lower-case name.
    """
    headers = {"etag": target.tag, "last-modified": formatdate(target.modified, usegmt=True)}
    if method not in ("GET", "HEAD"):
        return Answer(405, {"allow": "GET, HEAD"})
    if _precondition_fails(request, target):
        return Answer(412, headers)
    if _not_modified(request, target):
        return Answer(304, headers)
    headers["accept-ranges"] = "bytes"
    wanted = range_of(request.get("range", ""), target.size) if method == "GET" and _range_applies(request, target) else None
    if wanted is None:
        return Answer(200, headers, 0, target.size)
    start, stop = wanted
    if start == stop:
        return Answer(416, {**headers, "content-range": f"bytes */{target.size}"})
    return Answer(206, {**headers, "content-range": f"bytes {start}-{stop - 1}/{target.size}"}, start, stop)


def range_of(value: str, size: int) -> tuple[int, int] | None:
    """The bytes that ``Range`` asks for, from the first to before the last, equal if there are no such bytes.

    None: all. So it is for several ranges, which a server may ignore, and for what is no range at all.
    """
    match = _RANGE.fullmatch(value)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return max(size - int(suffix), 0), size
    start, stop = int(first), int(last) + 1 if last else size
    if stop <= start and last:
        return None  # RFC 9110, 14.1.1: it is invalid
    return (start, min(stop, size)) if start < size else (size, size)


def _precondition_fails(request: Mapping[str, str], target: Representation) -> bool:
    if "if-match" in request:
        return not _matches(request["if-match"], target.tag, weakly=False)
    since = date_of(request.get("if-unmodified-since", ""))
    return since is not None and target.modified > since


def _not_modified(request: Mapping[str, str], target: Representation) -> bool:
    if "if-none-match" in request:
        return _matches(request["if-none-match"], target.tag, weakly=True)
    since = date_of(request.get("if-modified-since", ""))
    return since is not None and target.modified <= since


def _range_applies(request: Mapping[str, str], target: Representation) -> bool:
    """RFC 9110, 13.1.5: a part of something else is of no use."""
    condition = request.get("if-range")
    if condition is None:
        return True
    return condition == target.tag or date_of(condition) == target.modified


def _matches(value: str, tag: str, *, weakly: bool) -> bool:
    if value.strip(" \t") == "*":
        return True
    tags = _TAG.findall(value)
    return tag in tags or (weakly and f"W/{tag}" in tags)


def date_of(value: str) -> int | None:
    """Seconds since 1970, or None for what is no date (RFC 9110, 5.6.7)."""
    try:
        date: datetime = parsedate_to_datetime(value)
        return int(date.timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
