"""How a stream was answered."""

import pytest

from pipy_core.events import END, EOS, FLUSH, Data, Failure, Head, MessageStart, StreamEnd
from pipy_plugins.resilience.outcome import Judge, Outcome, method_of, status_of


def start(status):
    return MessageStart(Head({"status": status}))


@pytest.mark.parametrize(
    ("events", "at", "outcome", "bad"),
    [
        ([start(200)], 1, Outcome(200), False),
        ([start(404)], 1, Outcome(404), False),
        ([FLUSH, start(200), Data(b"x"), END], 2, Outcome(200), False),
        ([start(500), END], 2, Outcome(500), True),
        ([start(500), Data(b"x")], 2, Outcome(500), True),
        ([start(502), StreamEnd(Failure.CONNECTION_REFUSED)], 2, Outcome(502, Failure.CONNECTION_REFUSED), True),
        ([start(502), StreamEnd(Failure.RUNTIME_ERROR)], 2, Outcome(502, Failure.RUNTIME_ERROR), False),
        ([StreamEnd(Failure.CONNECTION_TIMEOUT)], 1, Outcome(0, Failure.CONNECTION_TIMEOUT), True),
        ([Data(b"x"), StreamEnd(Failure.CONNECTION_RESET)], 1, Outcome(0), False),
        ([EOS], 1, Outcome(0), False),
        ([MessageStart(None)], 1, Outcome(0), False),
    ],
)
def test_outcomes(events, at, outcome, bad):
    judge = Judge()
    seen = [judge.look(event) for event in events]
    assert seen == [None] * (at - 1) + [outcome] + [None] * (len(events) - at)
    assert outcome.bad is bad


def test_words():
    assert Outcome(503).words == "status 503"
    assert Outcome(502, Failure.CONNECTION_RESET).words == "ConnectionReset"


@pytest.mark.parametrize(
    ("fields", "status"), [({"status": 200}, 200), ({"status": 200.0}, 200), ({"status": "200"}, 0), ({"status": True}, 0), ({}, 0)]
)
def test_the_status_may_be_anything(fields, status):
    assert status_of(Head(fields)) == status


@pytest.mark.parametrize(("head", "method"), [(Head({"method": "PUT"}), "PUT"), (Head({"method": 7}), "GET"), (None, "GET")])
def test_so_may_the_method(head, method):
    assert method_of(head) == method
