"""A program of one process from the inside: what it returns and raises, and what plugins hear of it."""

import signal
import socket
from pathlib import Path

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.source import open_source
from pipy_core.errors import LoadError, StartError
from pipy_core.net.notify import Notifier
from pipy_core.plugins import Plugins
from pipy_core.process import alone
from pipy_core.process import worker as module
from pipy_core.process.worker import Worker
from pipy_core.registry import Registry
from pipy_core.settings import Settings
from pipy_core.testing import logged
from tests.system.pipy_process import free_port

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

    def pipy_register_pages(self, pages):
        """There are none."""

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

    def run_worker(script, hooks=None, sockets=None, **settings):
        (tmp_path / "main.js").write_text(script)
        chosen = Settings(script=str(tmp_path / "main.js"), **settings)
        return alone.run(chosen, registry, hooks or Hooks(), open_source(chosen), Notifier(), sockets or {})

    yield run_worker
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def test_the_exit_code_is_what_the_script_says(start):
    assert start(f"pipy(){EXIT.format('')}") == 0
    assert start(f"pipy(){EXIT.format(3)}") == 3


def test_plugins_hear_of_the_start_and_of_the_end(start, tmp_path):
    port = free_port()
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
    def fail(*_args, **_settings):
        raise ZeroDivisionError

    monkeypatch.setattr(module, "load", fail)
    with pytest.raises(ZeroDivisionError):
        start("pipy()")


def test_a_socket_that_is_open_already_is_used_and_kept(start):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
        hooks = Hooks()
        start(f"pipy().listen('127.0.0.1:{address[1]}'){EXIT.format(0)}", hooks, {address: sock})
        assert hooks.heard == [[f"127.0.0.1:{address[1]}"], "stopping"]
        sock.settimeout(10)
        with socket.create_connection(address):
            accepted, peer = sock.accept()
            accepted.close()
            assert peer[0] == "127.0.0.1"


def test_a_directory_that_is_gone():
    with pytest.raises(LoadError, match="cannot use the directory /nowhere: No such file or directory"):
        Worker._enter(None, Snapshot(Path("/nowhere"), "/main.js"))
    with logged() as lines:
        Worker._enter(None, Snapshot(Path("/nowhere"), "/main.js", pinned={"/main.js": b"pipy()"}))
    assert lines[0].startswith("[WRN] [] cannot use the directory /nowhere: No such file or directory; the files that")
