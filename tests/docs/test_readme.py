"""The proxy of the front page does what the front page says."""

import re
from pathlib import Path

import pytest

from tests.tutorial.console import read_steps
from tests.tutorial.workspace import Reader, Workspace

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def reader(workspace):
    reader = Reader(workspace)
    yield reader
    reader.abandon()


def test_a_proxy_in_one_minute(workspace, reader):
    script = re.search(r"^```js\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (workspace.directory / "proxy.js").write_text(workspace.moved(script[1]), "utf-8")
    steps = read_steps(README)
    assert steps
    for step in steps:
        reader.do(step)
    reader.finish()
