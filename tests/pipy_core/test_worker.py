"""One process from the inside: what it returns and raises, what plugins hear of it, the watch over its memory."""

import os
import signal
import socket
from types import SimpleNamespace

import pytest

from pipy_core import worker as module
from pipy_core.errors import LoadError, StartError
from pipy_core.plugins import Plugins
from pipy_core.registry import Registry
from pipy_core.script.isolate import FATAL_EXIT
from pipy_core.settings import Settings
from pipy_core.testing import logged
from pipy_core.worker import Worker, run

EXIT = ".task().handleMessageStart(() => pipy.exit({}))"


class Hooks:
    """What a plugin hears."""

    def __init__(self, broken=False):
        self.heard = []
        self.broken = broken

    def pipy_started(self, ports):
        self.heard.append(ports)
        if self.broken:
            raise ZeroDivisionError

    def pipy_stopping(self):
        self.heard.append("stopping")
        if self.broken:
            raise ZeroDivisionError


@pytest.fixture
def start(tmp_path, monkeypatch):
    """``start(script)``: run a worker with all plugins until it ends."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    monkeypatch.chdir(tmp_path)
    registry = Registry()
    Plugins().load(registry)

    def run_worker(script, hooks=None, **settings):
        (tmp_path / "main.js").write_text(script)
        return run(Settings(script=str(tmp_path / "main.js"), **settings), registry, hooks or Hooks())

    yield run_worker
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def test_the_exit_code_is_what_the_script_says(start):
    assert start(f"pipy(){EXIT.format('')}") == 0
    assert start(f"pipy(){EXIT.format(3)}") == 3


def test_plugins_hear_of_the_start_and_of_the_end(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    hooks = Hooks()
    start(f"pipy().listen('127.0.0.1:{port}'){EXIT.format(0)}", hooks)
    assert hooks.heard == [[f"127.0.0.1:{port}"], "stopping"]


def test_what_plugins_raise_is_logged_and_goes_no_further(start):
    hooks = Hooks(broken=True)
    with logged() as lines:
        assert start(f"pipy(){EXIT.format(5)}", hooks) == 5
    assert hooks.heard == [[], "stopping"]
    assert len([line for line in lines if line.startswith("[ERR] [bug] in plugin: ZeroDivisionError")]) == 2


def test_verifying_starts_nothing(start):
    hooks = Hooks()
    assert start(f"pipy().listen(1){EXIT.format(5)}", hooks, verify=True) == 0
    assert [] not in hooks.heard


def test_a_script_that_cannot_be_loaded(start):
    with pytest.raises(LoadError, match="noSuchFilter"):
        start("pipy().noSuchFilter()")


def test_a_port_that_cannot_be_opened(start):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="Address already in use"):
        start(f"pipy().listen('127.0.0.1:{taken.getsockname()[1]}')")


def test_a_bug_of_ours_is_raised_again(start, monkeypatch):
    def fail(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(module, "load", fail)
    with pytest.raises(ZeroDivisionError):
        start("pipy()")


class TestFirstThread:
    @pytest.fixture
    def worker(self, tmp_path):
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        yield Worker(Settings(), Registry(), Hooks(), SimpleNamespace(), tmp_path / "main.js")
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def test_too_much_memory_ends_the_process(self, worker, monkeypatch):
        codes = []
        monkeypatch.setattr(os, "_exit", codes.append)
        monkeypatch.setattr(module, "memory_in_use", lambda: module.MEMORY_LIMIT + 1)
        with logged() as lines:
            worker.on_tick()
        assert codes == [FATAL_EXIT]
        assert lines == ["[ERR] [] the process uses more than 4096 MB of memory: giving up"]

    def test_as_much_as_is_allowed_does_not(self, worker, monkeypatch):
        monkeypatch.setattr(os, "_exit", lambda _code: pytest.fail("ended"))
        monkeypatch.setattr(module, "memory_in_use", lambda: module.MEMORY_LIMIT)
        worker.on_tick()

    def test_signals_that_come_before_the_reactor_are_kept(self, worker):
        worker.on_tick()
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        assert worker._signals == [signal.SIGHUP, signal.SIGTERM]


def test_memory_is_that_of_this_process():
    assert 1 << 20 < module.memory_in_use() < 1 << 40
