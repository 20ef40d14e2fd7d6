"""What the words of the command line mean, and what is printed. No script is run: that is the worker's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipy_core import __version__, app, cli
from pipy_core.errors import ArgumentError, PluginError
from pipy_core.options import OPTIONS
from pipy_core.settings import Settings
from tests.engine import by_engine


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIPY_CONFIG_FILE", "PIPY_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "main.js"
    path.write_text("pipy()")
    return path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that scripts were run with."""
    seen: list[Settings] = []

    def run(settings: Settings) -> int:
        seen.append(settings)
        return 7

    monkeypatch.setattr(app, "run", run)
    return seen


@pytest.mark.parametrize(
    ("argv", "action", "name"),
    [
        ([], "run", ""),
        (["a.js"], "run", "a.js"),
        (["-h"], "help", ""),
        (["-help"], "help", ""),
        (["a.js", "--help"], "help", "a.js"),
        (["-v"], "version", ""),
        (["-version"], "version", ""),
        (["-h", "--version"], "version", ""),
        (["--list-filters"], "list-filters", ""),
        (["--help-filters"], "help-filters", ""),
        (["--help-filters=link"], "help-filters", "link"),
        (["--help-filters", "link"], "help-filters", "link"),
    ],
)
def test_actions(argv: list[str], action: str, name: str) -> None:
    command = cli.parse(argv)
    assert (command.action, command.name) == (action, name)


def test_options_and_the_file_name_stand_in_any_order() -> None:
    first = cli.parse(["--verify", "--log-level=debug", "a.js", "--reuse-port"])
    second = cli.parse(["a.js", "--verify", "--reuse-port", "--log-level=debug"])
    assert first == second
    assert first.choose({}) == Settings(verify=True, reuse_port=True, log_level="debug")


def test_the_last_value_counts_and_the_command_line_beats_the_environment() -> None:
    command = cli.parse(["--log-level=debug", "--log-level=error"])
    assert command.choose({"PIPY_LOG_LEVEL": "warn", "PIPY_LOG_FORMAT": "json"}) == Settings(log_level="error", log_format="json")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--no-such-option"], "unknown option: --no-such-option"),
        (["--no-such-option=5", "a.js"], "unknown option: --no-such-option"),
        (["-x"], "unknown option: -x"),
        (["-"], "unknown option: -"),
        (["--verify=1"], "option takes no value: --verify"),
        (["--version=1"], "option takes no value: --version"),
        (["--reuseport"], "unknown option: --reuseport; did you mean --reuse-port?"),
        (["log-level=debug", "b.js"], "redundant filename: b.js"),
        (["a.js", "b.js"], "redundant filename: b.js"),
        (["--log-level"], "option without a value: --log-level; write --log-level=<value>"),
        (["-log-level=debug"], "unknown option: -log-level; did you mean --log-level?"),
    ],
)
def test_mistakes(argv: list[str], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        cli.parse(argv)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no filename given; pipy --help tells more"),
        ("nowhere/main.js", "file or directory not found: nowhere/main.js"),
        (
            "http://127.0.0.1:6060/",
            (
                "cannot open http://127.0.0.1:6060/: a URL without a path means a console for the repository there, which does not "
                "exist yet; a codebase has a path, such as http://localhost:6060/repo/name/"
            ),
        ),
        ("host:6060", "file or directory not found: host:6060; there is no console for the repository of a server"),
        (".", "cannot open file: .: it is not a file"),
        ("a" * 300, f"cannot open file: {'a' * 300}: File name too long"),
    ],
)
def test_no_script(name: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        cli.find_script(name)
    assert str(caught.value) == message


def test_a_url_is_a_script() -> None:
    assert cli.find_script("http://localhost:6060/repo/a/") == "http://localhost:6060/repo/a/"


def test_types_of_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["types", "http://localhost:6060/repo/a/"]) == 1
    assert capsys.readouterr().err == "cannot open file: http://localhost:6060/repo/a/: pipy types expects a local file\n"


