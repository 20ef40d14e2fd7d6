"""Running tests of a script, both given as text, with the plugins loaded once."""

import pytest

from pipy_core.settings import Settings
from pipy_core.trial.runner import load_registry, run_texts


@pytest.fixture(scope="session")
def registry():
    return load_registry()


@pytest.fixture
def outcome(registry):
    """``outcome(script, body)``: the result of one test with this body."""

    def run(script, body, files=(), settings=None):
        (result,) = run_texts(registry, script, f"test('it', async t => {{\n{body}\n}})", files, settings or Settings())
        return result

    return run


@pytest.fixture
def passes(outcome):
    """The test with this body passes."""

    def check(script, body, files=()):
        result = outcome(script, body, files)
        assert result.problems == []
        assert result.outcome == "passed"
        return result

    return check


@pytest.fixture
def fails(outcome):
    """The test with this body fails; gives its problems."""

    def check(script, body, files=(), settings=None):
        result = outcome(script, body, files, settings)
        assert result.outcome == "failed"
        return result.problems

    return check
