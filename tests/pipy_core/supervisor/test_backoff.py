"""How long a place stays empty."""

from hypothesis import given
from hypothesis import strategies as st

from pipy_core.supervisor.backoff import LONGEST, STEADY, Backoff


def test_the_first_is_replaced_at_once_and_then_it_takes_longer_and_longer():
    backoff = Backoff()
    assert [backoff.delay(0.1) for _ in range(8)] == [0, 0.25, 0.5, 1, 2, 4, 8, 10]


def test_one_that_has_run_well_is_forgiven():
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(1)
    assert [backoff.delay(STEADY), backoff.delay(1)] == [0, 0.25]


@given(st.lists(st.floats(0, 2 * STEADY), max_size=50))
def test_it_is_never_longer_than_the_longest(times):
    backoff = Backoff()
    assert all(0 <= backoff.delay(each) <= LONGEST for each in times)


def test_it_goes_on_for_ever():
    assert Backoff(ends=100_000).delay(0) == LONGEST
