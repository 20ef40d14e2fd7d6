"""Signals and memory, on the first thread."""

import os
import signal

import pytest

from pipy_core.limits import Limits
from pipy_core.net.memory import MemoryWatch
from pipy_core.process import first_thread as module
from pipy_core.process.first_thread import FirstThread
from pipy_core.script.isolate import FATAL_EXIT
from pipy_core.testing import logged

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
LIMIT = 64 * 1024 * 1024


@pytest.fixture
def make():
    """``make(memory)``: its first thread, where as much memory is used."""
    handlers = {number: signal.getsignal(number) for number in NUMBERS}
    yield lambda used=0: FirstThread(MemoryWatch(Limits(memory_limit=64), 1, lambda: used))
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_too_much_memory_ends_the_process(make, monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    with logged() as lines:
        make(LIMIT + 1).on_tick()
    assert codes == [FATAL_EXIT]
    assert lines[-1] == "[ERR] [] the process uses more than 64 MB of memory: giving up"


def test_as_much_as_is_allowed_does_not(make, monkeypatch):
    monkeypatch.setattr(module.os, "_exit", lambda _code: pytest.fail("ended"))
    make(LIMIT).on_tick()


def test_signals_that_come_before_there_is_anybody_to_tell_are_kept(make):
    first = make()
    first.on_tick()
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGTERM)
    woken = []
    first.attach(lambda: woken.append(list(first.signals())))
    assert woken == [["SIGHUP", "SIGTERM"]]
    signal.raise_signal(signal.SIGINT)
    assert woken[1:] == [["SIGINT"]]


def test_further_signals_are_taken_from_the_next_tick_on(make):
    first = make()
    first.on_tick()
    first.expect(["SIGWINCH"])
    signal.raise_signal(signal.SIGWINCH)
    first.on_tick()
    assert list(first.signals()) == []
    signal.raise_signal(signal.SIGWINCH)
    assert list(first.signals()) == ["SIGWINCH"]
