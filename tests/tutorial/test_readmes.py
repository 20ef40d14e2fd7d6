"""What the READMEs of the tutorial promise is what happens: each is followed like a reader would, on real sockets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tutorial.console import read_steps, tutorials
from tests.tutorial.workspace import SOURCE, Reader, Workspace

TUTORIALS = tutorials(SOURCE)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader with a copy of the tutorials, whose programs end with the test."""
    reader = Reader(Workspace(tmp_path))
    yield reader
    reader.abandon()


def test_the_tutorials_are_numbered_without_gaps():
    assert [path.name[:2] for path in TUTORIALS] == [f"{number:02}" for number in range(1, len(TUTORIALS) + 1)]
    assert len(TUTORIALS) >= 20


@pytest.mark.parametrize("directory", TUTORIALS, ids=lambda path: path.name)
def test_does_what_the_readme_says(directory, reader):
    steps = read_steps((directory / "README.md").read_text("utf-8"))
    assert any(step.command.startswith("curl ") for step in steps)
    for step in steps:
        reader.do(step)
    reader.finish()


@pytest.mark.parametrize("directory", TUTORIALS, ids=lambda path: path.name)
def test_every_script_shown_is_the_script_that_runs(directory):
    """A file is shown whole, in a block below a line that is its name in back quotes and a colon."""
    readme = (directory / "README.md").read_text("utf-8")
    shown = re.findall(r"^`([\w./-]+\.js(?:on)?)`:\n\n```js(?:on)?\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert shown
    for name, text in shown:
        assert text == (directory / name).read_text("utf-8"), f"{name} differs from what the README shows"
