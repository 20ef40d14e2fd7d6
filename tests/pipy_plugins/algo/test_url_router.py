import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.algo import url_router


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(url_router)


FIND = "((router) => finds.map((parts) => router.find(...parts) ?? null))(new algo.URLRouter(rules))"

RULES = {
    "/hi/*": 1,
    "/echo": 2,
    "/*": 3,
    "example.com/*": 4,
    "*.foo.com/a/*": 5,
    "/a/b/*": 6,
    "/a/*": 7,
    "www.example.com/x": 8,
}


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        (["localhost:8000", "/hi"], 1),
        (["localhost:8000", "/hi/"], 1),
        (["localhost:8000", "/hi/there"], 1),
        (["localhost:8000", "/high"], 3),
        (["localhost:8000", "/echo"], 2),
        (["localhost:8000", "/echo?x=/hi/"], 2),
        (["localhost:8000", "/echo/"], 3),
        (["example.com", "/echo"], 4),
        (["example.com:80", "/echo"], 4),
        (["EXAMPLE.com", "/echo"], 2),
        (["x.foo.com", "/a/1"], 5),
        (["x.foo.com:80", "/a/1"], 5),
        (["x.y.foo.com", "/a/1"], 7),
        (["foo.com", "/a/1"], 7),
        (["x.foo.com", "/b"], 3),
        (["h", "/a/b/c/d"], 6),
        (["h", "/a/b"], 6),
        (["h", "/a/bc"], 7),
        (["www.example.com", "/x"], 8),
        (["www.example.com", "/y"], 3),
        (["h", ""], 3),
        (["h/a", "b", "/c"], 6),
        (["h/", "/a/", "b"], 6),
        ([None, "/a"], 7),
        (["h", None, "a"], 7),
        (["h/a"], 7),
        (["h", 5], 3),
        (["h"], None),
        (["h?/a"], None),
        ([], None),
    ],
)
def test_the_most_specific_rule_wins(script, parts, value):
    assert script(FIND, rules=RULES, finds=[parts]) == [value]


@pytest.mark.parametrize("names", [["/*", "/api/*", "/api/v1/*"], ["/api/v1/*", "/api/*", "/*"]], ids=["up", "down"])
def test_the_order_of_rules_does_not_matter(script, names):
    rules = {name: name for name in names}
    finds = {"/": "/*", "/api": "/api/*", "/api/": "/api/*", "/api/v1": "/api/v1/*", "/api/v2/x": "/api/*", "/x/api/v1": "/*"}
    assert script(FIND, rules=rules, finds=[["h", path] for path in finds]) == list(finds.values())


def test_rules_may_be_added_and_replaced(script):
    story = """((router) => (
      router.add("/a", 1), router.add("/a/*", { k: "v" }), router.add("/a", 2), router.add("x.org/p/*", ["list"]),
      [router.find("h/a"), router.find("h", "/a/b"), router.find("x.org", "/p/q"), router.find("h", "/z") === undefined]
    ))(new algo.URLRouter)"""
    assert script(story) == [2, {"k": "v"}, ["list"], True]


def test_a_rule_whose_value_is_undefined_hides_wider_ones(script):
    story = """((router) => [router.find("h", "/a/secret"), router.find("h", "/a")]
      )(new algo.URLRouter({ "/a/*": 1, "/a/secret": undefined }))"""
    assert script(story) == [None, 1]


def test_a_star_elsewhere_is_a_letter(script):
    rules = {"/a*": 1, "/x/*/y": 2, "a.*.com/": 3}
    finds = [["h", "/ab"], ["h", "/a*"], ["h", "/x/1/y"], ["h", "/x/*/y"], ["a.b.com", "/"], ["a.*.com", "/"]]
    assert script(FIND, rules=rules, finds=finds) == [None, 1, None, 2, None, 3]


@pytest.mark.parametrize("pattern", ["no-slash", "", "*", "host:80/*", "[::1]/"])
def test_what_is_no_rule(script, pattern):
    with pytest.raises(Exception, match="Error: invalid URL pattern"):
        script("new algo.URLRouter({ [pattern]: 1 })", pattern=pattern)


@pytest.mark.parametrize(
    ("expression", "words"), [("new algo.URLRouter('/a')", "an object"), ("new algo.URLRouter().add(5, 1)", "a string")]
)
def test_wrong_arguments(script, expression, words):
    with pytest.raises(Exception, match=f"TypeError: argument #1 expects {words}"):
        script(expression)


def naive(rules, host, path):
    """The specification, without tables: try every rule, keep the best."""
    host, path = host.partition(":")[0], path.partition("?")[0]
    best = None
    for pattern, value in rules.items():
        domain, rest = pattern.partition("/")[0], "/" + pattern.partition("/")[2]
        if domain == host and domain:
            group = 3
        elif domain.startswith("*.") and "." in host and domain[1:] == host[host.index(".") :]:
            group = 2
        elif not domain:
            group = 1
        else:
            continue
        if not rest.endswith("/*"):
            rank = (group, 1, 0) if path == rest else None
        else:
            rank = (group, 0, len(rest)) if (path + "/").startswith(rest[:-1]) else None
        if rank and (best is None or rank > best[0]):
            best = (rank, value)
    return best[1] if best else None


LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(".".join)
DOMAINS = st.one_of(st.just(""), LABELS, LABELS.map(lambda labels: f"*.{labels}"))
PATHS = st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=4).map(lambda segments: "/" + "/".join(segments))
PATTERNS = st.tuples(DOMAINS, PATHS, st.sampled_from(["", "/*"])).map("".join)


@given(
    patterns=st.lists(PATTERNS, unique=True, max_size=12),
    finds=st.lists(st.tuples(st.one_of(LABELS, LABELS.map("{}:80".format)), PATHS), min_size=1, max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_finds_what_a_search_through_all_rules_finds(script, patterns, finds):
    rules = {pattern: number for number, pattern in enumerate(patterns)}
    assert script(FIND, rules=rules, finds=finds) == [naive(rules, host, path) for host, path in finds]


def test_an_endless_path_is_not_looked_at_segment_by_segment(script):
    story = """((router, path) => {
      let looks = 0;
      const slice = String.prototype.slice;
      String.prototype.slice = function (...args) { looks += 1; return slice.apply(this, args); };
      try { router.find("h", path); } finally { String.prototype.slice = slice; }
      return looks;
    })(new algo.URLRouter({ "/a/b/c/*": 1 }), "/x".repeat(10000))"""
    assert script(story) < 10
