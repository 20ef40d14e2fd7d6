"""Under pytest: which files are tests, what is told of them, and that others are left alone."""

import subprocess
import sys

import pytest

SCRIPT = "pipy().listen(8000).serveHTTP(() => new Message('hi'))"
GOOD = "test('is polite', async t => {\n  t.equal((await t.port().request()).body.toString(), 'hi')\n})\n"
BAD = "test('is rude', async t => {\n  console.log('a line')\n  t.equal((await t.port().request()).body.toString(), 'hey')\n})\n"


@pytest.fixture
def run(tmp_path):
    """Run pytest, as strict as ours, on these files; gives the exit code and the output."""

    def run_pytest(files, *arguments):
        for name, text in {"proxy.js": SCRIPT, **files}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name).write_text(text)
        strict = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")
        command = [sys.executable, "-m", "pytest", *strict, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=300)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    return run_pytest


def test_each_test_is_an_item(run):
    code, output = run({"proxy.test.js": GOOD + BAD + "test.skip('is quiet', () => {})"}, "-v")
    assert code == 1
    assert "proxy.test.js::is polite PASSED" in output
    assert "proxy.test.js::is rude FAILED" in output
    assert "proxy.test.js::is quiet SKIPPED" in output
    assert "1 failed, 1 passed, 1 skipped" in output


def test_failures_are_told_without_python(run):
    _, output = run({"proxy.test.js": BAD})
    assert "proxy.test.js:3:  t.equal((await t.port().request()).body.toString(), 'hey')" in output
    assert 'expected: "hey"' in output
    assert 'given:    "hi"' in output
    assert "[INF] a line" in output
    assert "pytest_items.py" not in output


def test_items_can_be_chosen(run):
    files = {"proxy.test.js": GOOD + BAD}
    assert run(files, "-k", "polite")[0] == 0
    assert run(files, "proxy.test.js::is polite")[0] == 0


def test_files_that_cannot_be_loaded_are_errors(run):
    code, output = run({"proxy.test.js": "test('a', t => {\n  (\n})"})
    assert code == 2
    assert "SyntaxError" in output
    assert "proxy.test.js:3" in output


def test_other_javascript_is_left_alone(run):
    other = "import { render } from 'x'\ntest('renders', () => {})"
    code, output = run({"app.js": "export const app = 1", "app.test.js": other, "lone.test.js": other, "proxy.test.js": GOOD})
    assert code == 0, output
    assert "1 passed" in output


def test_but_not_if_it_is_named(run):
    code, output = run({"lone.test.js": GOOD}, "lone.test.js")
    assert code == 1
    assert "there is no script" in output


def test_a_file_that_names_its_script(run):
    assert run({"tests/any.test.js": "script('../proxy.js')\n" + GOOD})[0] == 0


def test_files_and_python_in_one_run(run):
    python = "def test_it(pipy_script):\n    assert pipy_script('proxy.js').port().request().text == 'hi'\n"
    code, output = run(
        {"proxy.test.js": GOOD, "other.test.js": "script('proxy.js')\n" + GOOD, "test_a.py": python, "test_b.py": python}
    )
    assert code == 0, output
    assert "4 passed" in output


def test_a_script_that_fails_unexpectedly_fails_the_test(run):
    python = "def test_it(pipy_script):\n    assert pipy_script(text='pipy().listen(1).serveHTTP(() => nothing)').port().request().status == 500\n"
    code, output = run({"test_a.py": python})
    assert code == 1
    assert "1 failed" in output
    assert "the script failed, and no logged() expects it" in output
    assert "ReferenceError: nothing is not defined" in output


def test_the_log_is_shown_with_a_failure(run):
    script = "pipy().listen(1).serveHTTP(() => (console.log('a line'), new Message('x')))"
    python = f"def test_it(pipy_script):\n    assert pipy_script(text={script!r}).port().request().text == 'y'\n"
    assert "[INF] a line" in run({"test_a.py": python})[1]


def test_nothing_is_loaded_where_nothing_is_tested(run):
    python = "import sys\ndef test_it():\n    assert not [name for name in sys.modules if name.startswith(('gevent', 'pipy_core.trial'))]\n"
    code, output = run({"test_a.py": python})
    assert code == 0, output
