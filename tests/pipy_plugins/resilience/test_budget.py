"""The budget of retries, against a model that remembers everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.resilience.budget import WINDOW, Budget


def test_a_share_of_the_requests():
    budget = Budget(20, 0)
    for _ in range(10):
        budget.deposit(100.0)
    assert [budget.withdraw(100.0) for _ in range(3)] == [True, True, False]


def test_a_few_in_any_case():
    budget = Budget(0, 0.3)
    assert [budget.withdraw(100.0) for _ in range(4)] == [True, True, True, False]
    assert budget.withdraw(100.0 + WINDOW)


def test_old_requests_count_no_longer():
    budget = Budget(100, 0)
    budget.deposit(100.0)
    assert not budget.withdraw(100.0 + WINDOW)


STEPS = st.lists(st.tuples(st.floats(0, 15), st.booleans()), max_size=60)


@given(STEPS, st.sampled_from([0, 10, 50, 100]), st.sampled_from([0, 0.1, 1]))
def test_never_more_than_it_says(steps, percent, per_second):
    budget = Budget(percent, per_second)
    now, requests, retries = 1000.0, [], []
    for pause, wants_retry in steps:
        now += pause
        recent = [[when for when in times if int(when) > int(now) - WINDOW] for times in (requests, retries)]
        if wants_retry:
            allowed = len(recent[1]) + 1 <= len(recent[0]) * percent / 100 + per_second * WINDOW
            assert budget.withdraw(now) is allowed
            if allowed:
                retries.append(now)
        else:
            budget.deposit(now)
            requests.append(now)


@pytest.mark.parametrize("jump", [1, WINDOW - 1, WINDOW, WINDOW + 1, 10**6])
def test_a_long_silence_is_cheap_and_right(jump):
    budget = Budget(100, 0)
    budget.deposit(5.0)
    assert budget.withdraw(5.0 + jump) is (jump < WINDOW)