def test_a_script_that_may_not_be_read(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    with pytest.raises(ArgumentError, match=f"^cannot open file: {script}: permission denied$"):
        cli.find_script(str(script))


def test_a_script_is_found_from_the_working_directory(script: Path, ran: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    assert cli.main(["main.js", "--call-timeout=2"]) == 7
    assert ran == [Settings(script=str(script), call_timeout=2.0)]


def test_the_environment_names_the_script_unless_the_command_line_does(
    script: Path, ran: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = script.with_name("other.js")
    other.write_text("pipy()")
    monkeypatch.setenv("PIPY_CONFIG_FILE", str(other))
    cli.main([])
    cli.main([str(script)])
    assert [each.script for each in ran] == [str(other), str(script)]


def test_a_mistake_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str], ran: list[Settings]) -> None:
    assert cli.main(["--log-level=loud", "a.js"]) == 1
    assert capsys.readouterr() == ("", "unknown log level: loud\n")
    assert ran == []


def test_a_broken_installation_is_one_line_too(
    capsys: pytest.CaptureFixture[str], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_settings: Settings) -> int:
        raise PluginError("plugin link: broken")

    monkeypatch.setattr(app, "run", run)
    assert cli.main([str(script)]) == 1
    assert capsys.readouterr().err == "plugin link: broken\n"


def test_an_interrupt_before_the_program_runs_ends_quietly(
    capsys: pytest.CaptureFixture[str], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_settings: Settings) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", run)
    assert cli.main([str(script)]) == 130
    assert capsys.readouterr() == ("", "")


def test_help_tells_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "Usage: pipy [options] <filename or URL>\n       pipy test [options] [<file or directory> ...]\n       pipy types [<filename>]\n       pipy status | top [options]\n\nOptions:\n  -h, -help, --help "
    )
    words = {"--verify", "--reuse-port", "--list-filters", "--help-filters", *(f"--{option}" for option in OPTIONS)}
    assert words <= set(re.findall(r"--[a-z-]+", printed))
    columns = {
        len(line) - len(line[40:].lstrip()) for line in printed.splitlines() if line.startswith("  ") and line[38:40] == "  "
    }
    assert columns == {40}


def test_types_are_declared(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["types"]) == 0
    printed = capsys.readouterr().out
    assert "  link(target: string" in printed
    assert "declare class Data" in printed
    assert "declare let" not in printed


def test_types_of_the_variables_of_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.js").write_text("pipy({ _path: '', _count: 0 }).pipeline('p').use('other.js', 'p')")
    (tmp_path / "other.js").write_text("pipy({ _path: 1, _more: null }).pipeline('p')")
    assert cli.main(["types", "main.js"]) == 0
    declared = [line for line in capsys.readouterr().out.splitlines() if line.startswith("declare let")]
    assert declared == ["declare let _count: number", "declare let _more: any", "declare let _path: any"]


def test_no_types_for_a_script_that_does_not_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.js").write_text("pipy().listen(")
    assert cli.main(["types", str(tmp_path / "main.js")]) == 1
    errors = capsys.readouterr().err
    assert "SyntaxError" in errors
    assert "line 1 column 15 in /main.js" in errors


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"Version     : {__version__}\n")
    assert re.search(by_engine(v8=r"^V8          : \d+\.\d+", quickjs=r"^QuickJS     : \d+\.\d+"), printed, re.MULTILINE)
    assert re.search(r"^gevent      : \d+\.\d+", printed, re.MULTILINE)
    assert re.search(r"^Plugins     : \d+ built in$", printed, re.MULTILINE)


def test_filters_are_listed_by_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list-filters"]) == 0
    assert re.search(r"^  link  +\S", capsys.readouterr().out, re.MULTILINE)


def test_one_filter_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help-filters=link"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("link(target")
    assert "        pipy({ _admin: false })" in printed, "with its example"
    assert "serveHTTP" not in printed


def test_all_filters_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help-filters"]) == 0
    printed = capsys.readouterr().out
    assert {"link", "connect", "serveHTTP"} <= set(re.findall(r"^(\w+)\(", printed, re.MULTILINE))


def test_for_an_unknown_filter_similar_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help-filters=lnik"]) == 1
    assert re.match(r"no such filter: lnik; did you mean .*link", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("redirection", "code", "errors"),
    [
        ("> /dev/full", 1, "cannot write: No space left on device\n"),
        (">&-", 0, ""),
        ("| true", 0, ""),  # of the last command
    ],
)
def test_an_output_that_takes_nothing_is_no_crash(redirection: str, code: int, errors: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has /dev/full")
    command = f"{sys.executable} -m pipy_core --help-filters {redirection}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (code, errors)
