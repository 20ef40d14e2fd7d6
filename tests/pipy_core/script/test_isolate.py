"""The traps of a reactor that calls scripts: each was seen to hang, kill or corrupt something, and must not. For every engine."""

import os
import time
from collections.abc import Callable
from typing import Any

import gevent
import greenlet
import pytest

from pipy_core.errors import ScriptError
from pipy_core.events import Data, Head, MessageStart
from pipy_core.registry import Registry
from pipy_core.script import engines
from pipy_core.script import isolate as module
from pipy_core.script.engine import Engine
from pipy_core.script.isolate import FATAL_EXIT, HEARTBEAT_LIMIT
from pipy_core.testing import logged
from tests.engine import by_engine

Play = Callable[..., None]


def test_a_call_gives_what_the_function_returns(play: Play) -> None:
    def story(stage: Any) -> None:
        stage.load(main="pipy().pipeline('p').call(x => x + 1).call(() => 'ä😀\\0')")
        assert stage.call(0, 41) == 42
        assert stage.call(1) == "ä😀\0"

    play(story)


def test_isolates_one_after_another(play: Play) -> None:
    for number in range(3):

        def story(stage: Any, number: int = number) -> None:
            stage.load(main=f"pipy().pipeline('p').call(() => {number})")
            assert stage.call(0) == number

        play(story)


