"""The proxy of the front page does what the front page says."""

import re
from pathlib import Path

import pytest

from tests.tutorial.console import read_steps
from tests.tutorial.workspace import Reader, Workspace

README_PATH = Path(__file__).parents[2] / "README.md"
README = README_PATH.read_text("utf-8")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def reader(workspace):
    reader = Reader(workspace)
    yield reader
    reader.abandon()


def test_what_is_run_for_every_change_are_the_tests_as_the_front_page_says():
    (command,) = re.findall(r"^```sh\n(.*pytest)\n```$", README, re.MULTILINE)
    assert f"{{ {command}; }}" in (README_PATH.parent / ".ci" / "run").read_text("utf-8")


def test_a_proxy_in_one_minute(workspace, reader):
    script, its_test = re.findall(r"^```js\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (workspace.directory / "proxy.js").write_text(workspace.moved(script), "utf-8")
    (workspace.directory / "proxy.test.js").write_text(workspace.moved(its_test), "utf-8")
    steps = read_steps(README)
    assert steps
    for step in steps:
        reader.do(step)
    reader.finish()
