"""Token buckets against a model that counts tokens one by one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.resilience import bucket as module
from pipy_plugins.resilience.bucket import Buckets


def test_a_burst_and_then_the_rate():
    buckets = Buckets(2.0, 3.0)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) == pytest.approx(0.5)


def test_keys_have_a_bucket_each():
    buckets = Buckets(1.0, 1.0)
    assert [buckets.take(key, 0.0) for key in ("a", "b", "a")] == [0, 0, 1.0]


def test_who_is_refused_pays_nothing():
    buckets = Buckets(1.0, 1.0)
    buckets.take("a", 0.0)
    for _ in range(100):
        assert buckets.take("a", 0.5) > 0
    assert buckets.take("a", 1.0) == 0


def test_full_buckets_are_forgotten():
    buckets = Buckets(1.0, 1.0)
    for number in range(1000):
        buckets.take(number, float(number * 10))
    assert len(buckets) < 3


def test_there_is_an_end_to_the_number_of_keys(monkeypatch):
    monkeypatch.setattr(module, "MOST_KEYS", 100)
    buckets = Buckets(0.001, 1.0)
    for number in range(1000):
        buckets.take(number, 0.0)
    assert len(buckets) == 100
    assert buckets.take(999, 0.0) > 0
    assert buckets.take(0, 0.0) == 0  # forgotten


@given(st.lists(st.integers(0, 40), max_size=80), st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 10]))
def test_as_a_bucket_that_is_counted(pauses, rate, burst):
    buckets = Buckets(float(rate), float(burst))
    tokens, now = Fraction(burst), Fraction(1000)
    for pause in pauses:
        now += Fraction(pause, 20)
        tokens = min(Fraction(burst), tokens + Fraction(pause, 20) * rate)
        wait = buckets.take("k", float(now))
        assert (wait == 0) is (tokens >= 1)
        if wait == 0:
            tokens -= 1
        else:
            assert wait == pytest.approx(float((1 - tokens) / rate), abs=1e-6)
