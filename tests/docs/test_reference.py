"""The reference is written from what plugins declare, and the pages in the repository are the latest."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "contrib" / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate_docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_in_the_repository_are_the_latest():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def docs(generate, tmp_path, monkeypatch):
    """A place for pages, with those that are written there."""
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    return tmp_path


def test_every_filter_has_a_page(generate, docs):
    assert {spec.name for spec in generate.built_in().filters()} == {path.stem for path in (docs / "filters").iterdir()}


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda docs: (docs / "filters.md").write_text("old"), id="old"),
        pytest.param(lambda docs: (docs / "filters" / "link.md").unlink(), id="missing"),
        pytest.param(lambda docs: (docs / "filters" / "gone.md").write_text("a filter that is no more"), id="left-over"),
    ],
)
def test_what_is_out_of_date_is_noticed_and_put_right(generate, docs, monkeypatch, capsys, harm):
    harm(docs)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert "is out of date: run generate.py" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 0
