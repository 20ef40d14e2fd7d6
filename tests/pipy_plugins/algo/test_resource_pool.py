import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import resource_pool


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(resource_pool)


PLAY = """(() => {
  let count = 0;
  const pool = new algo.ResourcePool((name, tenant) => `${name ?? ""}${tenant ? "/" + tenant : ""}#${++count}`);
  return steps.map(([name, ...args]) => pool[name](...args) ?? null);
})()"""


@pytest.mark.parametrize(
    ("steps", "results"),
    [
        pytest.param([["allocate", "x"], ["allocate", "x"], ["allocate", "y"]], ["x#1", "x#2", "y#3"], id="new"),
        pytest.param(
            [["allocate", "x"], ["allocate", "x"], ["free", "x#2"], ["free", "x#1"], *[["allocate", "x"]] * 3],
            ["x#1", "x#2", None, None, "x#2", "x#1", "x#3"],
            id="oldest-freed-first",
        ),
        pytest.param([["allocate", "x"], ["free", "x#1"], ["allocate", "y"]], ["x#1", None, "y#2"], id="pools-are-apart"),
        pytest.param([["free", "x#1"], ["allocate", "x"]], [None, "x#1"], id="unknown"),
        pytest.param(
            [["allocate", "x"], ["free", "x#1"], ["free", "x#1"], ["allocate", "x"], ["allocate", "x"]],
            ["x#1", None, None, "x#1", "x#2"],
            id="freed-twice",
        ),
        pytest.param(
            [["allocate", "x", "t"], ["allocate", "x", "t"], ["allocate", "y", "t"], ["allocate", "x", "u"], ["allocate", "x"]],
            ["x/t#1", "x/t#1", "y/t#2", "x/u#3", "x#4"],
            id="a-tenant-keeps-its-own",
        ),
        pytest.param(
            [["allocate", "x", "t"], ["free", "x/t#1"], ["allocate", "x", "u"], ["allocate", "x", "t"]],
            ["x/t#1", None, "x/t#1", "x/t#2"],
            id="freed-by-one-tenant-taken-by-another",
        ),
        pytest.param(
            [
                ["allocate", "x", "t"],
                ["allocate", "y", "t"],
                ["allocate", "x", "u"],
                ["freeTenant", "t"],
                ["allocate", "x"],
                ["allocate", "y"],
                ["allocate", "x"],
            ],
            ["x/t#1", "y/t#2", "x/u#3", None, "x/t#1", "y/t#2", "x#4"],
            id="free-tenant",
        ),
        pytest.param([["freeTenant", "nobody"], ["allocate"]], [None, "#1"], id="without-names"),
    ],
)
def test_steps(script, steps, results):
    assert script(PLAY, steps=steps) == results


def test_an_allocator_that_throws_takes_nothing(script):
    story = """(() => {
      let broken = true;
      const pool = new algo.ResourcePool(() => { if (broken) throw new Error("no"); return "r"; });
      try { pool.allocate("x", "t"); } catch { broken = false; }
      return [pool.allocate("x", "t"), pool.allocate("x", "t")];
    })()"""
    assert script(story) == ["r", "r"]


def test_wrong_arguments(script):
    with pytest.raises(Exception, match="TypeError: argument #1 expects a function"):
        script("new algo.ResourcePool({})")


@given(steps=st.lists(st.one_of(st.sampled_from(["x", "y"]), st.integers(0, 5)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_nobody_shares_a_resource(script, steps):
    """A letter allocates of that pool, a number frees the resource in use at that place, if there is one."""
    held = script(
        """(() => {
          let count = 0;
          const used = [];
          const pool = new algo.ResourcePool((name) => [name, ++count].join("#"));
          let most = 0;
          for (const step of steps) {
            if (typeof step === "string") used.push(pool.allocate(step));
            else if (step < used.length) pool.free(used.splice(step, 1)[0]);
            most = Math.max(most, used.length);
            if (new Set(used).size < used.length) return "shared";
          }
          return [count, most];
        })()""",
        steps=steps,
    )
    assert held != "shared"
    made, most_used = held
    assert most_used <= made <= 2 * most_used  # per pool as many as were in use at once, and there are two
