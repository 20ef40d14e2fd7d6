import pytest

from pipy_plugins.algo import cache, hashing


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(hashing, cache)


PICK = "((lb) => keys.map((key) => lb.select(key) ?? null))(new algo.HashingLoadBalancer(targets))"


def test_equal_keys_have_one_target_and_keys_are_spread(script):
    keys = [f"key-{number}" for number in range(300)]
    picks = script(PICK, targets=["a", "b", "c"], keys=keys)
    assert picks == script(PICK, targets=["a", "b", "c"], keys=keys)
    assert all(70 < picks.count(target) < 130 for target in "abc")


def test_another_process_makes_the_same_choice(script, script_of):
    keys = [f"key-{number}" for number in range(40)]
    assert script_of(hashing)(PICK, targets=["a", "b"], keys=keys) == script(PICK, targets=["a", "b"], keys=keys)


@pytest.mark.parametrize("targets", [None, []])
def test_without_targets_there_is_none(script, targets):
    assert script(PICK, targets=targets, keys=["a"]) == [None]


def test_targets_can_be_added(script):
    assert script("((lb) => (lb.add('x'), lb.select('any')))(new algo.HashingLoadBalancer)") == "x"


def test_there_is_no_second_choice(script):
    story = """((bad) => ((lb) => [lb.select("k"), (bad.set("a", true), lb.select("k") === undefined)]
      )(new algo.HashingLoadBalancer(["a"], bad)))(new algo.Cache)"""
    assert script(story) == ["a", True]


def test_deselect_changes_nothing(script):
    assert script("((lb) => [lb.deselect('a') ?? null, lb.select(1)])(new algo.HashingLoadBalancer(['a']))") == [None, "a"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("new algo.HashingLoadBalancer({ a: 1 })", "argument #1 expects an array"),
        ("new algo.HashingLoadBalancer([], 5)", "argument #2 expects an instance of Cache"),
        ("new algo.HashingLoadBalancer().add(5)", "argument #1 expects a string"),
    ],
)
def test_wrong_arguments(script, expression, words):
    with pytest.raises(Exception, match=f"TypeError: {words}"):
        script(expression)
