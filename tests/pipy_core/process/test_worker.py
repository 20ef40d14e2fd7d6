"""What a worker does whoever conducts it: the script's wishes reach the conductor, and the end has its steps."""

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import LoadError
from pipy_core.plugins import Plugins
from pipy_core.process.worker import run
from pipy_core.registry import Registry
from pipy_core.settings import Settings


class Hooks:
    """No plugin listens."""

    def pipy_started(self, ports):
        """Nobody cares."""

    def pipy_stopping(self):
        """Nobody cares."""


class Written:
    """A conductor that writes down what it hears, and ends the process at the first wish."""

    def __init__(self, worker, script, heard):
        self.worker = worker
        self.script = script
        self.heard = heard

    def begin(self):
        self.worker.generations.prepare(Snapshot.of(self.script))
        self.worker.take_over()

    def signalled(self, name):
        self.heard.append(name)

    def restart(self):
        self.heard.append("restart")
        self.worker.stop(4)

    def exit(self, code):
        self.heard.append(("exit", code))
        self.worker.stop(code)

    def finish(self):
        self.heard.append("finish")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """``start(script)``: the exit code, and what the conductor heard."""
    monkeypatch.chdir(tmp_path)
    registry = Registry()
    Plugins().load(registry)

    def run_worker(text):
        script = tmp_path / "main.js"
        script.write_text(text)
        heard = []
        return run(Settings(script=str(script)), registry, Hooks(), lambda worker: Written(worker, script, heard)), heard

    return run_worker


@pytest.mark.parametrize(
    ("wish", "code", "heard"),
    [
        ("pipy.exit()", 0, [("exit", 0), "finish"]),
        ("pipy.exit(3)", 3, [("exit", 3), "finish"]),
        ("pipy.restart()", 4, ["restart", "finish"]),
    ],
)
def test_what_the_script_wishes_reaches_the_conductor(start, wish, code, heard):
    assert start(f"pipy().task().handleMessageStart(() => {wish})") == (code, heard)


def test_what_the_conductor_raises_ends_the_process_and_is_raised(start):
    with pytest.raises(LoadError, match="noSuchFilter"):
        start("pipy().noSuchFilter()")
