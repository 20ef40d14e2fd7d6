"""The wheel has everything in it: installed in an empty environment, away from the source, it runs steps of the tutorial."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.tutorial.console import read_steps
from tests.tutorial.workspace import SOURCE, Reader, Workspace

ROOT = Path(__file__).parents[2]
STEPS = ["08-load-balancing-improved", "19-load-balancing-advanced"]


def run(*command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is left beside the source, and nothing that was left there gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pipy_core", "pipy_plugins"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", str(folder / "dist"), str(folder))
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment that has the wheel, and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return interpreter


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_steps_of_the_tutorial_run_from_it(name, python, tmp_path):
    reader = Reader(Workspace(tmp_path), python)
    try:
        for step in read_steps((SOURCE / name / "README.md").read_text("utf-8")):
            reader.do(step)
        reader.finish()
    finally:
        reader.abandon()


@pytest.mark.slow
def test_it_has_tests_for_scripts_types_and_help(python, tmp_path):
    surroundings = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": ""}}
    shutil.copy(SOURCE / "01-hello" / "hello.js", tmp_path)
    (tmp_path / "hello.test.js").write_text(
        "test('says hi', async t => t.match((await t.port(8080).request()).body, 'Hi, there!'))\n"
    )
    assert "1 passed" in run(python, "-m", "pipy_core", "test", **surroundings)
    assert "serveHTTP(handler" in run(python, "-m", "pipy_core", "types", **surroundings)
    explained = run(python, "-m", "pipy_core", "--help-filters=acceptTLS", **surroundings)
    assert ".acceptTLS('inside'" in explained, "its example comes with it"
