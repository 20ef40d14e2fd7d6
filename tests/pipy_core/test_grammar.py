"""The table: complete, and a step that is illegal changes nothing."""

import pytest
from hypothesis import given

from pipy_core.events import END, EOS, Data, MessageStart
from pipy_core.grammar import TRANSITIONS, Grammar, GrammarError, State
from tests.strategies import messages, streams

START = MessageStart()
DATA = Data(b"x")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.OUTSIDE),
        ([DATA, Data()], State.OUTSIDE),
        ([START, DATA], State.INSIDE),
        ([START, END], State.OUTSIDE),
        ([START, DATA, END, START], State.INSIDE),
        ([EOS], State.ENDED),
        ([START, DATA, EOS], State.ENDED),
    ],
)
def test_legal(events, state):
    grammar = Grammar()
    for event in events:
        grammar.follow(event)
    assert grammar.state is state


@pytest.mark.parametrize(
    ("events", "illegal", "message"),
    [
        ([], END, "MessageEnd outside of a message"),
        ([START], START, "MessageStart inside a message"),
        ([EOS], DATA, "Data behind its end"),
        ([EOS], EOS, "StreamEnd behind its end"),
        ([START, EOS], END, "MessageEnd behind its end"),
    ],
)
def test_illegal_changes_nothing(events, illegal, message):
    grammar = Grammar()
    for event in events:
        grammar.follow(event)
    before = grammar.state
    with pytest.raises(GrammarError, match=message):
        grammar.follow(illegal)
    assert grammar.state is before


def test_every_state_is_in_the_table():
    assert set(TRANSITIONS) == set(State)


@given(events=streams(cut=False), message=messages())
def test_messages_can_stand_behind_any_stream_that_has_not_ended(events, message):
    grammar = Grammar()
    for event in [event for event in events if event != EOS and not hasattr(event, "error")] + message:
        grammar.follow(event)
    assert grammar.state is State.OUTSIDE
