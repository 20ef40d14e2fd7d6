"""What all tests share: how hard Hypothesis looks, and which engine runs the scripts."""

import os
import signal

import pytest
import structlog
from hypothesis import HealthCheck, settings

from pipy_core.script import engines

# How long it takes says nothing here, and what is tried is the same each time and everywhere; who digs deeper tries his luck.
ANYWHERE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", ANYWHERE, max_examples=100, derandomize=True)
settings.register_profile("deep", ANYWHERE, max_examples=5000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

#: Tests that start a program hand this on to it; those that make an isolate themselves get what is preferred.
if os.environ.get("PIPY_ENGINE", "auto") != "auto":
    engines.PREFERENCE.sort(key=lambda name: name != os.environ["PIPY_ENGINE"])

# In the background of a shell, Ctrl-C is ignored, and so it would be by all programs that are started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = [f"pipy_core/script/{name}" for name, kind in engines.KINDS.items() if not kind.installed]


@pytest.fixture(autouse=True)
def log_as_before():
    """Commands that run in the process of the tests set up its log: the next test must not inherit that."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def signals_as_before():
    """Programs that run in the process of the tests take its signals: the next test must not inherit that, and Ctrl-C ends the tests."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in before.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)
