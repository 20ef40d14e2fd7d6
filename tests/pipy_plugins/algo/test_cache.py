import json
from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import cache


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(cache)


PLAY = """(() => {
  const log = [];
  const cache = new algo.Cache(limit, creates ? (key) => (log.push(["create", key]), `made ${key}`) : null,
    (key, value) => log.push(["destroy", key, value]));
  return [steps.map(([name, ...args]) => cache[name](...args) ?? null), log];
})()"""


@pytest.mark.parametrize(
    ("limit", "creates", "steps", "results", "log"),
    [
        pytest.param(0, False, [["get", "a"]], [None], [], id="miss"),
        pytest.param(0, True, [["get", "a"], ["get", "a"]], ["made a", "made a"], [["create", "a"]], id="creates-once"),
        pytest.param(0, False, [["set", "a", 1], ["get", "a"]], [None, 1], [], id="hit"),
        pytest.param(
            0,
            False,
            [["set", 1, "number"], ["set", "1", "text"], ["get", 1], ["get", "1"]],
            [None, None, "number", "text"],
            [],
            id="keys-by-value",
        ),
        pytest.param(
            0, False, [["remove", "a"], ["set", "a", 1], ["remove", "a"]], [False, None, True], [["destroy", "a", 1]], id="remove"
        ),
        pytest.param(
            2,
            False,
            [["set", "a", 1], ["set", "b", 2], ["get", "a"], ["set", "c", 3]],
            [None, None, 1, None],
            [["destroy", "b", 2]],
            id="evicts-the-least-used",
        ),
        pytest.param(
            2,
            False,
            [["set", "a", 1], ["set", "b", 2], ["set", "a", 3], ["set", "c", 4]],
            [None] * 4,
            [["destroy", "a", 3]],
            id="set-keeps-the-place",
        ),
        pytest.param(
            1,
            True,
            [["get", "a"], ["get", "b"], ["get", "a"]],
            ["made a", "made b", "made a"],
            [["create", "a"], ["create", "b"]],
            id="get-passes-the-limit",
        ),
        pytest.param(
            1,
            True,
            [["get", "a"], ["get", "b"], ["set", "c", 1]],
            ["made a", "made b", None],
            [["create", "a"], ["create", "b"], ["destroy", "a", "made a"], ["destroy", "b", "made b"]],
            id="set-catches-up",
        ),
        pytest.param(
            0,
            False,
            [["set", "a", 1], ["set", "b", 2], ["clear"], ["get", "a"]],
            [None] * 4,
            [["destroy", "a", 1], ["destroy", "b", 2]],
            id="clear",
        ),
    ],
)
def test_steps(script, limit, creates, steps, results, log):
    assert script(PLAY, limit=limit, creates=creates, steps=steps) == [results, log]


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        pytest.param("", ["undefined", []], id="none"),
        pytest.param("create", ["made x", []], id="create"),
        pytest.param("create, destroy", ["made x", ["x"]], id="create-destroy"),
        pytest.param("null, destroy", ["undefined", []], id="null-destroy"),
        pytest.param("5, create", ["made x", []], id="limit-create"),
        pytest.param("5, create, destroy", ["made x", ["x"]], id="limit-create-destroy"),
        pytest.param("null, create, destroy", ["made x", ["x"]], id="null-create-destroy"),
        pytest.param("undefined, undefined", ["undefined", []], id="undefined"),
    ],
)
def test_the_kinds_of_arguments_say_which_they_are(script, arguments, result):
    story = f"""(() => {{
      const gone = [];
      const create = (key) => `made ${{key}}`;
      const destroy = (key) => gone.push(key);
      const cache = new algo.Cache({arguments});
      const value = cache.get("x");
      cache.clear();
      return [value ?? "undefined", gone];
    }})()"""
    assert script(story) == result


@pytest.mark.parametrize(
    ("arguments", "number"), [("'x'", 1), ("5, 'x'", 2), ("5, null, 'x'", 3), ("null, 5", 2), ("() => 1, {}", 2)]
)
def test_wrong_arguments(script, arguments, number):
    with pytest.raises(Exception, match=f"TypeError: argument #{number} expects a function"):
        script(f"new algo.Cache({arguments})")


def test_objects_are_keys_by_identity(script):
    story = """(() => {
      const cache = new algo.Cache();
      const key = {};
      cache.set(key, "mine");
      return [cache.get(key), cache.get({})];
    })()"""
    assert script(story) == ["mine", None]


def test_undefined_is_a_value_like_others(script):
    story = """(() => {
      let made = 0;
      const cache = new algo.Cache(() => void made++);
      cache.get("a");
      cache.get("a");
      return made;
    })()"""
    assert script(story) == 1


def test_a_create_function_that_throws_leaves_nothing_behind(script):
    story = """(() => {
      let broken = true;
      const cache = new algo.Cache((key) => { if (broken) throw new Error("no"); return key; });
      try { cache.get("a"); } catch { broken = false; }
      return [cache.remove("a"), cache.get("a")];
    })()"""
    assert script(story) == [False, "a"]


def test_functions_may_use_the_cache_themselves(script):
    story = """(() => {
      const log = [];
      const cache = new algo.Cache(2, (key) => { cache.set(key, "inner"); return "outer"; }, (key) => {
        log.push(key);
        if (key === "a") cache.set("again", 1);
      });
      const made = cache.get("a");
      cache.clear();
      return [made, log, cache.get("again")];
    })()"""
    assert script(story) == ["outer", ["a"], 1]


class Model:
    """The same by other means."""

    def __init__(self, limit):
        self.entries = OrderedDict()
        self.limit = limit
        self.gone = []

    def get(self, key):
        if key not in self.entries:
            return None
        self.entries.move_to_end(key)
        return self.entries[key]

    def set(self, key, value):
        self.entries[key] = value
        while self.limit and len(self.entries) > self.limit:
            self.gone.append(list(self.entries.popitem(last=False)))

    def remove(self, key):
        if key not in self.entries:
            return False
        self.gone.append([key, self.entries.pop(key)])
        return True

    def clear(self):
        self.gone += map(list, self.entries.items())
        self.entries.clear()


KEYS = st.sampled_from(["a", "b", "c", "d", 1, 2, "1"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("set"), KEYS, st.integers(0, 9)),
        st.tuples(st.just("remove"), KEYS),
        st.tuples(st.just("clear")),
    ),
    max_size=40,
)


@given(limit=st.integers(0, 4), steps=STEPS)
@settings(max_examples=100, deadline=None)
def test_behaves_like_an_ordered_dict(script, limit, steps):
    model = Model(limit)
    expected = [getattr(model, name)(*args) for name, *args in steps]
    results, log = script(PLAY, limit=limit, creates=False, steps=json.loads(json.dumps(steps)))
    assert results == expected
    assert [entry[1:] for entry in log] == model.gone