class TestHangs:
    """What would stop the reactor for ever."""

    def test_an_endless_loop_is_stopped_and_placed(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy()\n  .pipeline('p')\n  .call(() => { for (;;); })\n  .call(() => 'alive')")
            with pytest.raises(ScriptError, match=r"stopped after 0\.2 s") as caught:
                stage.call(0)
            assert (caught.value.place.path, caught.value.place.line) == ("/main.js", 3)
            assert stage.call(1) == "alive"

        play(story, call_timeout=0.2)

    def test_a_call_is_not_stopped_because_the_process_was_held_up(self, play: Play) -> None:
        """Nor because the processor has worked for others: its time is what counts."""

        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => { ask('sleep'); for (let n = 0; n < 1e5; n++); return 'in time' })")
            assert stage.call(0) == "in time"

        play(story, call_timeout=0.2, sleep=lambda: time.sleep(1.0))

    def test_a_call_that_only_waits_is_stopped(self, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "STANDSTILL_LIMIT", 0.0)

        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => { ask('sleep'); for (let n = 0; n < 1e5; n++); return 'in time' })")
            with pytest.raises(ScriptError, match=r"stopped after 0\.2 s"):
                stage.call(0)

        play(story, call_timeout=0.2, sleep=lambda: time.sleep(1.0))

    def test_endless_microtasks_are_stopped(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy().pipeline('p')"
                ".call(() => { Promise.resolve().then(() => { for (;;); }) })"
                ".call(() => { const again = () => Promise.resolve().then(again); again() })"
                ".call(() => 'alive')"
            )
            for endless in (0, 1):
                with pytest.raises(ScriptError, match="stopped"):
                    stage.call(endless)
                assert stage.call(2) == "alive"

        play(story, call_timeout=0.2)

    def test_an_endless_script_is_stopped_while_it_is_loaded(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load_timeout = 0.2
            with pytest.raises(ScriptError, match=r"stopped after 0\.2 s"):
                stage.load(main="(() => { for (;;); })()")

        play(story)

    def test_exits_of_greenlets_do_not_reach_the_reactor(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => 'alive')")
            for error in (SystemExit(3), SystemError("broken"), KeyboardInterrupt()):
                dying = gevent.spawn(self._raise, error)
                dying.join()
            gevent.sleep(0)
            assert stage.call(0) == "alive"

        play(story)

    @staticmethod
    def _raise(error: BaseException) -> None:
        raise error

    def test_a_loop_with_nothing_to_wait_for_goes_on(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => 'alive')")
            with gevent.Timeout(0.05, False):
                gevent.get_hub().switch()
            assert stage.call(0) == "alive"

        play(story)

    def test_a_call_from_a_callback_of_the_hub(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => 'alive')")
            answers: list[Any] = []
            done = gevent.get_hub().loop.async_()
            current = greenlet.getcurrent()
            done.start(current.switch)
            timer = gevent.get_hub().loop.timer(0.001)
            timer.start(lambda: (answers.append(stage.call(0)), done.send()))
            gevent.get_hub().switch()
            assert answers == ["alive"]

        play(story)

    def test_a_silent_reactor_ends_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        codes: list[int] = []
        monkeypatch.setattr(os, "_exit", codes.append)
        silent: Any = engines.make("auto", 64 << 20, lambda question: question)
        silent._beat -= HEARTBEAT_LIMIT + 1
        silent._watch()
        assert codes == [FATAL_EXIT]
        silent.dispose()

    def test_a_process_that_was_held_up_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        codes: list[int] = []
        monkeypatch.setattr(os, "_exit", codes.append)
        held_up: Any = engines.make("auto", 64 << 20, lambda question: question)
        held_up._beat -= HEARTBEAT_LIMIT + 1
        held_up._looked -= HEARTBEAT_LIMIT
        for _ in range(2):
            held_up._watch()
        assert codes == []
        held_up.dispose()

    def test_a_program_that_fails_ends_the_reactor(self) -> None:
        def program() -> None:
            raise LookupError("before anything has begun")

        isolate = Engine(Registry(), 64 << 20, 1.0).isolate
        with pytest.raises(LookupError, match="before anything has begun"):
            isolate.run(program, lambda: None)
        isolate.dispose()


class TestWrongResults:
    """What would give one stream the fault or the values of another."""

    def test_the_call_behind_a_stopped_one_is_right(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => { for (;;); }).call(() => 'right')")
            for _ in range(3):
                with pytest.raises(ScriptError):
                    stage.call(0)
                assert [stage.call(1) for _ in range(3)] == ["right"] * 3

        play(story, call_timeout=0.2)

    def test_a_stopped_call_leaves_its_context_behind(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy({ _x: 'initial' }).pipeline('p').call(() => { _x = 'mine'; try { for (;;); } finally { _x = 0 } })"
                ".call(() => _x)"
            )
            other = stage.program.new_context()
            stage.call(1, context=other)
            with pytest.raises(ScriptError):
                stage.call(0)
            assert stage.call(1, context=other) == "initial"
            assert stage.call(1) == "initial"

        play(story, call_timeout=0.2)

    def test_deep_recursion_is_an_error_of_the_script(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => { const f = () => f() + 1; f() }).call(() => 'alive')")
            with pytest.raises(ScriptError, match="RangeError"):
                stage.call(0)
            assert stage.call(1) == "alive"

        play(story)

    def test_undeclared_variables_are_errors_with_the_right_line(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy()\n  .pipeline('p')\n  .call(() => {\n    undeclared = 5\n  })")
            with pytest.raises(ScriptError, match="ReferenceError: undeclared is not defined") as caught:
                stage.call(0)
            place = caught.value.place
            assert (place.path, place.line, place.source) == ("/main.js", 4, "    undeclared = 5")
            assert 5 <= place.column <= 18

        play(story)

    def test_intrinsics_of_the_runtime_cannot_be_changed(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy().pipeline('p').call(() => { Map.prototype.get = () => 'stolen' }).call(() => { Data.prototype.x = 1 })"
            )
            for function in (0, 1):
                with pytest.raises(ScriptError, match="TypeError"):
                    stage.call(function)

        play(story)

    def test_the_script_does_not_see_the_runtime(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy().pipeline('p').call(() => [typeof __pipy, typeof rt, typeof __ring, typeof gc, typeof source].join())"
            )
            assert stage.call(0) == "undefined,undefined,undefined,undefined,undefined"

        play(story)


class TestText:
    """Strings that are hard to carry."""

    @pytest.mark.parametrize("text", ["", "\0", "ÿ", "€", "😀", "x" * 3_000_000, "😀" * 600_000, '"\\\n', "\u2028"])
    def test_host_functions_get_and_give_any_text(self, play: Play, text: str) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(text => ask('echo', text))")
            assert stage.call(0, text) == text

        play(story, echo=lambda text: text)

    def test_a_lone_surrogate_becomes_a_replacement_character(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy().pipeline('p').call(() => '\\ud800').call(() => new Data('\\ud800')).call(() => ask('echo', '\\ud800'))"
            )
            assert stage.call(0) == "\ufffd"
            assert stage.call(1) == Data("\ufffd".encode())
            assert stage.call(2) == "\ufffd"

        play(story, echo=lambda text: text)

    def test_bytes_that_are_not_utf8(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="pipy().pipeline('p').call(data => data.toString() === undefined).call(data => data.toString('hex'))"
                ".call(data => data)"
            )
            data = Data(bytes(range(256)))
            assert stage.call(0, data) is True
            assert stage.call(1, data) == bytes(range(256)).hex()
            assert stage.call(2, data) == data

        play(story)

    def test_latin1_in_a_head(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(msg => msg.head.headers.x)")
            assert stage.call(0, MessageStart(Head({"headers": {"x": "\x85é\xa0"}}))) == "\x85é\xa0"

        play(story)


class TestHostFunctions:
    """Python called from a script that waits."""

    def test_their_exceptions_become_errors_of_the_script(self, play: Play) -> None:
        def refuse() -> None:
            raise ValueError("not today")

        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => { try { ask('refuse') } catch (error) { return error.message } })")
            assert stage.call(0) == "not today"

        play(story, refuse=refuse)

    def test_their_bugs_do_not_end_the_process(self, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => ask('broken')).call(() => 'alive')")
            with pytest.raises(ScriptError, match="ZeroDivisionError"):
                stage.call(0)
            assert stage.call(1) == "alive"

        play(story, broken=lambda: 1 // 0)
        assert "bug in the host function broken" in capsys.readouterr().out

    def test_they_must_not_call_a_script(self, play: Play) -> None:
        stages: list[Any] = []

        def story(stage: Any) -> None:
            stages.append(stage)
            stage.load(main="pipy().pipeline('p').call(() => ask('again')).call(() => 'alive')")
            with pytest.raises(ScriptError, match="must not call a script"):
                stage.call(0)
            assert stage.call(1) == "alive"

        play(story, again=lambda: stages[0].call(1))

    def test_they_must_not_wait(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(() => ask('sleep')).call(() => 'alive')")
            with pytest.raises(ScriptError, match="must not wait"):
                stage.call(0)
            assert stage.call(1) == "alive"

        play(story, sleep=lambda: gevent.sleep(0.01))


class TestPromises:
    """Scripts may use them; what they lose must be seen."""

    def test_they_settle_before_the_next_call(self, play: Play) -> None:
        def story(stage: Any) -> None:
            stage.load(
                main="((seen) => pipy().pipeline('p').call(() => { Promise.resolve(7).then(value => { seen.push(value) }) })"
                ".call(() => seen.length))([])"
            )
            stage.call(0)
            assert stage.call(1) == 1

        play(story)

    def test_a_rejection_nobody_handles_is_logged(self, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
        def story(stage: Any) -> None:
            stage.load(main="pipy().pipeline('p').call(async () => { throw new Error('lost') })")
            stage.call(0)

        play(story)
        assert "lost" in capsys.readouterr().out


def test_handles_are_freed_when_scripts_let_go(play: Play) -> None:
    def story(stage: Any) -> None:
        stage.load(main="((kept) => pipy().pipeline('p').call(data => { data.size }).call(data => { kept.push(data) }))([])")
        payload = bytes(1 << 20)
        for _ in range(40):
            stage.call(0, Data(bytes(payload)))
        assert stage.engine.codec.counts()["pinned"] < 12 << 20
        for _ in range(20):
            stage.call(1, Data(bytes(payload)))
        assert stage.engine.codec.counts()["pinned"] >= 20 << 20

    play(story)


def test_nothing_is_left_of_finished_streams(play: Play) -> None:
    def story(stage: Any) -> None:
        stage.load(main="pipy({ _x: 0 }).pipeline('p').call(msg => { _x = msg.head })")
        for _ in range(100):
            context = stage.program.new_context((1, "127.0.0.1", 1, "127.0.0.1", 2))
            copy = stage.program.clone_context(context)
            stage.call(0, MessageStart(Head({"path": "/"})), context=copy)
            stage.program.gone(context)
        del context, copy
        stage.call(0, MessageStart(None))
        counts = stage.engine.count()
        assert counts["contexts"] <= 2
        assert counts["heads"] == 0

    play(story)


def test_a_dropped_generation_leaves_nothing(play: Play) -> None:
    def story(stage: Any) -> None:
        for _ in range(5):
            stage.load(main="pipy().pipeline('p').call(() => 1)")
            stage.call(0)
            stage.program.dispose()
        assert stage.engine.count()["programs"] == 0

    play(story)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("({ bad", "SyntaxError: "),
        ("() => { throw new Error('not today') }", "Error: not today"),
        ("5", by_engine(v8="TypeError: 5 is not a function", quickjs="TypeError: not a function")),
    ],
)
def test_a_broken_script_source_of_a_plugin_is_left_out(play: Play, source: str, reason: str) -> None:
    def prepare(registry: Any) -> None:
        other = type(registry)("stranger (dist 1.0)")
        other.add_script("broken", source)
        registry.merge(other)
        registry.add_script("whole", "() => ({ whole: () => 'there' })")

    def story(stage: Any) -> None:
        stage.load(main="pipy().pipeline('p').call(() => whole())")
        assert stage.call(0) == "there"

    with logged() as lines:
        play(story, prepare=prepare)
    (line,) = [line for line in lines if line.startswith("[WRN] [plugins]")]
    assert line.startswith("[WRN] [plugins] plugin stranger (dist 1.0): pipy-plugin:broken: ")
    assert reason in line
    assert line.endswith(" (the script source is left out)")
