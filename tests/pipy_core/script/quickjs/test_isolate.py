"""What is QuickJS' alone; what every engine has to do is in ``script/test_isolate.py``, with ``PIPY_ENGINE=quickjs``."""

import os
import resource
import signal
import threading
import time
from functools import partial

import gevent
import pytest

from pipy_core.errors import LoadError, ScriptError
from pipy_core.filter import Filter
from pipy_core.kinds import ANY
from pipy_core.params import Param
from pipy_core.script import engines
from pipy_core.script.isolate import FATAL_EXIT, HEARTBEAT_LIMIT, HeapExhausted
from pipy_core.script.quickjs import isolate as module
from pipy_core.script.quickjs.isolate import STACK_LIMIT, QuickJSIsolate


@pytest.fixture(autouse=True)
def _quickjs(monkeypatch):
    monkeypatch.setattr(engines, "PREFERENCE", ["quickjs"])


@pytest.fixture
def isolate():
    """Without a runtime: its entry is a function that evaluates."""
    made = QuickJSIsolate(64 << 20, lambda question: question[::-1])
    made._context.add_callable("host", made._answer)
    made._entry = made._context.eval("(text) => String((0, eval)(text)).substring(0)")
    yield made
    made.dispose()


def test_the_reactor_runs_where_it_was_started(isolate):
    seen = []
    isolate.run(lambda: (seen.append(threading.current_thread()), isolate.finish()), lambda: None)
    assert seen == [threading.current_thread()]


def test_it_beats_and_ticks_while_it_runs(isolate, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)
    ticks = []

    def tick():
        ticks.append(isolate._beat)
        if len(ticks) == 3:
            gevent.spawn(isolate.finish)

    isolate.run(lambda: None, tick)
    assert ticks == sorted(ticks)


