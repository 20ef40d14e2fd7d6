"""Durations and sizes as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.kit import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("5s", 5),
        ("1.5m", 90),
        ("0.5h", 1800),
        ("2D", 172800),
        (" 7 s ", 7),
        (".5", 0.5),
        ("1e2", 100),
        ("-1", -1),
    ],
)
def test_durations(text, seconds):
    assert units.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "abc", "100ms", "5 x", "5 seconds"])
def test_no_durations(text):
    with pytest.raises(ValueError, match="a duration"):
        units.seconds(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024),
        ("64k", 65536),
        ("64K", 65536),
        ("1m", 1024**2),
        ("2g", 2 * 1024**3),
        ("1t", 1024**4),
        ("1.5k", 1024),
        ("1kb", 1),
    ],
)
def test_sizes(text, size):
    assert units.size(text) == size


@pytest.mark.parametrize("text", ["", "k", "abc", ".5k"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="a size"):
        units.size(text)


@given(number=st.integers(0, 10**9), unit=st.sampled_from(["", "s", "m", "h", "d"]))
def test_any_number_with_any_unit(number, unit):
    assert units.seconds(f"{number}{unit}") == number * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


@given(st.text(max_size=10))
def test_nothing_else_is_raised(text):
    for parse in (units.seconds, units.size):
        try:
            parse(text)
        except ValueError as error:
            assert repr(text) in str(error)  # noqa: PT017  # either answer is fine
