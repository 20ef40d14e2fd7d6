"""Every target of the fuzzer runs and finds nothing in a moment; and what is planted is found."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from contrib.fuzz.properties import Property
from contrib.fuzz.run import fuzz, targets

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", targets())
def test_a_moment_of_each_target(name):
    assert fuzz(importlib.import_module(f"contrib.fuzz.{name}"), 0.3, batch=20) == []


def test_all_codecs_are_there():
    assert set(targets()) >= {"dubbo", "hessian", "http1", "mqtt", "xml"}


def test_what_is_wrong_is_found_and_told(tmp_path):
    def check(number):
        assert number < 1000, "too many"

    target = SimpleNamespace(__name__="planted", PROPERTIES=[Property("small", st.integers(), check)])
    [found] = fuzz(target, 5, folder=tmp_path)
    assert found.startswith("planted: small\n")
    assert "AssertionError: too many" in found
    assert "example=1000" in found


def test_the_command():
    run = subprocess.run(
        [sys.executable, "contrib/fuzz/run.py", "dubbo", "--seconds", "0.1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (run.returncode, run.stdout) == (0, "dubbo ...\n"), run.stderr
