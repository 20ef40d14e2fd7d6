"""Where to connect to, as scripts spell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.kit.address import parse_target


@pytest.mark.parametrize(("target", "parsed"), [
    ("a.b:80", ("a.b", 80)),
    ("127.0.0.1:65535", ("127.0.0.1", 65535)),
    ("[::1]:8080", ("::1", 8080)),
])  # fmt: skip
def test_targets(target, parsed):
    assert parse_target(target) == parsed


@pytest.mark.parametrize(
    "target", ["", "a.b", ":80", "a.b:", "a.b:0", "a.b:65536", "a.b:x", "a.b:+1", "a.b:٣", "::1:80", f"a:{'1' * 5000}", 80, None]
)
def test_what_is_none(target):
    assert parse_target(target) is None


@given(st.text())
def test_nothing_is_raised(text):
    parsed = parse_target(text)
    assert parsed is None or text.rstrip("0123456789") in (f"{parsed[0]}:", f"[{parsed[0]}]:")
