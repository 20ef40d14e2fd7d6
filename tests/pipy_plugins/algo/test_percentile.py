import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import percentile


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(percentile)


ASK = """((p) => (
  samples.forEach((sample) => p.observe(sample)), asked.map((one) => show(p.calculate(one)))
))(new algo.Percentile(buckets))"""


@pytest.mark.parametrize(
    ("samples", "asked", "answers"),
    [
        pytest.param([], [0, 50], [0, 10], id="nothing-observed"),
        pytest.param([1, 2, 3, 15], [50, 75, 76, 100], [10, 10, 20, 20], id="counts"),
        pytest.param([10, 10.5, 20], [33, 34, 100], [10, 20, 20], id="bounds-belong-to-their-bucket"),
        pytest.param([1, 41, 1000], [100, 101], [10, "Infinity"], id="beyond-the-last"),
        pytest.param([1], [-5, 0, 0.1], [0, 0, 10], id="not-positive"),
    ],
)
def test_calculates(script, samples, asked, answers):
    assert script(ASK, buckets=[10, 20, 40], samples=samples, asked=asked) == answers


def test_reset_forgets(script):
    assert script("((p) => (p.observe(35), p.reset(), p.observe(5), p.calculate(100)))(new algo.Percentile([10, 40]))") == 10


def test_buckets_are_cut_to_integers(script):
    assert script(ASK, buckets=[1.9, 2.1], samples=[1.5], asked=[50]) == [2]


@pytest.mark.parametrize("buckets", ["[5, 3]", "[1, 1]", "[0, 1]", "[-1]", "[1.2, 1.8]", "['x']"])
def test_buckets_out_of_order(script, buckets):
    with pytest.raises(Exception, match="Error: buckets are not in ascending order"):
        script(f"new algo.Percentile({buckets})")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("new algo.Percentile(5)", "an array"),
        ("new algo.Percentile([1]).observe('1')", "a number"),
        ("new algo.Percentile([1]).calculate()", "a number"),
    ],
)
def test_wrong_arguments(script, expression, words):
    with pytest.raises(Exception, match=f"TypeError: argument #1 expects {words}"):
        script(expression)


@given(samples=st.lists(st.integers(1, 99), min_size=1, max_size=50), percentage=st.integers(1, 100))
@settings(max_examples=100, deadline=None)
def test_is_the_nearest_rank(script, samples, percentage):
    rank = math.ceil(percentage * len(samples) / 100)
    assert script(ASK, buckets=list(range(1, 100)), samples=samples, asked=[percentage]) == [sorted(samples)[rank - 1]]
