"""Reading engines' words about exceptions."""

import json

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import Place
from pipy_core.script.fault import Fault, place_of, uncaught
from pipy_core.script.host import Codebase


@pytest.fixture
def codebase(tmp_path):
    (tmp_path / "a.js").write_text("first\n  second()\n")
    codebase = Codebase(Snapshot(tmp_path, "/main.js"))
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


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("  return 1 + msg.lnik('x')", 18, "msg.lnik is not a function"),
        ("f(1)", 1, "f is not a function"),
        ("f?.a?.b(1)", 7, "f?.a?.b is not a function"),
        ("    .foo()", 6, "foo is not a function"),
        ("pipy().listen().lnik(1)", 17, "lnik is not a function"),
        ("new f.X(1)", 5, "f.X is not a constructor"),
        ("f?.(1)", 1, "f is not a function"),
        ("f[k](1)", 3, "not a function"),
        ("f()()", 4, "not a function"),
        ("f(1)", 99, "not a function"),
        ("", 1, "not a function"),
    ],
)
def test_what_was_called_is_named_where_the_engine_does_not(tmp_path, source, column, message):
    (tmp_path / "a.js").write_text(source)
    codebase = Codebase(Snapshot(tmp_path, "/main.js"))
    codebase.source("/a.js")
    error = Fault(
        json.dumps({"kind": "TypeError", "message": "not a function", "stack": f"TypeError\n    at pipy:///a.js:1:{column}"})
    )
    assert error.placed(codebase).message == message


@pytest.mark.parametrize("frame", ["at map (<anonymous>)", "at helper (pipy-runtime:quickjs:10:20)"])
def test_what_somebody_else_called_is_not_named(codebase, frame):
    stack = f"TypeError\n    {frame}\n    at pipy:///a.js:2:3"
    error = Fault(json.dumps({"kind": "TypeError", "message": "not a function", "stack": stack})).placed(codebase)
    assert error.message == "not a function"
    assert error.place.line == 2


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("expecting ')'", "Invalid regular expression: expecting ')'"),
        ("Invalid regular expression: /(/: x", "Invalid regular expression: /(/: x"),
        ("unexpected token in expression: '/'", "unexpected token in expression: '/'"),
    ],
)
def test_an_error_in_a_regular_expression_says_so(tmp_path, said, message):
    (tmp_path / "a.js").write_text("x = /(/")
    codebase = Codebase(Snapshot(tmp_path, "/main.js"))
    codebase.source("/a.js")
    error = Fault(json.dumps({"kind": "SyntaxError", "message": said, "stack": "SyntaxError\n    at pipy:///a.js:1:5"}))
    assert error.placed(codebase).message == message
