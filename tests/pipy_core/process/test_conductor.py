"""What a worker asks of its conductor is what both conductors have."""

import inspect

import pytest

from pipy_core.process.alone import Alone
from pipy_core.process.conductor import Conductor
from pipy_core.process.supervised import Supervised

METHODS = {name: method for name, method in vars(Conductor).items() if inspect.isfunction(method) and not name.startswith("_")}


def test_there_are_some():
    assert "begin" in METHODS
    assert "finish" in METHODS


@pytest.mark.parametrize("kind", [Alone, Supervised])
@pytest.mark.parametrize("name", METHODS)
def test_both_have_them(kind, name):
    assert inspect.signature(getattr(kind, name)) == inspect.signature(METHODS[name])
