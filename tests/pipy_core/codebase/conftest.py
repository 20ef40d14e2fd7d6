"""Fixtures for tests of codebases that a server has."""

from collections.abc import Iterator

import pytest

from tests.pipy_core.codebase.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running
