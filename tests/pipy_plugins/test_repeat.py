import pytest

from pipy_plugins import repeat


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(repeat)


@pytest.mark.parametrize(
    ("arguments", "seen", "result"),
    [
        pytest.param("3, (i) => (seen.push(i), true)", [0, 1, 2], True, id="count"),
        pytest.param("10, (i) => (seen.push(i), i < 1)", [0, 1], False, id="falsy"),
        pytest.param("(i) => (seen.push(i), i < 2)", [0, 1, 2], False, id="no-count"),
        pytest.param("1.5, (i) => (seen.push(i), 'last ' + i)", [0, 1], "last 1", id="fraction"),
        pytest.param("0, (i) => (seen.push(i), true)", [], "undefined", id="zero"),
        pytest.param("-1, (i) => (seen.push(i), true)", [], "undefined", id="negative"),
    ],
)
def test_calls(script, arguments, seen, result):
    assert script(f"((seen) => {{ const result = repeat({arguments}); return [seen, show(result)]; }})([])") == [seen, result]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "argument #1 expects a number or a function"),
        ("'3', () => 1", "argument #1 expects a number or a function"),
        ("3", "argument #2 expects a function"),
    ],
)
def test_wrong_arguments(script, arguments, words):
    with pytest.raises(Exception, match=f"TypeError: {words}"):
        script(f"repeat({arguments})")


def test_an_exception_passes(script):
    with pytest.raises(Exception, match="RangeError: enough"):
        script("repeat((i) => { if (i > 3) throw new RangeError('enough'); return true; })")
