"""dummy: nothing comes out."""

from hypothesis import given

from pipy_core.testing import check_filter, declared
from pipy_plugins import dummy
from pipy_plugins.dummy import Dummy
from tests.strategies import streams


@given(events=streams())
def test_nothing_comes_out(events):
    assert check_filter(Dummy, events, ends=False) == []


def test_it_is_declared():
    assert declared(dummy, "dummy").filter is Dummy
