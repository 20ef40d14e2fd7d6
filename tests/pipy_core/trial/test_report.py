"""Results as text."""

from pathlib import Path

import pytest

from pipy_core.errors import Place
from pipy_core.trial import report
from pipy_core.trial.results import Problem, Result

BASE = Path("/home/me")
FILE = BASE / "a.test.js"


def failed(**parts):
    return Result(FILE, "it", "failed", 3, problems=[Problem("wrong", **parts)])


def test_a_short_difference():
    assert report.difference("1", "2") == ["expected: 1", "given:    2"]


def test_a_long_difference_shows_what_differs():
    expected = "\n".join(map(str, range(20)))
    assert report.difference(expected, expected.replace("10", "ten")) == [
        "- expected, + given",
        "  8",
        "  9",
        "- 10",
        "+ ten",
        "  11",
        "  12",
    ]


def test_an_endless_difference_is_cut():
    lines = report.difference("\n".join("a" * 999), "\n".join("b" * 999))
    assert len(lines) == report.DIFFERENCE_SHOWN + 2
    assert lines[-1] == "..."


def test_places_and_callers():
    place = Place("/a.test.js", 5, 3, "  t.ok(0)")
    lines = report.failure(failed(place=place, stack="f at /a.test.js:5:3\ng at /a.test.js:9:1", given="0"), BASE)
    assert lines[1:] == [
        "FAILED  a.test.js:3: it",
        "    wrong",
        "        a.test.js:5:  t.ok(0)",
        "        called at a.test.js:9",
        "        given: 0",
    ]


def test_a_long_log_is_cut():
    result = failed()
    result.log = [f"line {number}" for number in range(report.LOG_SHOWN + 2)]
    lines = report.failure(result, BASE)
    assert "    the log, without its first 2 lines:" in lines
    assert "        line 2" in lines
    assert "        line 1" not in lines


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed"], "1 passed in 1.5 s"),
        (["failed"], "1 failed in 1.5 s"),
        (["skipped"], "0 passed, 1 skipped in 1.5 s"),
        (["passed", "failed", "passed", "skipped"], "2 passed, 1 failed, 1 skipped in 1.5 s"),
    ],
)
def test_the_summary(outcomes, expected):
    assert report.summary([Result(FILE, "it", outcome) for outcome in outcomes], 1.5) == expected


def test_files_elsewhere_are_shown_in_full():
    assert report.relative(Path("/tmp/x.test.js"), BASE) == "/tmp/x.test.js"
