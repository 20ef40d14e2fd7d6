"""What is V8's alone; what every engine has to do is in ``script/test_isolate.py``."""

import os

import gevent
import pytest

from pipy_core.script.isolate import FATAL_EXIT
from pipy_core.script.v8 import binding
from pipy_core.script.v8.isolate import CALL, V8Isolate


def test_an_exception_in_the_callback_ends_the_process(monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    broken = V8Isolate(64 << 20, lambda question: question)
    broken._on_callback(CALL, None)
    assert codes == [FATAL_EXIT]
    broken.dispose()


def test_handles_are_counted():
    isolate = V8Isolate(64 << 20, lambda question: question)
    before = isolate.handle_count()
    isolate._evaluate("({})", "test")
    assert isolate.handle_count() > before
    isolate.dispose()


def run(story):
    """What *story* gives on the reactor's thread, with its isolate."""
    isolate = V8Isolate(64 << 20, lambda question: question)
    found = []

    def program():
        found.append(story(isolate))
        isolate.finish()

    isolate.run(program, lambda: None)
    isolate.dispose()
    return found[0]


def test_what_is_in_use_on_the_heap_is_what_v8_tells():
    def story(isolate):
        return isolate.heap_in_use(), isolate._told["used_heap_size"], isolate.heap_limit

    in_use, told, limit = run(story)
    assert told <= in_use < told * 1.2
    assert limit == 64 << 20


def test_the_limit_is_never_above_that_of_v8():
    isolate = V8Isolate(1 << 40, lambda question: question)
    isolate.run(isolate.finish, lambda: None)
    assert isolate.heap_limit == isolate._told["heap_size_limit"] < 1 << 40
    isolate.dispose()


@pytest.mark.parametrize("broken", [{"_USED": 0}, {"_LIMIT": 6}, {"_TOTAL": 1}, {"_CURRENT": "gone"}, {"_GET_STATISTICS": "gone"}])
def test_a_v8_whose_numbers_are_not_where_they_are_expected_tells_nothing(monkeypatch, broken):
    for name, value in broken.items():
        monkeypatch.setattr(binding, name, value)
    assert run(lambda isolate: isolate.heap_in_use()) is None


def test_an_isolate_that_has_ended_leaves_nothing_to_do_for_the_next(capfd):
    hubs = []  # kept, as the traceback of a script that could not be loaded keeps them

    run(lambda _isolate: hubs.append(gevent.get_hub()))
    run(lambda _isolate: gevent.sleep(0.01))
    assert "greenlet.error" not in capfd.readouterr().err
