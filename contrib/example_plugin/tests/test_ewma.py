import json

import pytest
from pipy_core.api import Registry

from pipy_example import ewma

mini_racer = pytest.importorskip("py_mini_racer", reason="there is no build of V8 for this platform")


@pytest.fixture(scope="module")
def script():
    """Evaluates an expression in V8 with nothing but the class under test."""
    registry = Registry()
    ewma.pipy_register_scripts(registry)
    (source,) = registry.sources()
    with mini_racer.MiniRacer() as racer:
        racer.eval(f"globalThis.algo = ({source.source})({{}}).algo")
        yield lambda expression: json.loads(racer.eval(f"JSON.stringify([{expression}])"))[0]


def test_all_members_are_declared(script):
    registry = Registry()
    ewma.pipy_register_scripts(registry)
    (source,) = registry.sources()
    members = script("Object.getOwnPropertyNames(algo.Ewma.prototype)")
    assert [name for name in members if f" {name}(" not in source.typings and f" {name}:" not in source.typings] == []


@pytest.mark.parametrize(
    ("weight", "samples", "averages"),
    [
        ("0.5", [8], [8]),
        ("0.5", [8, 4, 4], [8, 6, 5]),
        ("1", [8, 4], [8, 4]),
        ("", [0, 10], [0, 1]),
    ],
)
def test_newer_samples_count_more(script, weight, samples, averages):
    assert script(f"((average) => {samples}.map((sample) => average.observe(sample)))(new algo.Ewma({weight}))") == averages


def test_has_the_current_value_and_forgets_it(script):
    story = "((a) => [a.value, (a.observe(3), a.value), (a.reset(), a.value), a.observe(7)])(new algo.Ewma)"
    assert script(story) == [None, 3, None, 7]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("new algo.Ewma('1')", "TypeError: argument #1 expects a number"),
        ("new algo.Ewma(0)", "RangeError: the weight"),
        ("new algo.Ewma(1.1)", "RangeError: the weight"),
        ("new algo.Ewma(NaN)", "RangeError: the weight"),
        ("new algo.Ewma().observe()", "TypeError: argument #1 expects a number"),
    ],
)
def test_wrong_arguments(script, expression, words):
    with pytest.raises(mini_racer.JSEvalException, match=words):
        script(expression)
