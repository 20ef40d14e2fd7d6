"""What scripts of the original find here: each global, and what differs between its language and JavaScript as it was decided."""

import json

import pytest

from pipy_core.errors import ScriptError
from pipy_core.plugins import Plugins, installed
from pipy_core.reference.declarations import declarations
from pipy_core.registry import Registry
from pipy_core.script.typings import core_typings
from tests.engine import by_engine


def built_in(registry):
    Plugins().load(registry, [each for each in installed() if each.built_in])


@pytest.fixture
def run(play):
    """``run(expression)``: what it gives, through JSON."""

    def run(expression):
        results = []

        def story(stage):
            stage.load(main=f"pipy().pipeline('p').call(() => JSON.stringify([{expression}]))")
            results.append(json.loads(stage.call(0))[0])

        play(story, prepare=built_in)
        return results[0]

    return run


#: All globals of the original (spec: api.md, 0).
GLOBALS = """Object Boolean Number String Array Math Date RegExp JSON XML Hessian console os URL URLSearchParams Netmask Data Message
    MessageStart MessageEnd StreamEnd stats http crypto algo pipy repeat"""
MEMBERS = {
    "pipy": "load restart exit",
    "console": "log",
    "os": "env readFile writeFile stat",
    "JSON": "parse stringify decode encode",
    "XML": "Node parse stringify decode encode",
    "Hessian": "decode encode",
    "algo": """hash Cache URLRouter RoundRobinLoadBalancer LeastWorkLoadBalancer HashingLoadBalancer ResourcePool Percentile""",
    "crypto": "PublicKey PrivateKey Certificate CertificateChain Cipher Decipher Hash Hmac Sign Verify JWK JWT",
    "http": "File",
    "stats": "Counter Gauge Histogram",
    "Data": "from",
    "Data.prototype": "size push pushUInt32BE shift shiftUInt32BE toString",
    "Object": "assign entries fromEntries keys values",
    "Number": "EPSILON MAX_SAFE_INTEGER MAX_VALUE MIN_SAFE_INTEGER MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY",
    "String": "fromCharCode fromCodePoint",
    "String.prototype": """length charAt charCodeAt codePointAt concat endsWith includes indexOf lastIndexOf match padEnd padStart repeat
        replace replaceAll search slice split startsWith substring toLowerCase toUpperCase trim trimEnd trimStart""",
    "Array.prototype": """length concat copyWithin every fill filter find findIndex flat flatMap forEach includes indexOf join lastIndexOf
        map pop push reduce reduceRight reverse shift slice some sort splice unshift""",
    "Math": """E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos acosh asin asinh atan atanh atan2 cbrt ceil cos cosh exp expm1 floor
        fround hypot log log1p log10 log2 max min pow random round sign sin sqrt tan tanh trunc clz32 imul""",
    "Date.prototype": """getDate getDay getFullYear getHours getMilliseconds getMinutes getMonth getSeconds getTime setDate setFullYear
        setHours setMilliseconds setMinutes setMonth setSeconds setTime toDateString toTimeString toISOString toUTCString valueOf""",
    "RegExp.prototype": "exec test source global ignoreCase",
}


def test_everything_is_there(run):
    names = [*GLOBALS.split(), *(f"{owner}.{name}" for owner, members in MEMBERS.items() for name in members.split())]
    missing = """(([...owners], name) => {
        let owner = globalThis
        for (const each of owners) owner = owner?.[each]
        return owner === undefined || !(name in owner)
    })(name.split('.').slice(0, -1), name.split('.').at(-1))"""
    script = f"{json.dumps(names)}.filter(name => {missing})"
    assert run(script) == []


def test_every_global_of_ours_is_declared():
    registry = Registry()
    built_in(registry)
    assert [source.name for source in registry.sources() if not source.typings] == []
    declared = declarations([core_typings(), *(source.typings for source in registry.sources())])
    language = {"Object", "Boolean", "Number", "String", "Array", "Math", "Date", "RegExp"}
    assert set(GLOBALS.split()) - language - declared.keys() == set()
    assert [name for name, parts in declared.items() if not any(part.summary for part in parts)] == []


