"""Scripts that only the original's engine reads: what becomes of them, and that nothing else is touched."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import LoadError, ScriptError
from pipy_core.script.spelling import respelled
from tests.engine import by_engine

ASSIGNMENTS = [
    ("a?.b.c = 1", "a .b.c = 1"),
    ("m => m?.h?.x['y'] = m?.z", "m => m .h .x['y'] = m?.z"),
    ("a?.[0].b += 2", "a  [0].b += 2"),
    ("a?.b[q?.z].c ??= 1", "a .b[q?.z].c ??= 1"),
    ("a?.(x)?.b.in = 1", "a  (x) .b.in = 1"),
    ("++a?.b[0]", "++a .b[0]"),
    ("x + --a?.b()[0].c", "x + --a .b()[0].c"),
    ("a?.b.c++", "a .b.c++"),
    ("f(b)?.in[1].c = (a, d)", "f(b) .in[1].c = (a, d)"),
    ("(a ?? b)?.c.d = 1", "(a ?? b) .c.d = 1"),
    ("typeof (a)?.b.c ? 1 : (a?.b.c = 1)", "typeof (a)?.b.c ? 1 : (a .b.c = 1)"),
    ("[a][0]?.b.c = 1", "[a][0] .b.c = 1"),
    ("`${a?.b.c = 1} ?. ${`\\`${{ x: `}` }?.b.c = 1}`}`", "`${a .b.c = 1} ?. ${`\\`${{ x: `}` } .b.c = 1}`}`"),
    ("// a?.b.c = 1\na\n  ?.b.c = 2 /* a?.b.c = 1 */", "// a?.b.c = 1\na\n   .b.c = 2 /* a?.b.c = 1 */"),
    ("a / 2, 'it\\'s' / `x` / b?.c.d, b?.c.d = 1", "a / 2, 'it\\'s' / `x` / b?.c.d, b .c.d = 1"),
]
PARAMETERS = [
    ("(_, _) => _", "(_, a) => _"),
    ("(_, _, _, a) => _", "(_, b, c, a) => _"),
    ("(_, _) => (_, _) => a", "(_, b) => (_, b) => a"),
    ("(two, two, x) => two", "(two, aaa, x) => two"),
    ("({ a: x }, [, b], x, ...y) => 1", "({ a: c }, [, b], x, ...y) => 1"),
    ("([x = [1, 2]], { y: { z: x } }) => 1", "([x = [1, 2]], { y: { z: a } }) => 1"),
    ("(x = (y, z), y, y) => 1", "(x = (y, z), y, a) => 1"),
    ("({ b, ...x }, x) => 1", "({ b, ...a }, x) => 1"),
]
UNTOUCHED = [
    "a?.b = 1",  # no script of the original either
    "a?.b?.[c] = 1",
    "a?.()",
    "a == b?.c.d, a?.b.c === 1, a?.b.c <= 1, a ? .5 : b?.c",
    "'a?.b.c = 1' + \"a?.b.c = 1\" + `a?.b.c = 1`",
    "({ a }, { a }) => a",  # a member's name cannot be changed
    "(a, { a }) => a",
    "(a, b) => (a, b) => a",
    "(b, a), a",
    # no scripts of the original: these have statements and regular expressions
    "x => { a?.b.c = 1 }",
    "a?.b.c = 1;",
    "/a?.b.c = 1/",
    "x.replace(/'/, 1), a?.b.c = 1",
    "a?.b.c = x =/y/",
    "typeof /x/, a?.b.c = 1",
    # broken ones
    "a?.b.c = (1",
    "a?.b.c = '1",
    "`${a?.b.c = 1",
    "`${a?.b.c = 1)}`",
    "a?.b.c = 1)",
    "++",
    "= 1",
    "?.b.c = 1)",
    ") => 1",
    "(" + "[" * 3000 + "]" * 3000 + ") => 1",
]


@pytest.mark.parametrize(("source", "expected"), [*ASSIGNMENTS, *PARAMETERS])
def test_is_respelled(source, expected):
    assert respelled(source) == expected


@pytest.mark.parametrize("source", UNTOUCHED)
def test_is_left_as_it_is(source):
    assert respelled(source) == source


def test_more_names_than_there_are_letters():
    source = f"({', '.join(['_'] * 100)}) => 1"
    assert len(respelled(source)) == len(source)


PIECES = [
    "a",
    "?.",
    ".b",
    "[0]",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "`",
    "${",
    "'",
    '"',
    "\\",
    "/",
    "=",
    "=>",
    "++",
    ",",
    ":",
    "...",
    "1",
    " ",
    "\n",
    "new ",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_keeps_its_length_and_its_lines(source):
    result = respelled(source)
    assert len(result) == len(source)
    assert [at for at, unit in enumerate(result) if unit == "\n"] == [at for at, unit in enumerate(source) if unit == "\n"]


# -- in the engine --------------------------------------------------------------------------------------------------


def test_scripts_of_the_original_run(play):
    def story(stage):
        stage.load(main="pipy({ _x: null })\n.pipeline('p')\n.call((_, _) => (_x = { y: {} }, _x?.y.z = _, JSON.stringify(_x)))")
        assert stage.call(0, "one", "two") == '{"y":{"z":"one"}}'

    play(story)


_INVALID = by_engine(v8="Invalid left-hand side in assignment", quickjs="invalid assignment left-hand side")


def test_an_assignment_to_what_is_not_there_fails_in_its_place(play):
    def story(stage):
        stage.load(main="pipy()\n.pipeline('p')\n.call(x => x?.y?.z.w = 1)")
        with pytest.raises(
            ScriptError, match=by_engine(v8="Cannot read properties of undefined", quickjs="cannot read property 'z' of undefined")
        ) as caught:
            stage.call(0, {})
        assert (caught.value.place.line, caught.value.place.column) == (3, by_engine(v8=18, quickjs=12))

    play(story)


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        (
            "pipy()\n.call((_, _) => (_?.a.b = 1, ))",
            by_engine(v8="Unexpected token ')'", quickjs="unexpected token in expression: ')'"),
            2,
            30,
        ),
        ("pipy()\n.call((_, _) => _?.a = 1)", _INVALID, 2, by_engine(v8=17, quickjs=24)),
        ("pipy()\n.call(() => { x?.a.b = 1 })", _INVALID, 2, by_engine(v8=15, quickjs=24)),
    ],
)
def test_other_errors_are_shown_as_the_author_wrote_them(play, source, message, line, column):
    def story(stage):
        with pytest.raises(LoadError, match=re.escape(message)) as caught:
            stage.load(main=source)
        error = caught.value
        assert error.kind == "SyntaxError"
        assert (error.place.line, error.place.column, error.place.source) == (line, column, source.split("\n")[line - 1])

    play(story)


def test_a_syntax_error_of_what_the_script_does_does_not_run_it_again(play):
    def story(stage):
        with pytest.raises(LoadError, match=by_engine(v8="Unterminated group", quickjs="expecting '\\)'")):
            stage.load(main="(() => { globalThis.runs = (globalThis.runs ?? 0) + 1; return pipy().call(new RegExp('(')) })()")
        stage.load(main="pipy().pipeline('p').call(() => globalThis.runs)")
        assert stage.call(0) == 1

    play(story)
