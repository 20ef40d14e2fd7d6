"""stats.Counter, Gauge and Histogram in a real isolate, and the page."""

import pytest

from pipy_core.api import Family, Head, Message, Pages
from pipy_core.errors import LoadError, ScriptError
from pipy_core.testing import logged
from pipy_plugins import json_global
from pipy_plugins.stats import stats
from pipy_plugins.stats.exposition import render
from tests.engine import by_engine
from tests.in_isolate import isolate

PLUGINS = [stats, json_global]


def shown(here):
    """The lines that are no comments, sorted."""
    text = render(stats.families(here.engine.ask("stats.collect")))
    return sorted(line for line in text.splitlines() if not line.startswith("#"))


@pytest.fixture
def after(tmp_path):
    """``after(statements)``: what is shown when a script has done this."""

    def after(statements, *expressions):
        lines = []

        def story(here):
            here.load(*expressions, before=statements)
            for index in range(len(expressions)):
                here.call(index)
            lines.extend(shown(here))

        isolate(tmp_path, PLUGINS).run(story)
        return lines

    return after


@pytest.mark.parametrize(
    ("statements", "lines"),
    [
        ("new stats.Counter('c')", []),
        ("new stats.Counter('c').increase()", ["c 1"]),
        ("const c = new stats.Counter('c'); c.increase(2); c.increase(0.5)", ["c 2.5"]),
        ("new stats.Counter('c').zero()", ["c 0"]),
        ("const c = new stats.Counter('c'); c.increase(); c.clear()", []),
        ("const g = new stats.Gauge('g'); g.set(7); g.increase(); g.decrease(3)", ["g 5"]),
        ("const g = new stats.Gauge('g'); g.decrease()", ["g -1"]),
        ("const g = new stats.Gauge('g'); g.increase(null); g.increase(null); g.decrease(null)", ["g 1"]),
        ("const g = new stats.Gauge('g'); g.set(1); g.zero()", ["g 0"]),
        ("new stats.Gauge('g').set(Infinity)", ["g +Inf"]),
        ("new stats.Gauge('g').set(-Infinity)", ["g -Inf"]),
        ("new stats.Gauge('g').set(NaN)", ["g NaN"]),
        ("new stats.Gauge('g').set(1e21)", ["g 1e+21"]),
    ],
)
def test_values(after, statements, lines):
    assert after(statements) == lines


def test_levels_of_labels(after):
    lines = after(
        """const c = new stats.Counter('c', ['method', 'path']);
        c.increase();
        c.withLabels('GET').increase(2);
        c.withLabels('GET', '/a').increase(3);
        c.withLabels('GET').withLabels('/a').increase();
        c.withLabels(1, null, 'too many').increase();
        c.withLabels('POST', '/b');"""
    )
    assert lines == ["c 1", 'c{method="1",path="null"} 1', 'c{method="GET",path="/a"} 4', 'c{method="GET"} 2']


def test_the_same_labels_are_the_same_metric(after):
    assert after(
        "if (new stats.Gauge('g', ['a']).withLabels(1) === undefined) throw 1; const g = new stats.Gauge('g', ['a']);"
        "g.set(Number(g.withLabels('x') === g.withLabels('x')))"
    ) == ["g 1"]


def test_no_labels_are_left(after):
    assert after(
        "const c = new stats.Counter('c'); const d = new stats.Gauge('d', ['a']);"
        "new stats.Gauge('g').set(Number(c.withLabels('x') === null && d.withLabels('x').withLabels('y') === null))"
    ) == ["g 1"]


def test_clearing_forgets_the_labels(after):
    lines = after(
        """const c = new stats.Counter('c', ['a', 'b']);
        c.withLabels('x', 'y').increase(); c.withLabels('z').increase();
        c.withLabels('x').clear()"""
    )
    assert lines == ['c{a="z"} 1']


def test_histograms(after):
    lines = after(
        """const h = new stats.Histogram('h', [1, 2.5]);
        for (const n of [0.5, 1, 2, 100, NaN]) h.observe(n);"""
    )
    assert lines == [
        'h_bucket{le="+Inf"} 4',
        'h_bucket{le="1"} 2',
        'h_bucket{le="2.5"} 3',
        "h_count 4",
        "h_sum 103.5",
        'h{le="1"} 2',
        'h{le="2.5"} 3',
    ]


def test_histograms_with_labels(after):
    lines = after(
        "const h = new stats.Histogram('h', [1, Infinity], ['a']); h.withLabels('x').observe(1); h.withLabels('x').observe(5)"
    )
    assert lines == [
        'h_bucket{a="x",le="+Inf"} 2',
        'h_bucket{a="x",le="1"} 1',
        'h_count{a="x"} 2',
        'h_sum{a="x"} 6',
        'h{a="x",le="1"} 1',
    ]
    assert after("const h = new stats.Histogram('h', []); h.zero(); h.observe(1); h.clear()") == []
    assert after("new stats.Histogram('h', []).zero()") == ['h_bucket{le="+Inf"} 0', "h_count 0", "h_sum 0"]


def test_a_later_metric_of_the_same_name_takes_the_place(after):
    assert after("const a = new stats.Counter('c'), b = new stats.Counter('c'); a.increase(5); b.increase()") == ["c 1"]


