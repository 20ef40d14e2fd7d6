"""``pipy test``: words, output, exit codes."""

import os
import re
import subprocess
import sys

import pytest

from pipy_core import cli
from pipy_core.trial import command

SCRIPT = "pipy().listen(8000).serveHTTP(() => new Message('hi'))"
GOOD = "test('is polite', async t => {\n  console.log('a line')\n  t.equal((await t.port().request()).body.toString(), 'hi')\n})\n"
BAD = "test('is rude', async t => {\n  t.equal((await t.port().request()).body.toString(), 'hey')\n})\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "proxy.js").write_text(SCRIPT)
    return tmp_path


@pytest.fixture
def pipy(folder):
    """``pipy("test", ...)`` in that folder: exit code, lines of the output, standard error."""

    def run(*words, environ=None):
        done = subprocess.run(
            [sys.executable, "-m", "pipy_core", *words],
            cwd=folder,
            env={**os.environ, **(environ or {})},
            capture_output=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().strip()

    return run


def test_all_is_well(folder, pipy):
    (folder / "proxy.test.js").write_text(GOOD)
    code, lines, errors = pipy("test")
    assert (code, errors) == (0, "")
    assert re.fullmatch(r"ok      proxy\.test\.js: is polite \(\d+ ms\)", lines[0])
    assert lines[1] == ""
    assert re.fullmatch(r"1 passed in \d+\.\d s", lines[2])


def test_a_failure(folder, pipy):
    (folder / "proxy.test.js").write_text(GOOD + BAD + "test.skip('is quiet', () => {})")
    code, lines, _ = pipy("test", "proxy.test.js")
    assert code == 1
    assert lines[1:3] == ["FAILED  proxy.test.js: is rude", "skipped proxy.test.js: is quiet"]
    assert lines[4:9] == [
        "FAILED  proxy.test.js:5: is rude",
        "    not equal",
        "        proxy.test.js:6:  t.equal((await t.port().request()).body.toString(), 'hey')",
        '        expected: "hey"',
        '        given:    "hi"',
    ]
    assert re.fullmatch(r"1 passed, 1 failed, 1 skipped in \d+\.\d s", lines[-1])


def test_directories_are_searched(folder, pipy):
    for name in ("a", ".hidden", "node_modules"):
        (folder / name).mkdir()
        (folder / name / "proxy.test.js").write_text("script('../proxy.js')\n" + (GOOD if name == "a" else BAD))
    (folder / "dir.test.js").mkdir()
    code, lines, _ = pipy("test", ".")
    assert code == 0
    assert lines[0].startswith("ok      a/proxy.test.js: is polite")
    assert lines[-1].startswith("1 passed")


def test_a_file_named_twice_runs_once(folder, pipy):
    (folder / "proxy.test.js").write_text(GOOD)
    assert pipy("test", ".", "proxy.test.js")[1][-1].startswith("1 passed")


def test_the_filter(folder, pipy):
    (folder / "proxy.test.js").write_text(GOOD + BAD)
    code, lines, _ = pipy("test", "--filter=polite")
    assert code == 0
    assert lines[-1].startswith("1 passed in")


def test_the_log_is_shown_on_demand(folder, pipy):
    (folder / "proxy.test.js").write_text(GOOD)
    assert "        [INF] a line" in pipy("test", "--show-log")[1]
    assert "        [INF] a line" not in pipy("test")[1]


@pytest.mark.parametrize(
    ("files", "words", "line"),
    [
        ({}, [], "no tests found: there is no file called *.test.js"),
        ({"proxy.test.js": "// none"}, [], "no tests found: the files declare none"),
        ({"proxy.test.js": GOOD}, ["--filter=zzz"], "no tests found with 'zzz' in their name"),
    ],
)
def test_no_tests_are_no_success(folder, pipy, files, words, line):
    for name, text in files.items():
        (folder / name).write_text(text)
    assert pipy("test", *words)[:2] == (1, [line])


def test_a_file_that_cannot_be_loaded(folder, pipy):
    (folder / "a.test.js").write_text("test('x', t => {\n  (\n})")
    (folder / "b.test.js").write_bytes(b"// \xff\n")
    code, lines, _ = pipy("test")
    assert code == 1
    assert lines[:2] == ["FAILED  a.test.js", "FAILED  b.test.js"]
    assert "FAILED  a.test.js:3: the file cannot be loaded" in lines
    assert any("is not UTF-8 text" in line for line in lines)
    assert lines[-1].startswith("2 failed in")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nonsense"], "unknown option: --nonsense"),
        (["--filtre=x"], "unknown option: --filtre; did you mean --filter?"),
        (["--filter"], "option without a value: --filter; write --filter=<value>"),
        (["--show-log=1"], "option takes no value: --show-log"),
        (["--call-timeout=x"], "invalid --call-timeout: x: expected seconds above 0 and up to 3600"),
        (["nowhere"], "file or directory not found: nowhere"),
        (["proxy.js"], "not a test file: proxy.js; the name of one ends with .test.js"),
    ],
)
def test_wrong_words(folder, monkeypatch, capsys, words, message):
    monkeypatch.chdir(folder)
    assert cli.main(["test", *words]) == 2
    assert capsys.readouterr() == ("", f"{message}\n")


def test_a_wrong_environment(monkeypatch, capsys):
    monkeypatch.setenv("PIPY_CALL_TIMEOUT", "never")
    assert cli.main(["test"]) == 2
    assert "PIPY_CALL_TIMEOUT" in capsys.readouterr().err


def test_help(capsys):
    assert cli.main(["test", "--help"]) == 0
    assert capsys.readouterr().out == command.USAGE
    for word in ("--filter", "--show-log"):
        assert word in command.USAGE


def test_settings_reach_the_tests(folder, pipy):
    (folder / "proxy.test.js").write_text("test('a', () => { for (;;); })")
    code, lines, _ = pipy("test", "--call-timeout=0.2")
    assert code == 1
    assert any("stopped after 0.2 s" in line for line in lines)


def test_a_script_called_test_can_be_run(folder, pipy):
    (folder / "test").write_text(SCRIPT)
    code, lines, _ = pipy("--verify", "./test")
    assert code == 0
    assert "is good" in lines[-1]
