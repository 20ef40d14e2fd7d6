import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins import json_global
from tests.engine import by_engine


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(json_global)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@pytest.mark.parametrize("text", ["", "{bad", "[1,]", "{'a':1}", "undefined", "NaN", '"open', "1 2", "\ufeff1", "[" * 40])
def test_what_is_not_json_is_undefined(script, text):
    assert script("[JSON.parse(text), JSON.decode(new Data(text))].map(show)", text=text) == ["undefined", "undefined"]


@given(value=VALUES)
@settings(max_examples=100, deadline=None)
def test_parse_and_decode_agree_with_python(script, value):
    text = json.dumps(value)
    assert script("[JSON.parse(text), JSON.decode(new Data(text))]", text=text) == [value, value]
    assert json.loads(script("JSON.encode(value, null, 3).toString()", value=value)) == value


def test_a_data_that_is_not_text_is_undefined(script):
    assert script("JSON.decode(new Data(null))") == "undefined"


@pytest.mark.parametrize("absent", ["null", "undefined", ""])
def test_decoding_the_body_of_a_message_without_one(script, absent):
    assert script(f"JSON.decode({absent})") == "undefined"


@pytest.mark.parametrize("expression", ["JSON.parse(5)", "JSON.parse(null)", "JSON.parse()", "JSON.parse({})"])
def test_parse_wants_a_string(script, expression):
    with pytest.raises(Exception, match="TypeError: argument #1 expects a string"):
        script(expression)


@pytest.mark.parametrize("expression", ["JSON.decode('{}')", "JSON.decode({})", "JSON.decode(0)"])
def test_decode_wants_a_data(script, expression):
    with pytest.raises(Exception, match="TypeError: argument #1 expects an instance of Data"):
        script(expression)


def test_a_reviver_works_and_its_errors_are_its_own(script):
    assert script("JSON.parse('[1, 2]', (key, value) => (typeof value === 'number' ? value * 2 : value))") == [2, 4]
    with pytest.raises(Exception, match="RangeError: mine"):
        script("JSON.parse('1', () => { throw new RangeError('mine') })")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("1.5", "1.5"),
        ("1e21", "1e+21"),
        ("[NaN, Infinity, undefined, () => 1]", "[null,null,null,null]"),
        ("{ a: undefined, b: 1, c: () => 1 }", '{"b":1}'),
        ("{ zeta: 1, alpha: 2 }", '{"zeta":1,"alpha":2}'),
        ("'\\n\\u0001\u00e9'", '"\\n\\u0001\u00e9"'),
        ("new Date(0)", '"1970-01-01T00:00:00.000Z"'),
        ("[1, { a: {} }], null, 2", '[\n  1,\n  {\n    "a": {}\n  }\n]'),
        ("[1], null, '--'", "[\n--1\n]"),
        ("{ a: 1, b: { a: 2, c: 3 } }, ['a', 'b']", '{"a":1,"b":{"a":2}}'),
    ],
)
def test_stringify_is_ecmascripts_and_encode_gives_the_same(script, arguments, text):
    assert script(f"[JSON.stringify({arguments}), JSON.encode({arguments}).toString()]") == [text, text]


@pytest.mark.parametrize("nothing", ["undefined", "() => 1"])
def test_what_has_no_json(script, nothing):
    assert script(f"[JSON.stringify({nothing}), JSON.encode({nothing})].map(show)") == ["undefined", "undefined"]


def test_encode_gives_a_data_of_bytes(script):
    assert script("((data) => [data instanceof Data, data.size])(JSON.encode('\u00e9'))") == [True, 4]


def test_a_replacer_gets_key_value_and_owner(script):
    story = """((log, value = { a: [1] }) => (
      JSON.stringify(value, function (key, one, owner) {
        log.push([key, owner === null ? "outermost" : this === owner && owner[key] === one]);
        return one;
      }), log))([])"""
    assert script(story) == [["", "outermost"], ["a", True], ["0", True]]


def test_a_replacer_replaces_and_leaves_out(script):
    assert script("JSON.stringify({ a: 1, b: 's', c: null }, (key, value) => (key === 'b' ? undefined : value ?? 'none'))") == (
        '{"a":1,"c":"none"}'
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param("", '{"list":[1,{"up":null}],"again":{"x":1},"same":{"x":1}}', id="plain"),
        pytest.param(
            ", (key, value) => (value === 1 ? 'one' : value)",
            '{"list":["one",{"up":null}],"again":{"x":"one"},"same":{"x":"one"}}',
            id="replacer",
        ),
        pytest.param(", ['list', 'up', 'x']", '{"list":[1,{"up":null}]}', id="names"),
        pytest.param(
            ", (key, value, owner) => (key === 'up' ? owner.me : value)",
            '{"list":[1,{"up":null}],"again":{"x":1},"same":{"x":1}}',
            id="replaced-by-itself",
        ),
    ],
)
def test_a_value_inside_itself_is_null(script, arguments, text):
    story = f"""((value, shared = {{ x: 1 }}) => (
      value.list[1].up = value, value.again = shared, value.same = shared,
      Object.defineProperty(value.list[1], "me", {{ value: value.list[1] }}),
      JSON.stringify(value{arguments})))({{ list: [1, {{}}] }})"""
    assert script(story) == text


def test_other_errors_are_the_scripts(script):
    with pytest.raises(
        Exception, match=by_engine(v8="TypeError: Do not know how to serialize a BigInt", quickjs="TypeError: BigInt are forbidden")
    ):
        script("JSON.stringify(1n)")
    with pytest.raises(Exception, match="TypeError: mine"):
        script("JSON.stringify({ toJSON() { throw new TypeError('mine') } })")
