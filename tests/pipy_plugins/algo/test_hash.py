import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import hash as hash_plugin


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(hash_plugin)


VALUES = st.one_of(
    st.text(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)


@given(values=st.lists(VALUES, max_size=20))
@settings(max_examples=100, deadline=None)
def test_is_a_safe_whole_number_and_always_the_same(script, values):
    hashes, again = script("[values.map(algo.hash), values.map((value) => algo.hash(value))]", values=values)
    assert hashes == again
    assert all(isinstance(number, int) and 0 <= number < 2**53 for number in hashes)


def test_different_values_have_different_hashes(script):
    values = (
        [f"key {number}" for number in range(5000)] + list(range(5000)) + [str(number) for number in range(5000)] + [True, None]
    )
    assert len(set(script("values.map(algo.hash)", values=values))) == len(values)


@pytest.mark.parametrize("count", [2, 3, 8, 10, 64])
def test_every_remainder_comes_up_as_often(script, count):
    remainders = script(f"Array.from({{ length: {count} * 200 }}, (_, number) => algo.hash(`10.0.0.${{number}}`) % {count})")
    assert all(130 < remainders.count(remainder) < 280 for remainder in range(count))


def test_objects_and_functions_are_told_apart_by_identity(script):
    story = """((one, other, f) => [
      algo.hash(one) === algo.hash(one), algo.hash(one) === algo.hash(other),
      algo.hash(f) === algo.hash(f), algo.hash(f) === algo.hash(one)
    ])({}, {}, () => 1)"""
    assert script(story) == [True, False, True, False]


def test_what_json_cannot_say(script):
    assert script("[undefined, NaN, Infinity, 10n, Symbol('s')].every((value) => Number.isSafeInteger(algo.hash(value)))") is True
    assert script("algo.hash(-0) === algo.hash(0)") is True  # they are one key of a Map
