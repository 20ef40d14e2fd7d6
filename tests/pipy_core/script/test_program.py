"""A generation of a script: what its pipelines may ask, what becomes of it when a newer one takes over."""

import gc

import pytest

from pipy_core.errors import Place, ScriptError
from pipy_core.script.isolate import HeapExhausted
from pipy_core.testing import logged
from tests.engine import by_engine

SCRIPT = "pipy({ _x: 'initial' }).pipeline('p').call(() => _x).call(x => { _x = x }).call(() => { throw new Error('mine') })"


def test_two_generations_do_not_share_anything(play):
    def story(stage):
        old = stage.load(main=SCRIPT)
        context = old.new_context()
        stage.call(1, "old", context=context)
        get_old = stage.functions()[0]
        new = stage.load(main=SCRIPT.replace("initial", "new"))
        assert new.number > old.number
        assert stage.call(0) == "new"
        assert old.call(context, get_old, ()) == "old"

    play(story)


def test_a_retired_generation_goes_with_its_last_context(play):
    def story(stage):
        old = stage.load(main=SCRIPT)
        context = old.new_context()
        clone = old.clone_context(context)
        get_old = stage.functions()[0]
        stage.load(main=SCRIPT)
        old.retire()
        del context
        gc.collect()
        assert stage.engine.count()["programs"] == 2
        assert old.call(clone, get_old, ()) == "initial"
        del clone
        gc.collect()
        assert stage.engine.count() == {"contexts": 0, "heads": 0, "programs": 1}

    play(story)


def test_a_retired_generation_without_contexts_goes_at_once(play):
    def story(stage):
        old = stage.load(main=SCRIPT)
        stage.load(main=SCRIPT)
        old.retire()
        assert stage.engine.count()["programs"] == 1

    play(story)


def test_forks_keep_a_retired_generation(play):
    def story(stage):
        old = stage.load(main="pipy({ _x: 0 }).pipeline('p').call(() => [{ _x: 1 }]).call(() => _x)")
        make, get = stage.functions()
        forks = old.fork_contexts(old.new_context(), "/main.js", make)
        old.retire()
        gc.collect()
        assert stage.engine.count()["programs"] == 1
        assert old.call(forks[0], get, ()) == 1
        forks.clear()
        assert stage.engine.count() == {"contexts": 0, "heads": 0, "programs": 0}

    play(story)


def test_errors_have_places(play):
    def story(stage):
        stage.load(main=SCRIPT)
        with pytest.raises(ScriptError) as caught:
            stage.call(2)
        assert caught.value.place == Place(
            "/main.js", 1, SCRIPT.index(by_engine(v8="new Error", quickjs="Error('mine")) + 1, SCRIPT
        )

    play(story)


def test_what_is_reported(play):
    def story(stage):
        program = stage.load(main=SCRIPT)
        with logged() as lines:
            program.report(ScriptError("TypeError", "text", Place("/main.js", 2, 3, "  line")), "p")
            program.report(ZeroDivisionError("bug"), "p")
        assert lines[0] == "[ERR] [pjs] Line 2:  line\n         ^\nTypeError: text\n    in /main.js at line 2 column 3"
        assert lines[1].startswith("[ERR] [bug] in p: ZeroDivisionError('bug')")

    play(story)


def test_a_full_heap_is_nobodys_stream(play):
    def story(stage):
        program = stage.load(main=SCRIPT)
        with pytest.raises(HeapExhausted):
            program.report(HeapExhausted("full"), "p")

    play(story)
