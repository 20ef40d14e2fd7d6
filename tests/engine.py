"""Which engine runs the scripts of these tests, for the few expectations in which engines differ: their own words, and columns."""

from typing import TypeVar

import pytest

from pipy_core.script import engines

T = TypeVar("T")

ENGINE = next(name for name in engines.PREFERENCE if engines.KINDS[name].installed)


def by_engine(*, v8: T, quickjs: T) -> T:
    """What is expected of the engine that is used here."""
    return {"v8": v8, "quickjs": quickjs}[ENGINE]


def needs(name: str, reason: str) -> pytest.MarkDecorator:
    """A test of what only the engine called *name* has."""
    return pytest.mark.skipif(name != ENGINE, reason=reason)
