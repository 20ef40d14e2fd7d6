"""What a script's author reads in the log."""

import pytest

from pipy_core.errors import LoadError, Place, ScriptError
from pipy_core.faults import render


def test_the_line_a_caret_and_what_went_wrong() -> None:
    source = "  .pipeline('f4').replaceMessage(() => nosuch.x)"
    place = Place("/main.js", 12, source.index("nosuch") + 1, source)
    assert render(ScriptError("ReferenceError", "nosuch is not defined", place)) == [
        "Line 12:  .pipeline('f4').replaceMessage(() => nosuch.x)",
        "                                               ^",
        "ReferenceError: nosuch is not defined",
        f"    in /main.js at line 12 column {place.column}",
    ]


def test_the_script_own_frames_follow() -> None:
    error = ScriptError("TypeError", "x", Place("/m.js", 3, 5), "f (/m.js:3:5)\n  g (/m.js:9:1)\n")
    assert render(error) == [
        "TypeError: x",
        "    in /m.js at line 3 column 5",
        "Backtrace:",
        "    f (/m.js:3:5)",
        "    g (/m.js:9:1)",
    ]


def test_a_single_frame_would_only_repeat_the_place() -> None:
    error = ScriptError("TypeError", "x", Place("/m.js", 3, 5), "f (/m.js:3:5)\n")
    assert render(error) == ["TypeError: x", "    in /m.js at line 3 column 5"]


def test_a_syntax_error_is_one_line_below_the_caret() -> None:
    error = LoadError("SyntaxError", "missing ) after argument list", Place("/main.js", 3, 2, ".f(1"))
    assert render(error) == [
        "Line 3:  .f(1",
        "          ^",
        "SyntaxError: missing ) after argument list at line 3 column 2 in /main.js",
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LoadError("", "pipeline not found: request"), ["pipeline not found: request"]),
        (LoadError("Error", ""), ["Error"]),
        (LoadError("SyntaxError", "odd"), ["SyntaxError: odd"]),
        (LoadError("Error", "thrown: x", Place("/m.js")), ["Error: thrown: x", "    in /m.js"]),
        (LoadError("Error", "x", Place("/m.js", 4)), ["Error: x", "    in /m.js at line 4"]),
        (LoadError("Error", "x", Place("/m.js", 4, 0, "  f()")), ["Line 4:  f()", "Error: x", "    in /m.js at line 4"]),
    ],
)
def test_what_is_not_known_is_left_out(error: ScriptError, expected: list[str]) -> None:
    assert render(error) == expected


def test_tabs_in_front_of_the_caret_stay_tabs() -> None:
    assert render(ScriptError("E", "m", Place("/m.js", 1, 5, "\ta\tbc")))[:2] == ["Line 1:  a\tbc", "          \t ^"]


def test_a_column_behind_the_line_has_no_caret() -> None:
    assert render(ScriptError("E", "m", Place("/m.js", 1, 50, "ab")))[:2] == ["Line 1:  ab", "E: m"]


@pytest.mark.parametrize("column", [1, 5000, 9999])
def test_of_a_long_line_the_part_around_the_column_is_shown(column: int) -> None:
    source = "a" * (column - 1) + "X" + "b" * (10000 - column)
    line, caret, *_ = render(ScriptError("E", "m", Place("/m.js", 1, column, source)))
    assert len(line) < 300
    assert line[caret.index("^")] == "X"


def test_messages_and_stacks_have_an_end() -> None:
    lines = render(ScriptError("E", "m" * 100_000, stack="f\n" * 5000))
    assert sum(map(len, lines)) < 2000


def test_the_modules_that_cannot_be_used_come_last() -> None:
    error = LoadError("SyntaxError", "bad", Place("/b.js", 1, 1, "+"), unloadable=("b.js", "./a.js"))
    assert render(error)[2:] == [
        "SyntaxError: bad at line 1 column 1 in /b.js",
        "Cannot load module: b.js",
        "Cannot load module: ./a.js",
    ]