def test_what_a_tick_raises_is_raised(isolate):
    with pytest.raises(ZeroDivisionError):
        isolate.run(lambda: None, lambda: 1 // 0)


def test_ctrl_c_ends_the_reactor_and_everything_is_as_before(isolate):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        isolate.run(lambda: os.kill(os.getpid(), signal.SIGINT), lambda: None)
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_of_the_program_are_its_own(isolate, monkeypatch):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        isolate.run(lambda: (os.kill(os.getpid(), signal.SIGINT), gevent.sleep(0.01), isolate.finish()), lambda: None)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [1]


def test_one_reactor_after_another_on_the_same_thread():
    slept = []

    def program(isolate):
        gevent.sleep(0.001)
        slept.append(isolate)
        isolate.finish()

    for number in range(3):
        isolate = QuickJSIsolate(64 << 20, str)
        isolate.run(partial(program, isolate), lambda: None)
        assert len(slept) == number + 1
        isolate.dispose()


class TestBudgets:
    def stopped(self, isolate, script, budget=0.05):
        watchdog = threading.Thread(target=isolate._watching, daemon=True)
        watchdog.start()
        try:
            return isolate.call(script.encode(), budget)
        finally:
            isolate._finished.set()
            watchdog.join()
            isolate._finished.clear()

    @pytest.mark.parametrize("script", ["for (;;);", "for (;;) host('x')"])
    def test_an_endless_loop(self, isolate, script):
        with pytest.raises(module.Terminated, match=r"^stopped after 0\.05 s$"):
            self.stopped(isolate, script)
        assert isolate.call(b"1 + 1", 1.0) == b"2"

    @pytest.mark.parametrize(
        "script",
        [
            "const again = () => Promise.resolve().then(again); again(); 1",
            "Promise.resolve().then(() => { for (;;); }); 1",
            "(async () => { for (;;) await null })(); 1",
            "const fork = () => { Promise.resolve().then(fork); if (Math.random() < 0.01) Promise.resolve().then(fork) }; fork(); 1",
        ],
    )
    def test_endless_promises_do_not_reach_the_next_call(self, isolate, script):
        with pytest.raises(module.Terminated):
            self.stopped(isolate, script)
        assert isolate._context.execute_pending_job() is False
        assert isolate.call(b"1 + 1", 1.0) == b"2"

    def test_endless_promises_end_also_where_nothing_can_be_stopped(self, isolate):
        isolate._interrupt = None
        with pytest.raises(module.Terminated):
            isolate.call(b"const again = () => Promise.resolve().then(again); again(); 1", 0.05)
        assert isolate.call(b"1 + 1", 1.0) == b"2"

    def test_too_many_promises_end_the_process(self, isolate, monkeypatch, capsys):
        codes = []
        monkeypatch.setattr(os, "_exit", codes.append)
        monkeypatch.setattr(module, "DISCARD_LIMIT", -1.0)
        with pytest.raises(module.Terminated):
            isolate.call(b"const again = () => Promise.resolve().then(again); again(); 1", 0.05)
        assert set(codes) == {FATAL_EXIT}
        assert "promises to settle: giving up" in capsys.readouterr().err

    def test_a_call_that_ends_in_time_is_not_stopped_late(self, isolate):
        isolate._running, isolate._since, isolate._budget = 0, time.monotonic() - 5, 0.1
        isolate._watch()
        assert not isolate._stopping
        assert isolate.call(b"let n = 0; for (let i = 0; i < 1e6; i++) n++; n", 5.0) == b"1000000"

    def test_where_nothing_can_be_stopped_the_watchdog_ends_the_process(self, isolate, monkeypatch):
        codes = []
        monkeypatch.setattr(os, "_exit", codes.append)
        isolate._interrupt = None
        isolate._running, isolate._budget = 1, 0.1
        isolate._watch()
        assert codes == []
        isolate._beat -= HEARTBEAT_LIMIT + 1
        isolate._watch()
        assert codes == [FATAL_EXIT]
        isolate._running = 0


class TestMemory:
    def test_what_is_held_by_a_script_is_limited(self, play):
        def story(stage):
            stage.load(main="(a => pipy().pipeline('p').call(() => { for (;;) a.push('x'.repeat(1000) + a.length) }))([])")
            with pytest.raises(HeapExhausted):
                stage.call(0)

        play(story, heap_limit=16 << 20)

    def test_null_is_an_error_like_any_other(self, play):
        def story(stage):
            stage.load(main="pipy().pipeline('p').call(() => { throw null }).call(() => 'alive')")
            with pytest.raises(ScriptError, match="thrown: null"):
                stage.call(0)
            assert stage.call(1) == "alive"

        play(story, heap_limit=16 << 20)

    def test_what_is_lost_in_steps_ends_it_before_a_call_has_failed(self, play, monkeypatch):
        monkeypatch.setattr(module, "BEAT", 0.001)
        steps = []

        def story(stage):
            stage.load(main="(a => pipy().pipeline('p').call(() => void a.push('x'.repeat(1e6) + a.length)))([])")
            with pytest.raises(HeapExhausted):
                while True:
                    stage.call(0)
                    steps.append(1)
                    gevent.sleep(0.002)

        play(story, heap_limit=16 << 20)
        assert 10 < len(steps) < 20

    @pytest.mark.parametrize("catching", ["try { FILL } catch { }", "(async () => { FILL })().catch(() => 1)"])
    def test_what_is_held_ends_it_whatever_the_script_catches(self, play, monkeypatch, catching):
        monkeypatch.setattr(module, "BEAT", 0.001)
        fill = catching.replace("FILL", "for (;;) a.push('x'.repeat(1000) + a.length)")

        def story(stage):
            stage.load(main=f"(a => pipy().pipeline('p').call(() => {{ {fill} }}))([])")
            stage.call(0)
            gevent.sleep(0.01)
            with pytest.raises(HeapExhausted):
                stage.call(0)

        play(story, heap_limit=16 << 20)

    def test_cycles_that_nobody_holds_do_not_count(self, play, monkeypatch):
        monkeypatch.setattr(module, "BEAT", 0.001)

        def story(stage):
            stage.load(main="pipy().pipeline('p').call(() => { const a = { b: new Uint8Array(2e6) }; a.a = a; return 'alive' })")
            for _ in range(40):
                assert stage.call(0) == "alive"
                gevent.sleep(0.002)

        play(story, heap_limit=16 << 20)

    def test_bytes_count_too(self, play):
        def story(stage):
            stage.load(main="pipy().pipeline('p').call(() => { const a = []; for (;;) a.push(new Uint8Array(1e6)) })")
            with pytest.raises(HeapExhausted):
                stage.call(0)

        play(story, heap_limit=16 << 20)

    def test_a_script_that_catches_it_goes_on(self, play):
        def story(stage):
            stage.load(
                main="pipy().pipeline('p').call(() => { try { const a = []; for (;;) a.push(new Uint8Array(1e6)) }"
                " catch (error) { return error.message } })"
            )
            assert stage.call(0) == "out of memory"

        play(story, heap_limit=16 << 20)

    def test_stack(self, monkeypatch):
        monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert module._stack_limit() == STACK_LIMIT
        monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
        assert module._stack_limit() == 1 << 19


def test_a_host_function_that_fails_ends_the_process(isolate, monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(isolate, "_on_host", lambda _question: 1 // 0)
    isolate._answer("question")
    assert codes == [FATAL_EXIT]
    assert not isolate.in_host


class TestPlaces:
    """Scripts have no names here, only lines of their own."""

    def test_of_several_files_and_generations(self, play):
        def story(stage):
            stage.load(main="pipy().pipeline('p').chain(['other.js'], 'p')", other="pipy().pipeline('p').call(() => {\n nobody })")
            first = stage.program
            function = first.modules[1].pipelines["p"].uses[0].make().function
            for _ in range(3):  # each takes lines of its own, or those of one that is gone
                stage.load(main="\n\npipy()\n.pipeline('p').call(() => missing)")
                with pytest.raises(ScriptError) as caught:
                    stage.call(0)
                assert (caught.value.place.path, caught.value.place.line) == ("/main.js", 4)
                stage.program.dispose()
            with pytest.raises(ScriptError) as caught:
                first.call(first.new_context(), function, ())
            place = caught.value.place
            assert (place.path, place.line, place.source) == ("/other.js", 2, " nobody })")

        def prepare(registry):
            registry.add_filter(
                "chain", Chain, [Param("modules", ANY), Param("name", ANY)], help="uses modules", loads_modules=True
            )

        play(story, prepare=prepare)

    def test_of_syntax_errors(self, play):
        def story(stage):
            with pytest.raises(LoadError, match="SyntaxError") as caught:
                stage.load(main="pipy()\n  .pipeline('p'\n  .call(1)")
            place = caught.value.place
            assert (place.path, place.line, place.source) == ("/main.js", 3, "  .call(1)")

        play(story)

    def test_what_a_script_sees_of_a_stack(self, play):
        def story(stage):
            stage.load(
                main="pipy().pipeline('p')\n.call(() => { try { nobody } catch (error) { return error.stack } })\n"
                ".call(() => { const e = new Error('x'); e.stack = 'mine'; return e.stack })"
                ".call(() => [3].map(function own() { return new TypeError('t').stack })[0])"
            )
            lines = stage.call(0).split("\n")
            assert lines[0] == "ReferenceError: nobody is not defined"
            assert lines[1].startswith("    at pipy:///main.js:2:")
            assert all("pipy-runtime:" in line for line in lines[2:])
            assert stage.call(1) == "mine"
            lines = stage.call(2).split("\n")
            assert lines[1].startswith("    at own (pipy:///main.js:3:")
            assert lines[2] == "    at map (<anonymous>)"

        play(story)


class Chain(Filter):
    """Takes modules and a name."""

    def __init__(self, *_args):
        """Nothing is done with them."""

    def process(self, event):
        """Never used."""


def test_globals_are_those_that_v8_has(play):
    names = ["SharedArrayBuffer", "atob", "btoa", "performance", "queueMicrotask", "DOMException", "gc", "__host", "__pipy"]

    def story(stage):
        stage.load(main=f"pipy().pipeline('p').call(() => {names!r}.map(name => typeof globalThis[name]).join())")
        assert set(stage.call(0).split(",")) == {"undefined"}

    play(story)


def test_what_is_in_use_on_the_heap(isolate):
    before = isolate.heap_in_use()
    isolate._context.eval("globalThis.held = new ArrayBuffer(1e6); 0")
    assert isolate.heap_in_use() >= before + 1_000_000
    assert isolate.heap_limit == 64 << 20


def test_a_heap_without_a_meter_tells_nothing(isolate):
    isolate._heap.meter = None
    assert isolate.heap_in_use() is None
