"""What all tests share: how hard Hypothesis looks, and what can be tested where there is no V8."""

import importlib.util
import os

import pytest
import structlog
from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=100)
settings.register_profile("deep", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore: list[str] = []
if importlib.util.find_spec("py_mini_racer") is None:
    # A platform without a build of V8: everything that runs no script is tested all the same.
    collect_ignore += [
        "conformance",
        "docs",
        "pipy_core/script",
        "pipy_core/trial",
        "pipy_core/test_app.py",
        "pipy_core/test_cli.py",
        "pipy_core/test_worker.py",
        "system",
        "tutorial",
    ]


@pytest.fixture(autouse=True)
def log_as_before():
    """Commands that run in the process of the tests set up its log: the next test must not inherit that."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
