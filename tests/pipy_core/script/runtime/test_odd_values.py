"""Values that nobody expects: shown in the log, put into heads, thrown. None of them may end more than the stream it is in."""

import pytest

from pipy_core.errors import ScriptError
from pipy_core.events import Data, Head, Message, MessageStart
from pipy_core.testing import logged
from tests.engine import needs


def script(*functions):
    return "pipy().pipeline('p')" + "".join(f"\n  .call({function})" for function in functions)


@pytest.fixture
def run(play):
    """``run(function, *arguments)``: what a function of a script gives, and another one after it."""

    def run(function, *arguments):
        results = []

        def story(stage):
            stage.load(main=script(function, "() => 'next'"))
            try:
                results.append(stage.call(0, *arguments))
            finally:
                assert stage.call(1) == "next"

        play(story)
        return results[0]

    return run


class TestShown:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("[new Data('text'), new Data([255])]", '["text",null]'),
            ("{ m: new Message({ a: 1 }, 'x') }", '{"m":{"head":{"a":1},"body":"x"}}'),
            ("new Message", '{"head":null,"body":null}'),
            ("new MessageStart({ a: 1 })", '{"head":{"a":1}}'),
            ("new MessageEnd", "{}"),
            ("new StreamEnd", '{"error":""}'),
            ("[1n, Symbol('s'), function f() {}, /x/g, undefined]", '["1","Symbol(s)","[Function: f]","/x/g",null]'),
            ("new Map([['a', new Set([1, 2])]])", '{"a":[1,2]}'),
            ("[new TypeError('x')]", '["TypeError: x"]'),
            ("new Date(NaN)", "Invalid Date"),
            ("{ toString: () => 'own words' }", "own words"),
            ("{ toString: 5 }", '{"toString":5}'),
            ("[{ a: [] }, { a: [] }]", '[{"a":[]},{"a":[]}]'),
            ("(o => (o.list = [o, { o }], o))({})", '{"list":["[Circular]",{"o":"[Circular]"}]}'),
            ("{ get a() { throw 1 } }", "(cannot be shown)"),
            ("new Proxy({}, { get() { throw 1 } })", "(cannot be shown)"),
            ("new Proxy({}, { getPrototypeOf() { throw 1 } })", "(cannot be shown)"),
            ("'half a pair: \\ud83d'", "half a pair: \ufffd"),
        ],
    )
    def test_values(self, run, value, shown):
        with logged() as lines:
            run(f"() => console.log(({value}))")
        assert lines[-1] == f"[INF] [] {shown}"

    def test_an_error_is_shown_with_the_frames_of_the_script_alone(self, run):
        with logged() as lines:
            run("() => console.log(new RangeError('far'))")
        first, *frames = lines[-1].split("\n")
        assert first == "[INF] [] RangeError: far"
        assert len(frames) == 1
        assert "pipy:///main.js:2:" in frames[0]


class TestData:
    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("`${new Data('text')}`", "text"),
            ("`${new Data([65, 255])}`", "A\ufffd"),
            ("new Data([255]) + '!'", "\ufffd!"),
            ("new Data('7') * 2", 14),
            ("['a', new Data('b')].join('-')", "a-b"),
            ("new Data([255]).toString()", None),
            ("JSON.stringify({ text: new Data('x'), bytes: new Data([255]) })", '{"text":"x","bytes":null}'),
            ("JSON.stringify(new Message({ a: 1 }, 'x'))", '{"head":{"a":1},"body":"x"}'),
            ("Data.from('abc', 'hex')", None),
        ],
    )
    def test_as_text(self, run, expression, result):
        assert run(f"() => {expression} ?? null") == result

    @pytest.mark.parametrize("argument", ["5", "{}", "() => 1"])
    def test_from_forgives_wrong_text_and_no_wrong_types(self, run, argument):
        with pytest.raises(ScriptError, match="argument #1 expects a string, an array or an instance of Data"):
            run(f"() => Data.from({argument})")


