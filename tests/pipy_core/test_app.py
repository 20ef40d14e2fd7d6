"""How the parts are put together, with a program of one process that only notes what it was given."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pipy_core import app
from pipy_core.errors import LoadError, Place, PluginError, StartError
from pipy_core.registry import Registry
from pipy_core.settings import Settings

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipy_core.plugins.installed", list)


def use(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr(app.alone, "run", run)


def failing(error: Exception) -> Run:
    def run(*_given: Any) -> int:
        raise error

    return run


def test_the_program_gets_settings_registry_and_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def run(*args: Any) -> int:
        given.extend(args)
        return 5

    use(monkeypatch, run)
    settings = Settings(script="/a.js")
    assert app.run(settings) == 5
    assert given[0] is settings
    assert isinstance(given[1], Registry)
    given[2].pipy_stopping()


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            LoadError("TypeError", "x is not a function", Place("/main.js", 2, 4, "  .x()")),
            [
                "[ERR] [pjs] Line 2:  .x()",
                "[ERR] [pjs]           ^",
                "[ERR] [pjs] TypeError: x is not a function",
                "[ERR] [pjs]     in /main.js at line 2 column 4",
            ],
        ),
        (
            StartError("Cannot start listening on port 80 at ::: taken"),
            ["[ERR] [listener] Cannot start listening on port 80 at ::: taken"],
        ),
    ],
)
def test_what_stops_the_start_is_logged(
    error: Exception, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, failing(error))
    assert app.run(Settings()) == 1
    assert [line[24:] for line in capsys.readouterr().out.splitlines()] == lines


def test_the_log_is_set_up_as_the_settings_say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, failing(StartError("no")))
    app.run(Settings(log_format="json"))
    assert '"event": "no"' in capsys.readouterr().out


def test_a_broken_installation_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_plugins: object, _registry: Registry) -> None:
        raise PluginError("plugin link: broken")

    monkeypatch.setattr("pipy_core.plugins.Plugins.load", load)
    use(monkeypatch, failing(AssertionError("it was run")))
    with pytest.raises(PluginError):
        app.run(Settings())


@pytest.mark.parametrize(("verify", "lines"), [(True, ["[INF] [config] /a.js is good"]), (False, [])])
def test_of_a_script_that_is_verified_it_is_said_that_it_is_good(
    verify: bool, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, lambda *_given: 0)
    assert app.run(Settings(script="/a.js", verify=verify)) == 0
    assert [line[24:] for line in capsys.readouterr().out.splitlines()] == lines


def test_what_most_programs_do_not_need_is_not_imported() -> None:
    """See ``contrib/decisions/0022``."""
    needless = "urllib3 watchfiles prometheus_client pipy_core.console pipy_core.trial.runner pipy_core.supervisor.supervisor"
    check = (
        "import sys; from pipy_core import app, cli; from pipy_core.settings import Settings; app.load_plugins(Settings());"
        f"print({{*'{needless}'.split()}} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
