"""What has happened between two scrapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.console.sample import Sample, Span, quantile

TEXT = """\
# TYPE hits_total counter
hits_total{{listener="a",code="2xx"}} {good}
hits_total{{listener="a",code="5xx"}} 1
hits_total{{listener="b",code="2xx"}} 5
# TYPE waits histogram
waits_bucket{{listener="a",le="0.1"}} {fast}
waits_bucket{{listener="a",le="+Inf"}} {all}
waits_sum{{listener="a"}} 3
waits_count{{listener="a"}} {all}
"""


def sample(at, good=1, fast=0, every=0):
    return Sample.of(TEXT.format(good=good, fast=fast, all=every), at)


def test_sums():
    found = sample(0.0, 3)
    assert found.sum("hits_total") == 9
    assert found.sum("hits_total", listener="a") == 4
    assert found.sum("hits_total", listener="a", code="2xx") == 3
    assert found.sum("nothing") == 0
    assert found.values("listener") == ["a", "b"]


def test_rates():
    span = Span(sample(10.0, 3), sample(12.0, 9))
    assert span.rate("hits_total") == 3.0
    assert span.rate("hits_total", listener="b") == 0.0
    assert Span(None, sample(12.0, 9)).rate("hits_total") == 0.0


def test_a_counter_that_has_begun_again():
    assert Span(sample(0.0, 100), sample(1.0, 4)).count("hits_total", listener="a", code="2xx") == 4


def test_quantiles():
    span = Span(sample(0.0, fast=10, every=10), sample(1.0, fast=20, every=20))
    assert span.quantiles("waits", (0.5, 1.0), listener="a") == [pytest.approx(0.05), pytest.approx(0.1)]
    assert span.quantiles("waits", (0.5,), listener="b") == [None]
    assert span.quantiles("nothing", (0.5,)) == [None]


@pytest.mark.parametrize(
    ("wanted", "below", "value"),
    [
        (0.5, [0, 0, 0], None),
        (0.5, [10, 10, 10], 0.5),
        (0.5, [0, 10, 10], 1.5),
        (0.99, [0, 0, 10], 2.0),
        (1.0, [5, 10, 10], 2.0),
    ],
)
def test_quantiles_are_those_of_prometheus(wanted, below, value):
    assert quantile(wanted, [1.0, 2.0, float("inf")], below) == value


@given(st.lists(st.integers(0, 50), min_size=3, max_size=3), st.floats(0.01, 1), st.floats(0.01, 1))
def test_larger_shares_have_larger_values(counts, one, other):
    below = [sum(counts[: index + 1]) for index in range(3)]
    low, high = (quantile(share, [1.0, 2.0, float("inf")], below) for share in sorted((one, other)))
    if below[-1]:
        assert 0 <= low <= high <= 2
    else:
        assert low is high is None


def test_what_is_no_scrape():
    with pytest.raises(ValueError, match="could not convert"):
        Sample.of("nonsense{", 0.0)
