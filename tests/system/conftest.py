"""Fixtures for tests on real sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.system.pipy_process import PipyProcess


@pytest.fixture
def start_pipy(tmp_path: Path) -> Iterator[Callable[..., PipyProcess]]:
    """Start programs that end with the test: ``start_pipy(script, ports=[...])``, see ``PipyProcess`` for the rest."""
    with ExitStack() as running:

        def start(script: str | Path, **settings: Any) -> PipyProcess:
            return running.enter_context(PipyProcess(script, **{"directory": tmp_path, **settings}))

        yield start
