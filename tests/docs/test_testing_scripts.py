"""The page about testing scripts: its examples run, in both languages, and it names what there is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipy_core.trial.runner import load_registry, run_texts
from tests.tutorial.console import matches, read_steps

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing-scripts.md").read_text("utf-8")
TYPINGS = (ROOT / "pipy_core" / "trial" / "kit.d.ts").read_text("utf-8")


def blocks(language, page=PAGE):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


PROXY, ROUTER = (block for block in blocks("js") if block.startswith("pipy("))
TESTS = [block for block in blocks("js") if block.startswith("test(")]


def is_of_the_router(block):
    return "t.pipeline('mark'" in block


def test_the_tests_in_javascript_pass():
    registry = load_registry()
    results = [result for block in TESTS for result in run_texts(registry, ROUTER if is_of_the_router(block) else PROXY, block)]
    assert len(results) >= 7
    assert [(result.name, result.problems) for result in results if result.outcome != "passed"] == []


def write_first_test(directory):
    (directory / "proxy.js").write_text(PROXY, "utf-8")
    (directory / "proxy.test.js").write_text(TESTS[0], "utf-8")


def run(directory, *arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=directory, capture_output=True, check=False, timeout=300)
    return done.returncode, done.stdout.decode()


def test_the_first_test_prints_what_the_page_says(tmp_path):
    write_first_test(tmp_path)
    (step,) = read_steps(PAGE)
    code, printed = run(tmp_path, "pipy_core", *step.command.split()[1:])
    assert matches(step.expected, printed), printed
    assert code == 0


def test_the_failure_is_told_as_the_page_says(tmp_path):
    write_first_test(tmp_path)
    (tmp_path / "proxy.js").write_text(PROXY.replace("8080", "8081"), "utf-8")
    code, printed = run(tmp_path, "pipy_core", "test")
    (shown,) = blocks("text")
    for line in shown.splitlines():
        assert line in printed.splitlines()
    assert code == 1


def test_the_tests_in_python_pass(tmp_path):
    write_first_test(tmp_path)
    (example,) = blocks("python")
    (tmp_path / "test_proxy.py").write_text(example, "utf-8")
    code, printed = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    assert code == 0, printed
    assert f"{example.count('def test_') + TESTS[0].count('test(')} passed" in printed


@pytest.mark.parametrize("interface", ["PipyTest", "Port", "Client", "Stream", "Upstream", "UpstreamOptions", "Program", "Task"])
def test_the_page_names_everything_that_is_declared(interface):
    body = re.search(rf"interface {interface}(?: extends \w+)? \{{\n(.*?)\n\s*\}}\n", TYPINGS, re.DOTALL)[1]
    names = re.findall(r"^\s*(?:readonly )?(\w+)[(?:]", re.sub(r"/\*\*.*?\*/", "", body, flags=re.DOTALL), re.MULTILINE)
    assert names
    assert [name for name in names if not re.search(rf"\b{name}\b", PAGE)] == []
