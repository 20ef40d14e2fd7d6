"""What one worker tells."""

from types import SimpleNamespace

import pytest
from gevent.hub import Hub, set_hub

from pipy_core.counters import Figure
from pipy_core.figures import Family, merge, single
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.process.collected import LAG_INTERVAL, Figures


class Engine:
    """An engine of scripts."""

    seconds = 1.5
    errors = 2
    isolate = SimpleNamespace(calls=7, heap_limit=1000, heap_in_use=lambda: 300)
    codec = SimpleNamespace(pinned=10)

    def count(self):
        return {"contexts": 3, "heads": 0, "programs": 1}

    def ask(self, name):
        return f"asked {name}"


def numbers(families):
    return {(each.name + suffix, labels): value for each in families for suffix, labels, value in each.samples}


@pytest.fixture
def reports():
    return []


@pytest.fixture
def reactor(reports):
    hub = Hub(default=False)  # the default loop belongs to the isolates of other tests
    set_hub(hub)
    yield Reactor(lambda error, where: reports.append((where, repr(error))))
    hub.destroy(destroy_loop=True)


@pytest.fixture
def figures(reactor):
    sources = []
    declared = [Figure("declared_total", "counter", "Declared.")]
    made = Figures(reactor, Ports(reactor, reuse_port=False), Engine(), lambda: None, sources, declared)
    made.sources = sources
    return made


def test_a_worker_without_a_program(figures):
    found = numbers(figures.collect())
    for name in ("pipy_inb_cnt", "pipy_out_cnt", "pipy_ppl_cnt", "pipy_upstream_connections_open", "declared_total"):
        assert found[name, ()] == 0
    assert found["pipy_obj_cnt", ()] == 4
    assert found["pipy_obj_cnt", (("type", "contexts"),)] == 3
    assert found["pipy_chk_size", (("type", "Script"),)] == 10
    assert found["pipy_script_calls_total", ()] == 7
    assert found["pipy_script_seconds_total", ()] == 1.5
    assert found["pipy_script_errors_total", ()] == 2
    assert found["pipy_script_heap_bytes", ()] == 300
    assert found["pipy_script_heap_limit_bytes", ()] == 1000
    assert found["pipy_memory_bytes", ()] > 1_000_000
    assert found["pipy_open_files", ()] > 2
    assert found["pipy_cpu_seconds_total", ()] > 0


def test_an_engine_that_does_not_tell_of_its_heap(figures, monkeypatch):
    monkeypatch.setattr(Engine.isolate, "heap_in_use", lambda: None)
    found = numbers(figures.collect())
    assert ("pipy_script_heap_bytes", ()) not in found
    assert found["pipy_script_heap_limit_bytes", ()] == 1000


def test_the_fullest_heap_of_all_workers_is_shown(figures):
    merged = numbers(merge([figures.collect(), [single("pipy_script_heap_bytes", "gauge", "", 700, over="max")]]))
    assert merged["pipy_script_heap_bytes", ()] == 700


def test_plugins_are_asked(figures, reports):
    def fails(_ask):
        raise ZeroDivisionError

    figures.sources += [lambda ask: [Family("x", "gauge", ask("me"), [("", (), 1)])], fails]
    (found,) = [each for each in figures.collect() if each.name == "x"]
    assert found.help == "asked me"
    assert reports == [("figures", "ZeroDivisionError()")]


def test_the_loop_is_watched(figures, reactor, monkeypatch):
    now = reactor.now()
    monkeypatch.setattr(type(reactor), "now", lambda _self: now)
    figures._watch()
    now += LAG_INTERVAL + 0.3
    figures._look()
    assert figures.lag == pytest.approx(0.3)
    found = numbers(figures.collect())
    assert found["pipy_loop_lag_max_seconds", ()] == figures.lag
    assert found["pipy_loop_lag_seconds_count", ()] == 1
