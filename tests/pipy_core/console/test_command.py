"""The words of ``pipy status`` and ``pipy top``."""

import pytest

from pipy_core.admin.standing import Standing, WorkerStatus
from pipy_core.console import command as module
from pipy_core.console.command import USAGE, parse, run
from pipy_core.console.source import Unreachable
from pipy_core.errors import ArgumentError


@pytest.mark.parametrize(
    ("words", "action", "once"),
    [
        (("status",), "status", False),
        (("top",), "top", False),
        (("top", "--once"), "top", True),
        (("status", "--help"), "help", False),
        (("top", "-h", "--once"), "help", True),
    ],
)
def test_what_is_asked_for(words, action, once):
    wanted = parse(words, {})
    assert (wanted.action, wanted.once) == (action, once)


def test_options_win_over_the_environment():
    environ = {"PIPY_ADMIN_PORT": "7000", "PIPY_ADMIN_TOKEN": "theirs"}
    wanted = parse(("status", "--admin-port=[::1]:8000"), environ)
    assert wanted.settings.admin_address == ("::1", 8000)
    assert wanted.settings.admin_token == "theirs"


@pytest.mark.parametrize("word", ["--once", "--threads=2", "--admin-port", "admin-port=7", "file.js", "--frob=1", ""])
def test_words_that_mean_nothing_here(word):
    with pytest.raises(ArgumentError, match=r"^unknown option: .*; pipy status --help tells more$"):
        parse(("status", word), {})


class Source:
    """An admin port that is always the same."""

    document: object

    def __init__(self, settings):
        self.settings = settings

    def json(self, path):
        assert path == "/status"
        return self.document

    def text(self, path):
        assert path == "/metrics"
        return ""


@pytest.fixture
def printed(monkeypatch):
    """What is shown: a list of texts."""
    monkeypatch.setattr(module, "Source", Source)
    monkeypatch.setattr(module, "INTERVAL", 0)
    monkeypatch.setattr(Source, "document", Standing("0.1", 77, 0.0, workers=[WorkerStatus(1, 77)]).document(), raising=False)
    return []


def do(printed, *words):
    def show(text):
        printed.append(text)
        return 5

    return run(parse(words, {}), show)


def test_help(printed):
    assert do(printed, "top", "--help") == 5
    assert printed == [USAGE.rstrip()]


def test_the_status(printed):
    assert do(printed, "status") == 5
    assert printed[0].startswith("pipy 0.1, process 77, running")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_top_once(printed, monkeypatch, terminal):
    """Where there is no terminal it is once, whatever was asked for."""
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: terminal, raising=False)
    assert do(printed, "top", *(["--once"] if terminal else [])) == 5
    assert len(printed) == 1


def test_the_top_on_a_terminal(printed, monkeypatch):
    watched = []
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module, "watch", watched.append)
    assert do(printed, "top") == 0
    assert (len(watched), printed) == (1, [])


def test_what_answers_is_something_else(printed, monkeypatch):
    monkeypatch.setattr(Source, "document", {"hello": 1}, raising=False)
    with pytest.raises(Unreachable, match="what answers is no admin port of ours: its status has no '"):
        do(printed, "status")
