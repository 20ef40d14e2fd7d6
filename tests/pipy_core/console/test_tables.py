"""Tables and numbers for terminals."""

import pytest

from pipy_core.console.tables import duration, number, size, table


def test_a_table():
    assert table(("NAME", "N"), [("a", "1"), ("longer", "1000")]) == ["NAME       N", "a          1", "longer  1000"]
    assert table(("A", "B", "N"), [("a", "bbb", "1")], texts=2) == ["A  B    N", "a  bbb  1"]
    assert table(("A", "B"), []) == ["A  B"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (999, "999"), (1000, "1.00k"), (45678, "45.7k"), (2e9, "2.00G"), (5e15, "5000T")],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (150 << 20, "150 MiB"), (1 << 50, "1024 TiB")]
)
def test_sizes(value, text):
    assert size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.00035, "350 us"),
        (0.0012, "1.2 ms"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (125, "2 min"),
        (7500, "2 h 5 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