def test_odd_names_and_labels(after):
    assert after(r"new stats.Gauge('a b', ['x-y']).withLabels('\ud800\"\n').set(1)") == ['a_b{x_y="\ufffd\\"\\n"} 1']


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("new stats.Counter()", "argument #1 expects a string"),
        ("new stats.Counter('c', 'a')", "argument #2 expects an array of strings"),
        ("new stats.Histogram('h')", "argument #2 expects an array of ascending numbers"),
        ("new stats.Histogram('h', [2, 1])", "argument #2 expects an array of ascending numbers"),
        ("new stats.Histogram('h', [1, 1])", "argument #2 expects an array of ascending numbers"),
        ("new stats.Histogram('h', ['1'])", "argument #2 expects an array of ascending numbers"),
        ("new stats.Histogram('h', [NaN])", "argument #2 expects an array of ascending numbers"),
        ("new stats.Histogram('h', [1], 'a')", "argument #3 expects an array of strings"),
        ("new stats.Counter('c').increase('1')", "argument #1 expects a number"),
        ("new stats.Gauge('c').set()", "argument #1 expects a number"),
        ("new stats.Gauge('c').decrease('1')", "argument #1 expects a number"),
        ("new stats.Histogram('h', [1]).observe('1')", "argument #1 expects a number"),
        ("new stats.Counter('c').decrease()", by_engine(v8="decrease is not a function", quickjs="not a function")),
        ("new stats.Counter('c').set(1)", by_engine(v8="set is not a function", quickjs="not a function")),
    ],
)
def test_wrong_arguments(after, statements, message):
    with pytest.raises(ScriptError, match=message):
        after(statements)


def test_more_labels_than_are_shown(after, monkeypatch):
    monkeypatch.setattr(stats, "MAX_CHILDREN", 3)
    with logged() as entries:
        lines = after(
            """const c = new stats.Counter('c', ['n']);
            for (let n = 0; n < 10; n++) c.withLabels(n).increase();
            c.withLabels(1).increase();
            c.clear();
            c.withLabels('again').increase();"""
        )
    assert lines == ['c{n="again"} 1']
    warnings = [entry for entry in entries if "stats" in entry]
    assert warnings == ["[WRN] [] stats: c has more than 3 combinations of labels: further ones are not shown"]


def test_more_metrics_than_there_may_be(after, monkeypatch):
    monkeypatch.setattr(stats, "MAX_METRICS", 2)
    assert after("new stats.Counter('a').zero(); new stats.Counter('b').zero(); new stats.Counter('b').zero()") == ["a 0", "b 0"]
    with pytest.raises(ScriptError, match="more than 2 metrics"):
        after("new stats.Counter('a'); new stats.Counter('b'); new stats.Counter('c')")


COUNTING = "const c = new stats.Counter('c'), {name} = new stats.Gauge('{name}'); c.increase({start}); {name}.zero()"


def test_a_reload_takes_the_place(tmp_path):
    def story(here):
        here.load("c.increase()", before=COUNTING.format(name="old", start=10))
        old = here.program
        here.load("c.increase()", before=COUNTING.format(name="fresh", start=20))
        here.call(0, old)
        here.call()
        assert shown(here) == ["c 21", "fresh 0", "old 0"]
        old.retire()
        here.call()
        assert shown(here) == ["c 22", "fresh 0"]

    isolate(tmp_path, PLUGINS).run(story)


def test_a_reload_that_fails_takes_no_place(tmp_path):
    def story(here):
        here.load("c.increase()", before=COUNTING.format(name="old", start=10))
        old = here.program
        with pytest.raises(LoadError):
            here.load(before=COUNTING.format(name="fresh", start=20) + "; throw new Error('no')")
        here.call(0, old)
        assert shown(here) == ["c 11", "old 0"]

    isolate(tmp_path, PLUGINS).run(story)


def test_a_metric_made_while_the_program_runs(tmp_path):
    def story(here):
        here.load("new stats.Counter('late').increase()")
        old = here.program
        with pytest.raises(LoadError):
            here.load(before="throw new Error('no')")
        here.call(0, old)
        assert shown(here) == ["late 1"]

    isolate(tmp_path, PLUGINS).run(story)


class Program:
    """What lends figures: in a worker what plugins give is among them."""

    def __init__(self):
        self.pages = Pages(self)

    def figures(self):
        own = [Family("z_own", "gauge", "Ours.", [("", (), 1)]), Family("b", "gauge", "Ours.", [("", (), 1)])]
        return own + [family for source in self.pages.sources for family in source(self.ask)]

    def status(self):
        return {}

    def ask(self, name):
        assert name == "stats.collect"
        return [["c", "counter", [["", [["l", "\u00fc"]], "2"]]], ["a", "counter", []], ["b", "gauge", [["", [], "9"]]]]


def test_the_page():
    pages = Program().pages
    stats.pipy_register_pages(pages)
    response = pages.answer(Message(Head({"method": "GET", "path": "/metrics"})))
    assert response.head.fields["headers"]["content-type"] == "text/plain"
    assert response.body.payload.decode() == (
        "# HELP b Ours.\n# TYPE b gauge\nb 1.0\n# HELP z_own Ours.\n# TYPE z_own gauge\nz_own 1.0\n"
        '# HELP c A metric of the script.\n# TYPE c counter\nc{l="\u00fc"} 2\n'
    )
    assert pages.answer(Message(Head({"method": "POST", "path": "/metrics"}))).head.fields["status"] == 405