class TestHeads:
    @pytest.mark.parametrize(
        ("head", "fields"),
        [
            ("{ headers: { big: 5n, ok: 'yes' } }", {"headers": {"big": "5", "ok": "yes"}}),
            ("(h => (h.headers.self = h.headers, h.headers.h = h, h))({ headers: { ok: 'yes' } })", {"headers": {"ok": "yes"}}),
            ("(a => ({ one: a, two: a, n: 5n }))({ x: 1 })", {"one": {"x": 1}, "two": {"x": 1}, "n": "5"}),
            ("{ headers: { get bad() { throw 1 }, ok: 'yes' } }", {"headers": {"ok": "yes"}}),
            ("{ at: new Date(0), n: 5n }", {"at": "1970-01-01T00:00:00.000Z", "n": "5"}),
            ("new Proxy({}, { ownKeys() { throw 1 } })", {}),
            ("[1, 2]", {}),
            ("new Date", {}),
            ("{ toJSON: () => undefined, status: 201 }", {"status": 201}),
            ("{ headers: { 'a\\ud800': 'b\\udc00', 'c': 'd\\\\ud800' } }", {"headers": {"a\ufffd": "b\ufffd", "c": "d\\ud800"}}),
            ("{ headers: { pair: '\\ud83d\\ude00' } }", {"headers": {"pair": "\U0001f600"}}),
        ],
    )
    def test_what_can_be_sent_of_a_head_is_sent(self, run, head, fields):
        assert run(f"() => new Message({head})") == Message(Head(fields), None)

    @pytest.mark.parametrize(
        "change",
        [
            "Object.defineProperty(head, 'bad', { enumerable: true, get() { throw 1 } })",
            "head.toJSON = () => 'text'",
            "head.half = '\\udc00'",
        ],
    )
    def test_a_bad_change_spoils_no_other_stream(self, play, change):
        def story(stage):
            change_it = f"({{ head }}) => {{ {change}; head.seen = 1"
            stage.load(main=script(f"{change_it} }}", f"{change_it}; throw 1 }}", "() => 'next'"))
            head = Head({"path": "/"})
            stage.call(0, MessageStart(head))
            assert (head.fields["path"], head.fields["seen"]) == ("/", 1)
            with pytest.raises(ScriptError, match="thrown: 1"):
                stage.call(1, MessageStart(Head({"path": "/"})))
            assert stage.call(2) == "next"

        play(story)

    def test_a_class_name_may_be_anything(self, run):
        assert run("() => ({ constructor: { name: { a: 1 } } })").kind == "Object"


class TestLanguage:
    """Whatever an expression can hold is there, and does what the language says."""

    @pytest.mark.parametrize(
        ("body", "result"),
        [
            ("class A { #x = 1; static y = 2; get x() { return this.#x } } return new A().x + A.y", 3),
            ("function* g() { yield 1; yield 2 } return [...g()]", [1, 2]),
            ("let s = ''; outer: for (const a of 'ab') for (;;) { s += a; continue outer } return s", "ab"),
            ("return 'abc'.replace(/(?<b>b)/u, '[$<b>]')", "a[b]c"),
            ("return Object.keys(Object.groupBy([1, 2, 3], n => n % 2 ? 'odd' : 'even'))", ["odd", "even"]),
            pytest.param("return new Intl.NumberFormat('en').format(1234.5)", "1,234.5", marks=needs("v8", "QuickJS has no Intl")),
            ("return String.raw`a\\n${1}`", "a\\n1"),
            ("const { a = 1, ...rest } = { b: 2 }; return [a, rest.b, rest?.c?.d ?? 3]", [1, 2, 3]),
            ("return 2n ** 64n", 2.0**64),
            ("return [...new Map([[1, 2]]).values(), ...new Set([3])]", [2, 3]),
            ("try { null.x } catch ({ name }) { return name } finally { }", "TypeError"),
        ],
    )
    def test_statements(self, run, body, result):
        assert run(f"() => {{ {body} }}") == result


def test_a_rejected_promise_is_logged_with_its_place(run):
    with logged() as lines:
        run("async () => { await null; throw new RangeError('late') }")
    shown = lines[-1].split("\n")
    assert shown[0].startswith("[ERR] [pjs] Line 2:  .call(async")
    assert shown[2] == "Unhandled rejection: RangeError: late"
    assert shown[3].startswith("    in /main.js at line 2 column")


@pytest.mark.parametrize(("code", "given"), [("'abc'", "the string abc"), ("NaN", "the number NaN"), ("{}", "{}")])
def test_an_exit_code_is_a_number(run, code, given):
    with pytest.raises(ScriptError, match=f"argument #1 expects a number, given {given}"):
        run(f"() => pipy.exit({code})")


def test_data_is_shown_as_it_is_now(run):
    with logged() as lines:
        run("data => { data.push('!'); console.log(data, [data]) }", Data(b"text"))
    assert lines[-1] == '[INF] [] text! ["text!"]'
