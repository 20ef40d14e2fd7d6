from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import cache, least_work


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(least_work, cache)


PLAY = """((lb) => steps.map(([name, ...args]) => lb[name](...args) ?? null))(new algo.LeastWorkLoadBalancer(targets))"""


@pytest.mark.parametrize(
    ("targets", "steps", "results"),
    [
        pytest.param(["a", "b"], ["select"] * 4, ["a", "b", "a", "b"], id="even"),
        pytest.param({"a": 2, "b": 1}, ["select"] * 6, ["a", "b", "a", "a", "b", "a"], id="weights"),
        pytest.param(["a", "b"], ["select", "select", "-a", "select"], ["a", "b", None, "a"], id="given-back"),
        pytest.param(["a", "b"], ["-a", "-a", "select", "select"], [None, None, "a", "b"], id="never-below-zero"),
        pytest.param(["a"], ["select", "-zzz", "select"], ["a", None, "a"], id="unknown"),
        pytest.param({"a": 0, "b": 1}, ["select", "select"], ["b", "b"], id="weight-0"),
        pytest.param({"a": 0.9, "b": 1.9}, ["select", "select"], ["b", "b"], id="cut-to-integers"),
        pytest.param([], ["select"], [None], id="none"),
    ],
)
def test_steps(script, targets, steps, results):
    calls = [["deselect", step[1:]] if step[0] == "-" else [step] for step in steps]
    assert script(PLAY, targets=targets, steps=calls) == results


@given(weights=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9), min_size=1), rounds=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_open_selections_are_shared_by_weight(script, weights, rounds):
    picks = Counter(script(PLAY, targets=weights, steps=[["select"]] * (sum(weights.values()) * rounds)))
    assert picks == {name: weight * rounds for name, weight in weights.items()}


def test_set_adds_a_target_and_changes_a_weight(script):
    steps = [["select"], ["set", "b", 1], ["select"], ["select"], ["set", "a", 0], ["select"], ["set", "a", 9], ["select"]]
    assert script(PLAY, targets=["a"], steps=steps) == ["a", None, "b", "a", None, "b", None, "a"]


def test_deselect_of_what_a_select_without_result_gave(script):
    assert script("((lb) => lb.deselect(lb.select()))(new algo.LeastWorkLoadBalancer([]))") == "undefined"


def test_unhealthy_targets_are_left_out(script):
    story = """((bad) => ((lb) => [lb.select(), (bad.set("a", 1), lb.select()), lb.select(), (bad.remove("a"), lb.select())]
      )(new algo.LeastWorkLoadBalancer(["a", "b"], bad)))(new algo.Cache)"""
    assert script(story) == ["a", "b", "b", "a"]
