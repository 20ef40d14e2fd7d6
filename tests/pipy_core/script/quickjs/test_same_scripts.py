"""The tests of scripts, and a selection of the conformance cases, once more with QuickJS. All of them: ``PIPY_ENGINE=quickjs pytest``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine import ENGINE

ROOT = Path(__file__).parents[4]
SCRIPTS = ROOT / "tests" / "pipy_core" / "script"
CASES = ROOT / "tests" / "conformance" / "cases"
#: What may depend on the engine: loading, errors, contexts, values that cross, the end.
SELECTED = (
    "api/url*",
    "api/xml*",
    "cli/reload*",
    "contexts/*",
    "errors/exception*",
    "errors/missing*",
    "errors/syntax-error",
    "errors/unresolved-name",
    "errors/wrong-argument-type",
    "message-filters/handle*",
    "message-filters/replace*",
    "quickstart/*",
)

pytestmark = pytest.mark.skipif(ENGINE == "quickjs", reason="all tests are run with QuickJS anyway")


def run(*command):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PIPY_ENGINE": "quickjs"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"\n{done.stdout[-20000:]}{done.stderr[-5000:]}", pytrace=False)
    return done.stdout


def test_the_tests_of_scripts():
    others = [f"--ignore={SCRIPTS / name}" for name in ("quickjs", "v8")]
    assert " passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", *others, SCRIPTS)


def test_conformance():
    cases = [case for pattern in SELECTED for case in sorted(CASES.glob(f"{pattern}.case"))]
    assert len(cases) > 40
    assert f"{len(cases)} passed, 0 failed" in run(
        "tests/conformance/run.py", "--jobs", "3", "--pipy", f"{sys.executable} -m pipy_core", *cases
    )
