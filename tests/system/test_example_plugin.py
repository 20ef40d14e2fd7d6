"""A stranger's package, installed with pip beside Pipy: its filter and its class are there for scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.system.pipy_process import free_port

ROOT = Path(__file__).parents[2]

SCRIPT = """(sizes =>

pipy()
  .listen({port})
    .countBytes(size => console.log(`${{size}} bytes in, ${{sizes.observe(size)}} on average`))
    .serveHTTP(new Message('Hi, there!\\n'))

)(new algo.Ewma(0.2))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What a process needs to see the package. It goes to a directory of its own, so that the tests leave no trace of it."""
    source = shutil.copytree(ROOT / "contrib" / "example_plugin", tmp_path_factory.mktemp("source") / "example_plugin")
    target = tmp_path_factory.mktemp("site-packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=300)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH", "")]))}


def test_its_filter_and_its_class_are_usable_from_a_script(start_pipy, environment):
    port = free_port()
    pipy = start_pipy(SCRIPT.format(port=port), ports=[port], environment=environment)
    with urlopen(f"http://127.0.0.1:{port}/") as response:
        assert response.read() == b"Hi, there!\n"
    pipy.wait_for_log(r"\d+ bytes in, \d+ on average")


def test_it_is_listed(environment):
    listed = subprocess.run(
        [sys.executable, "-m", "pipy_core", "--list-filters"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "countBytes" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--help-filters=countBytes"], "t.logged('27 bytes in')", id="help"),
        pytest.param(["types"], "class Ewma", id="types"),
        pytest.param(["test", "contrib/example_plugin/src"], "1 passed", id="test"),
    ],
)
def test_its_example_and_its_types_are_found(environment, arguments, told):
    done = subprocess.run(
        [sys.executable, "-m", "pipy_core", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, told in done.stdout) == (0, True), done.stdout + done.stderr
