"""Heads of compressed messages. What the filter makes of them is in test_compress.py."""

import re

import pytest

from pipy_core.api import Head, MessageStart
from pipy_plugins.compression.heads import compressed, may_be_compressed, media_type, varying

TEXT = re.compile("text/.*")


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"headers": {"content-type": "text/plain"}}, True),
        ({"headers": {"content-type": "text/plain", "cache-control": ["a", "no-transform"]}}, False),
        ({"headers": {"content-type": "text/plain", "cache-control": "x-no-transform"}}, True),
        ({"headers": {"content-type": "image/png"}}, False),
        ({"status": 200.0, "headers": {"content-type": "text/plain"}}, True),
        ({"status": 404, "headers": {"content-type": "text/plain"}}, True),
        ({"status": 205, "headers": {"content-type": "text/plain"}}, False),
        ({"headers": []}, False),
    ],
)
def test_what_may_be_compressed(fields, answer):
    assert may_be_compressed(fields, TEXT) is answer


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (None, ""),
        (Head({}), ""),
        (Head({"headers": {"content-type": " Text/Event-Stream ; charset=utf-8"}}), "text/event-stream"),
        (Head({"headers": {"content-type": 7}}), ""),
    ],
)
def test_media_types(head, kind):
    assert media_type(head) == kind


def test_heads_are_new():
    head = Head({"status": 200, "headers": {"content-length": "9"}})
    assert compressed(MessageStart(head), "br").head.fields == {
        "status": 200,
        "headers": {"content-encoding": "br", "vary": "accept-encoding"},
    }
    assert varying(MessageStart(head)).head.fields == {"status": 200, "headers": {"content-length": "9", "vary": "accept-encoding"}}
    assert head.fields == {"status": 200, "headers": {"content-length": "9"}}
