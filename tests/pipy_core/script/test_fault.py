"""Reading V8's words about exceptions."""

import json

import pytest

from pipy_core.errors import Place
from pipy_core.script.fault import Fault, place_of, uncaught
from pipy_core.script.host import Codebase


@pytest.fixture
def codebase(tmp_path):
    (tmp_path / "a.js").write_text("first\n  second()\n")
    codebase = Codebase(tmp_path)
    codebase.source("/a.js")
    return codebase


STACK = """TypeError: text
    at helper (pipy-runtime:2:10:20)
    at second (pipy:///a.js:2:3)
    at new Thing (pipy:///sub/b.js:7:1)
    at pipy:///a.js:1:1
    at eval (eval at <anonymous> (pipy-evaluate:1:70), pipy:///a.js:2:5)
    at __pipy.guard (pipy-runtime:entry:1:1)"""


def fault(stack, kind="TypeError"):
    return Fault(json.dumps({"kind": kind, "message": "text", "stack": stack}))


def test_the_innermost_frame_of_the_script_is_the_place(codebase):
    assert place_of(STACK, codebase) == Place("/a.js", 2, 3, "  second()")
    assert place_of("at x (pipy-runtime:2:10:20)", codebase) is None
    assert place_of("", codebase) is None


def test_a_placed_fault_has_the_frames_of_the_script_alone(codebase):
    error = fault(STACK).placed(codebase)
    assert str(error) == "TypeError: text"
    assert error.place.line == 2
    assert error.stack.splitlines() == [
        "second at /a.js:2:3",
        "new Thing at /sub/b.js:7:1",
        "(anonymous) at /a.js:1:1",
        "(anonymous) at /a.js:2:5",
    ]


def test_a_fault_without_a_frame_is_where_the_caller_says(codebase):
    assert fault("").placed(codebase, Place("/a.js", 9)).place == Place("/a.js", 9)
    assert fault("").placed(codebase).place == Place()


@pytest.mark.parametrize(
    ("kind", "frame", "is_syntax"),
    [
        ("SyntaxError", "at eval (pipy-evaluate:1:70)", True),
        ("SyntaxError", "at JSON.parse (<anonymous>)\n at pipy:///a.js:1:1", False),
        ("TypeError", "at eval (pipy-evaluate:1:70)", False),
    ],
)
def test_a_syntax_error_of_a_module_is_known_by_its_innermost_frame(kind, frame, is_syntax):
    assert fault(f"{kind}: text\n    {frame}", kind).is_syntax is is_syntax


def test_what_v8_says_of_an_uncaught_error():
    error = uncaught("pipy://x:3: SyntaxError: Unexpected token ')'\n  call()) \n       ^\nSyntaxError: ...", "/a.js")
    assert (error.kind, error.message) == ("SyntaxError", "Unexpected token ')'")
    assert error.place == Place("/a.js", 3, 8, "  call()) ")


def test_what_v8_says_in_other_words():
    error = uncaught("something\nelse", "/a.js")
    assert (error.kind, error.message, error.place) == ("SyntaxError", "else", Place("/a.js"))
