"""QuickJS itself, and how it is stopped."""

import importlib.metadata
import threading

import pytest

from pipy_core.script.quickjs import binding
from pipy_core.script.quickjs.binding import Context, JSException, interrupter, memory_meter, quickjs_version


def test_the_version_is_that_of_the_package():
    assert quickjs_version() == importlib.metadata.version("quickjs-ng")


@pytest.mark.parametrize(
    "script",
    [
        "for (;;);",
        "for (;;) host('x')",
        "/(a+)+b/.test('a'.repeat(40))",
        "try { for (;;); } catch { } finally { globalThis.late = 1 }",
    ],
)
def test_a_script_is_stopped_from_another_thread(script):
    context = Context()
    context.add_callable("host", lambda text: text)
    interrupt = interrupter(context)
    assert interrupt is not None
    timer = threading.Timer(0.05, interrupt, [True])
    timer.start()
    with pytest.raises(JSException, match=r"^InternalError: interrupted"):
        context.eval(script)
    timer.join()
    interrupt(False)
    assert context.eval("[typeof late, 1 + 1].join()") == "undefined,2"


def test_only_the_context_that_is_meant_is_stopped():
    context, other = Context(), Context()
    interrupt = interrupter(context)
    assert interrupt is not None
    interrupt(True)
    assert other.eval("let n = 0; for (let i = 0; i < 1e6; i++) n++; n") == 1_000_000
    interrupt(False)


def test_a_context_that_is_laid_out_in_another_way_cannot_be_stopped(monkeypatch):
    monkeypatch.setattr(binding, "_MEMBERS", 72)
    assert interrupter(Context()) is None
    assert memory_meter(Context(), 0) is None


def test_a_build_that_hides_what_is_needed(monkeypatch):
    class Hidden:
        def __init__(self, _path):
            """A library without names."""

    monkeypatch.setattr(binding.ctypes, "PyDLL", Hidden)
    assert interrupter(Context()) is None
    assert memory_meter(Context(), 0) is None


def test_the_meter_tells_what_the_binding_counts():
    context = Context()
    context.set_memory_limit(1 << 24)
    meter = memory_meter(context, 1 << 24)
    assert meter is not None
    for size in (1000, 1_000_000, 10):
        context.eval(f"globalThis.held = new ArrayBuffer({size}); 0")
        assert meter() == context.memory()["malloc_size"]


def test_a_runtime_that_begins_in_another_way_has_no_meter(monkeypatch):
    context = Context()
    context.set_memory_limit(1 << 24)
    assert memory_meter(context, 1 << 23) is None
    monkeypatch.setattr(binding, "_COUNTERS", 48)
    assert memory_meter(context, 1 << 24) is None
