"""The memory of the process."""

import gc
import weakref

import pytest

from pipy_core.net.memory import COLLECT_AT, memory_in_use, settle_memory


class Knot:
    """Refers to itself, so that only the collector can find it."""

    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before():
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_the_memory_in_use_is_that_of_a_python_process():
    assert 5 << 20 < memory_in_use() < 64 << 30


def test_what_there_is_when_memory_settles_is_not_looked_at_again():
    settle_memory()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == COLLECT_AT


def test_what_has_become_garbage_since_goes_when_memory_settles_again():
    knot = Knot()
    settle_memory()
    seen = weakref.ref(knot)
    del knot
    gc.collect()
    assert seen() is not None
    settle_memory()
    assert seen() is None
