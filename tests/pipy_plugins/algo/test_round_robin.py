from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import cache, round_robin


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(round_robin, cache)


PICK = "((lb) => Array.from({ length: count }, () => lb.select() ?? null))(new algo.RoundRobinLoadBalancer(targets))"


@pytest.mark.parametrize(
    ("targets", "picks"),
    [
        pytest.param(["a", "b", "c"], "abcabc", id="array"),
        pytest.param({"a": 1, "b": 2}, "abbabb", id="weights"),
        pytest.param({"a": 3, "b": 1, "z": 0}, "abaaabaa", id="weight-0"),
        pytest.param({"a": 1, "b": -2}, "aaa", id="negative"),
        pytest.param({"a": 1, "b": "x"}, "aaa", id="no-number"),
        pytest.param({"a": 0.5, "b": 0.5}, "abab", id="fractions"),
        pytest.param(["a", "a"], "aa", id="twice-the-same"),
    ],
)
def test_the_order(script, targets, picks):
    assert "".join(script(PICK, targets=targets, count=len(picks))) == picks


@pytest.mark.parametrize("targets", [None, [], {}, {"a": 0}])
def test_without_targets_there_is_none(script, targets):
    assert script(PICK, targets=targets, count=2) == [None, None]


@given(weights=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), min_size=1), rounds=st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_each_round_gives_every_target_its_weight(script, weights, rounds):
    total = sum(weights.values())
    picks = script(PICK, targets=weights, count=total * rounds)
    for start in range(0, total * rounds, total or 1):
        assert Counter(picks[start : start + total]) == Counter({name: weight for name, weight in weights.items() if weight})


@given(weights=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 99), min_size=2))
@settings(max_examples=50, deadline=None)
def test_fractions_are_fair_in_the_long_run(script, weights):
    total = sum(weights.values())
    picks = Counter(script(PICK, targets={name: weight / 100 for name, weight in weights.items()}, count=total * 10))
    for name, weight in weights.items():
        assert abs(picks[name] - weight * 10) <= len(weights) + 1


def test_targets_can_be_added_and_taken_out(script):
    story = """((lb, take = (count) => Array.from({ length: count }, () => lb.select()).join("")) => (
      lb.set("a", 1), lb.set("b", 1),
      [take(4), (lb.set("a", 0), take(3)), (lb.set("c", 1), take(4))]
    ))(new algo.RoundRobinLoadBalancer)"""
    assert script(story) == ["abab", "bbb", "bcbc"]


def test_less_weight_does_not_keep_a_target_out(script):
    story = """((lb, take = (count) => Array.from({ length: count }, () => lb.select()).join("")) => (
      take(60), lb.set("a", 1), lb.set("b", 1), take(4)
    ))(new algo.RoundRobinLoadBalancer({ a: 50, b: 50 }))"""
    assert sorted(script(story)[-2:]) == ["a", "b"]


def test_unhealthy_targets_are_left_out(script):
    story = """((bad) => ((lb, take = (count) => Array.from({ length: count }, () => String(lb.select()))) => [
      take(2), (bad.set("a", true), take(2)), (bad.set("b", true), take(1)), (bad.set("b", false), bad.remove("a"), take(4))
    ])(new algo.RoundRobinLoadBalancer(["a", "b"], bad)))(new algo.Cache)"""
    before, without_a, neither, after = script(story)
    assert [before, without_a, neither] == [["a", "b"], ["b", "b"], ["undefined"]]
    assert Counter(after) == {"a": 2, "b": 2}


def test_deselect_changes_nothing(script):
    story = "((lb) => [lb.select(), lb.deselect('a'), lb.deselect(), lb.select()])(new algo.RoundRobinLoadBalancer(['a', 'b']))"
    assert script(story) == [
        "a",
        None,
        None,
        "b",
    ]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("new algo.RoundRobinLoadBalancer('a')", "argument #1 expects an array or an object"),
        ("new algo.RoundRobinLoadBalancer([], {})", "argument #2 expects an instance of Cache"),
        ("new algo.RoundRobinLoadBalancer().set(1, 1)", "argument #1 expects a string"),
        ("new algo.RoundRobinLoadBalancer().set('a', '1')", "argument #2 expects a number"),
    ],
)
def test_wrong_arguments(script, expression, words):
    with pytest.raises(Exception, match=f"TypeError: {words}"):
        script(expression)
