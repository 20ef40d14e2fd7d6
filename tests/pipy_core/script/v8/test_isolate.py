"""What is V8's alone; what every engine has to do is in ``script/test_isolate.py``."""

import os

from pipy_core.script.isolate import FATAL_EXIT
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
