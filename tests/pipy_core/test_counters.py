"""Counting, and how it is shown."""

import pytest

from pipy_core import counters
from pipy_core.counters import MAX_SERIES, OTHER, Book, Figure, Tally, bucket_samples
from pipy_core.figures import Family

HITS = Figure("hits_total", "counter", "Hits.", ("path",))
LEVEL = Figure("level", "gauge", "Level.", over="max")
WAITS = Figure("waits_seconds", "histogram", "Waits.", ("path",), (0.1, 1.0))


@pytest.fixture
def book():
    return Book()


def shown(book):
    return {each.name: list(each.samples) for each in book.families()}


def test_counters(book):
    book.counter(HITS).add(1, "/a")
    book.counter(HITS).add(2, "/a")
    book.counter(HITS).add(1, "/b")
    assert list(book.families()) == [
        Family("hits_total", "counter", "Hits.", [("", (("path", "/a"),), 3), ("", (("path", "/b"),), 1)])
    ]


def test_gauges(book):
    gauge = book.gauge(LEVEL)
    assert list(book.families()) == [Family("level", "gauge", "Level.", [("", (), 0)], "max")]
    gauge.set(5)
    gauge.add(-2)
    assert shown(book) == {"level": [("", (), 3)]}
    gauge.forget()
    assert shown(book) == {"level": [("", (), 0)]}


def test_histograms(book):
    histogram = book.histogram(WAITS)
    assert shown(book) == {"waits_seconds": []}
    for value in (0.1, 0.11, 1.0, 7):
        histogram.observe(value, "/")
    path = ("path", "/")
    assert shown(book)["waits_seconds"] == [
        ("_bucket", (path, ("le", "0.1")), 1),
        ("_bucket", (path, ("le", "1")), 3),
        ("_bucket", (path, ("le", "+Inf")), 4),
        ("_sum", (path,), pytest.approx(8.21)),
        ("_count", (path,), 4),
    ]


def test_what_is_declared_is_shown_before_it_counts(book):
    for figure in (HITS, LEVEL, WAITS):
        book.declare(figure)
    assert shown(book) == {"hits_total": [], "level": [("", (), 0)], "waits_seconds": []}


def test_labels_that_a_stranger_chooses_are_bounded(book):
    for number in range(MAX_SERIES + 50):
        book.counter(HITS).add(1, str(number))
        book.histogram(WAITS).observe(1, str(number))
    assert len(book.counter(HITS).values) == len(book.histogram(WAITS).cells) == MAX_SERIES + 1
    assert book.counter(HITS).values[OTHER,] == 50
    assert sum(book.counter(HITS).values.values()) == MAX_SERIES + 50
    book.counter(HITS).add(1, "7")
    assert book.counter(HITS).values["7",] == 2


def test_listeners_are_bounded(book, monkeypatch):
    monkeypatch.setattr(counters, "MAX_SERIES", 2)
    tallies = [book.tally(name) for name in "abcda"]
    assert [each.name for each in tallies] == ["a", "b", OTHER, OTHER, "a"]
    assert tallies[2] is tallies[3]
    assert tallies[0] is tallies[4]


def test_a_tally_of_requests():
    tally = Tally("here")
    tally.answered(200, 0.0004)
    tally.answered(204, 2.0)
    tally.answered(499, 60.5)
    tally.answered(999, 0.0)
    assert (tally.statuses[200], tally.statuses[204], tally.statuses[499], tally.statuses[999]) == (1, 1, 1, 1)
    assert sum(tally.buckets) == 4
    assert tally.buckets[0] == 2
    assert tally.buckets[counters.SECONDS.index(2.5)] == 1
    assert tally.buckets[-1] == 1
    assert tally.duration == pytest.approx(62.5004)


@pytest.mark.parametrize("seconds", [*counters.SECONDS, 0.0, 0.00051, 61])
def test_the_bucket_is_the_first_that_is_not_exceeded(seconds):
    tally = Tally("here")
    tally.answered(200, seconds)
    expected = sum(bound < seconds for bound in counters.SECONDS)
    assert tally.buckets[expected] == 1


def test_refusals():
    tally = Tally("here")
    for cause in ("connections", "header timeout", "connections"):
        tally.refuse(cause)
    assert tally.refused == {"connections": 2, "header timeout": 1}


def test_everybody_is_told_who_logs_requests(book):
    before = book.tally("a")
    assert before.log is None
    book.log_requests(print)
    assert before.log is print
    assert book.tally("b").log is print
    book.log_requests(None)
    assert book.tally("b").log is None


def test_buckets_are_sums_from_below():
    assert list(bucket_samples((), (1.0,), [2, 3], 9.5)) == [
        ("_bucket", (("le", "1"),), 2),
        ("_bucket", (("le", "+Inf"),), 5),
        ("_sum", (), 9.5),
        ("_count", (), 5),
    ]