@pytest.mark.parametrize(
    ("owner", "names"),
    [(owner, names) for owner, names in MEMBERS.items() if owner in {"pipy", "console", "os", "algo", "crypto", "Data.prototype"}],
)
def test_every_member_of_ours_is_declared(owner, names):
    registry = Registry()
    built_in(registry)
    declared = declarations([core_typings(), *(source.typings for source in registry.sources())])
    text = "\n".join(part.text for part in declared[owner.partition(".")[0]])
    assert [name for name in names.split() if f" {name}" not in text] == []


def examples():
    registry = Registry()
    built_in(registry)
    declared = declarations([core_typings(), *(source.typings for source in registry.sources())])
    return [
        pytest.param(example, id=f"{name}-{number}")
        for name in ("Data", "Message", "Netmask", "URL", "algo", "crypto", "pipy", "repeat")
        for number, example in enumerate(example for part in declared[name] for example in part.examples)
    ]


class TestDecisions:
    """``docs/compatibility.md``, The language."""

    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("'a.b.c'.replace(new RegExp('[.]'), '-')", "a-b.c"),
            ("'a.b.c'.replace(new RegExp('[.]', 'g'), '-')", "a-b-c"),
            ("'/users/42'.replace(new RegExp('^/users/([0-9]+)'), '[$1|$&|$$]')", "[42|/users/42|$]"),
            ("['a,b'.split(','), 'ab'.split(''), 'a,b,c'.split(',', 2)]", [["a", "b"], ["a", "b"], ["a", "b"]]),
            ("'a1b22'.match(new RegExp('[0-9]+', 'g'))", ["1", "22"]),
            ("'abc'.match(new RegExp('x'))", None),
            ("['abc'.endsWith('c'), 'abcb'.lastIndexOf('b'), ' x '.trimEnd()]", [True, 3, " x"]),
            ("[Number('12ab'), Number(''), Number(undefined), parseFloat('12ab')].map(String)", ["NaN", "0", "NaN", "12"]),
            ("[String(undefined + 1), String(+undefined), undefined < 1]", ["NaN", "NaN", False]),
            ("[(5).toFixed(2), `${0.1}`, `${1e21}`, Math.round(-2.5)]", ["5.00", "0.1", "1e+21", -2]),
            ("[null, undefined, 1].join('-')", "--1"),
            ("Object.keys({ b: 1, 10: 1, 2: 1 })", ["2", "10", "b"]),
            ("'\\u00c4\\u{1f600}'.toLowerCase().length", 3),
            (
                "[new Date('2026-01-31T00:00:00Z').getTime(), new Date(5).toISOString()]",
                [1769817600000, "1970-01-01T00:00:00.005Z"],
            ),
            ("[[1, 2, 3].reverse(), [1, 2, 3].slice(-2), [3, 1, 2].sort((a, b) => a - b)]", [[3, 2, 1], [2, 3], [1, 2, 3]]),
            ("(a => a?.b.c ?? 'none')(null)", "none"),
            ("(x => [x++, x, ++x])(1)", [1, 2, 3]),
            ("typeof null + typeof (() => 1) + typeof undefined", "objectfunctionundefined"),
            ("['setTimeout', 'fetch', 'atob', 'require', 'process'].filter(name => name in globalThis)", []),
        ],
    )
    def test_as_the_language_says(self, run, expression, result):
        assert run(expression) == result

    @pytest.mark.parametrize(
        "expression",
        ["'\\033[31m'", "((_, { _ }) => 1)()", "(a => a?.b = 1)({})"],
    )
    def test_syntax_errors_have_a_place(self, run, expression):
        with pytest.raises(ScriptError) as caught:
            run(expression)
        assert caught.value.kind == "SyntaxError"
        assert (caught.value.place.path, caught.value.place.line) == ("/main.js", 1)

    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("[JSON.parse('{') ?? 'none', JSON.parse('[1]'), JSON.decode(null) ?? 'none']", ["none", [1], "none"]),
            ("[repeat(3, i => i + 1), repeat(i => i < 5)]", [3, False]),
            ("new Data([1, 2, 255]).toString('hex')", "0102ff"),
            (
                "[new Data('aGk=', 'base64'), new Data('aGk', 'base64url'), new Data('6869', 'hex')].map(d => d.toString())",
                ["hi"] * 3,
            ),
            ("[Data.from('a', 'hex'), Data.from('abc', 'base64'), Data.from('a', 'base64url')]", [None] * 3),
            ("(d => [d.shift(2).toString(), d.size, d.shift(9).toString(), d.size])(new Data('abc'))", ["ab", 1, "c", 0]),
            (
                "[new Data().pushUInt32BE(4294967295).push('x').shiftUInt32BE(), new Data([128, 0, 0, 1]).shiftUInt32BE()]",
                [2**32 - 1, 2**31 + 1],
            ),
            ("[new Message('x').body.size, new Message({ a: 1 }).head.a, new Message(null, 'y').body.toString()]", [1, 1, "y"]),
            (
                "[new Message().head, new Message().body, new MessageStart().head, new StreamEnd('ReadError').error]",
                [None, None, None, ""],
            ),
            ("[new Data('6869', 'hex').toString(null), new Data('hi', null).size, Data.from('hi', null).size]", ["hi", 2, 2]),
            ("[pipy.load('none'), pipy.load('../../etc/passwd'), pipy.load('./main.js').size > 10]", [None, None, True]),
        ],
    )
    def test_as_the_original_has_it(self, run, expression, result):
        assert run(expression) == result

    @pytest.mark.parametrize(
        ("expression", "error"),
        [
            ("new Data(5)", "argument #1 expects a string, an array or an instance of Data"),
            ("new Data('x', 'latin1')", "unknown encoding: latin1"),
            ("new Data('abc', 'hex')", "incomplete hex string"),
            ("new Data('xy', 'hex')", "invalid hex encoding"),
            ("new Data('abc', 'base64')", "incomplete Base64 string"),
            ("new Data('a*==', 'base64')", "invalid Base64 encoding"),
            ("new Data('x').toString('latin1')", "unknown encoding: latin1"),
            ("new Data().push(5)", "argument #1 expects a string or an instance of Data"),
            ("new Data().pushUInt32BE('5')", "argument #1 expects a number"),
            ("new Data().shift('5')", "argument #1 expects a number"),
            ("new Message(5)", "argument #1 expects an object"),
            ("new Message({}, 5)", "the body of a Message is a string or an instance of Data"),
            ("new Message('x', 'y')", "argument #1 expects an object"),
            ("(m => m.body = 'x')(new Message())", by_engine(v8="Cannot set property body", quickjs="no setter for property")),
            ("new MessageStart(5)", "argument #1 expects an object"),
            ("JSON.parse(5)", "argument #1 expects a string"),
            ("JSON.decode('x')", "argument #1 expects an instance of Data"),
            ("repeat(5)", "argument #2 expects a function"),
            ("pipy.load(5)", "argument #1 expects a string"),
            ("unknown = 5", "unknown is not defined"),
        ],
    )
    def test_errors(self, run, expression, error):
        with pytest.raises(ScriptError) as caught:
            run(expression)
        assert caught.value.message.startswith(error)


@pytest.mark.parametrize("example", examples())
def test_examples_do_what_they_say(play, run, example):
    if example.startswith("pipy("):
        play(lambda stage: stage.load(main=example), prepare=built_in)
        return
    expression, _, result = example.partition("  // ")
    given = run(expression)
    assert result == "" or given == json.loads(result.replace("'", '"'))
