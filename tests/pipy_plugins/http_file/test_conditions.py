"""Conditions and ranges, by RFC 9110."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.http_file.conditions import Representation, date_of, range_of, respond

MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
EARLIER = "Thu, 01 Jan 2026 03:04:05 GMT"
LATER = "Sat, 03 Jan 2026 03:04:05 GMT"
FILE = Representation(1000, '"tag"', int(MODIFIED.timestamp()))


@pytest.mark.parametrize(
    ("value", "size", "wanted"),
    [
        ("bytes=0-499", 1000, (0, 500)),
        ("bytes=500-", 1000, (500, 1000)),
        ("bytes=-500", 1000, (500, 1000)),
        ("bytes=-2000", 1000, (0, 1000)),
        ("bytes=0-0", 1000, (0, 1)),
        ("bytes=999-999", 1000, (999, 1000)),
        ("bytes=0-9999999", 1000, (0, 1000)),
        ("BYTES= 1-2 ", 1000, (1, 3)),
        ("bytes=1000-", 1000, (1000, 1000)),
        ("bytes=5000-6000", 1000, (1000, 1000)),
        ("bytes=-0", 1000, (1000, 1000)),
        ("bytes=0-", 0, (0, 0)),
        ("bytes=-1", 0, (0, 0)),
        ("bytes=5-4", 1000, None),
        ("bytes=0-1,3-4", 1000, None),
        ("bytes=", 1000, None),
        ("bytes=-", 1000, None),
        ("bytes=a-b", 1000, None),
        ("bytes=0x1-2", 1000, None),
        ("bytes=1 -2", 1000, None),
        ("bytes=--1", 1000, None),
        ("bytes=\u0661-2", 1000, None),
        ("lines=1-2", 1000, None),
        ("", 1000, None),
        ("bytes=" + "9" * 5000 + "-", 1000, None),
    ],
)
def test_ranges(value, size, wanted):
    assert range_of(value, size) == wanted


@given(value=st.text(alphabet="bytes=0123456789-, ", max_size=30) | st.text(max_size=20), size=st.integers(0, 2000))
def test_a_range_is_within_the_file(value, size):
    wanted = range_of(value, size)
    if wanted is not None:
        start, stop = wanted
        assert 0 <= start <= stop <= size


@given(first=st.integers(0, 3000), last=st.integers(0, 3000), size=st.integers(0, 2000))
def test_a_range_is_what_a_slice_is(first, last, size):
    data = bytes(index % 256 for index in range(size))
    wanted = range_of(f"bytes={first}-{last}", size)
    if last < first:
        assert wanted is None
    else:
        assert data[slice(*wanted)] == data[first : last + 1]
    if first:
        assert data[slice(*range_of(f"bytes=-{first}", size))] == data[-first:]


@given(value=st.text(max_size=40) | st.text(alphabet="FriSat, 0123456789JanGMT:-+", max_size=40))
def test_any_text_is_a_date_or_is_not(value):
    assert date_of(value) is None or isinstance(date_of(value), int)


@given(when=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  # hypothesis wants them so
def test_dates(when):
    when = when.replace(microsecond=0, tzinfo=UTC)
    assert date_of(format_datetime(when, usegmt=True)) == when.timestamp()


def status(method="GET", **fields):
    return respond(method, {name.replace("_", "-"): value for name, value in fields.items()}, FILE).status


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 200),
        ({"if_none_match": '"tag"'}, 304),
        ({"if_none_match": 'W/"tag"'}, 304),
        ({"if_none_match": '"a", "tag"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_none_match": "tag"}, 200),
        ({"if_none_match": ""}, 200),
        ({"if_none_match": '"other"', "if_modified_since": DATE}, 200),
        ({"if_none_match": '"tag"', "if_modified_since": EARLIER}, 304),
        ({"if_modified_since": DATE}, 304),
        ({"if_modified_since": LATER}, 304),
        ({"if_modified_since": EARLIER}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_match": '"tag"'}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": '"other"'}, 412),
        ({"if_match": 'W/"tag"'}, 412),
        ({"if_match": ""}, 412),
        ({"if_unmodified_since": DATE}, 200),
        ({"if_unmodified_since": EARLIER}, 412),
        ({"if_unmodified_since": "yesterday"}, 200),
        ({"if_match": '"tag"', "if_unmodified_since": EARLIER}, 200),
        ({"range": "bytes=0-1"}, 206),
        ({"range": "bytes=1000-"}, 416),
        ({"range": "bytes=0-1,5-6"}, 200),
        ({"range": "bytes=0-1", "if_range": '"tag"'}, 206),
        ({"range": "bytes=0-1", "if_range": 'W/"tag"'}, 200),
        ({"range": "bytes=0-1", "if_range": '"old"'}, 200),
        ({"range": "bytes=0-1", "if_range": DATE}, 206),
        ({"range": "bytes=0-1", "if_range": EARLIER}, 200),
        ({"range": "bytes=0-1", "if_range": LATER}, 200),
        ({"range": "bytes=0-1", "if_range": "nonsense"}, 200),
        ({"range": "bytes=0-1", "if_none_match": '"tag"'}, 304),
    ],
)
def test_status(fields, expected):
    assert status(**fields) == expected


def test_methods():
    assert status("HEAD") == 200
    assert status("HEAD", range="bytes=0-1") == 200
    assert status("HEAD", if_none_match='"tag"') == 304
    answer = respond("POST", {}, FILE)
    assert (answer.status, answer.headers) == (405, {"allow": "GET, HEAD"})


def test_fields():
    assert respond("GET", {}, FILE).headers == {"etag": '"tag"', "last-modified": DATE, "accept-ranges": "bytes"}
    assert respond("GET", {"if-none-match": "*"}, FILE).headers == {"etag": '"tag"', "last-modified": DATE}
    part = respond("GET", {"range": "bytes=-1"}, FILE)
    assert (part.headers["content-range"], part.start, part.stop) == ("bytes 999-999/1000", 999, 1000)
    nothing = respond("GET", {"range": "bytes=1000-"}, FILE)
    assert (nothing.headers["content-range"], nothing.start, nothing.stop) == ("bytes */1000", 0, 0)


def test_an_empty_file():
    empty = Representation(0, '"e"', 0)
    assert respond("GET", {}, empty).status == 200
    assert respond("GET", {"range": "bytes=0-"}, empty).status == 416
