"""Hypothesis strategies: streams that are legal under ``pipy_core.grammar``."""

from hypothesis import strategies as st

from pipy_core.events import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Grammar

#: Heads of the kinds that matter to most filters: none, an empty one, one with something in it.
HEADS = st.sampled_from([None, {}, {"method": "GET", "path": "/", "headers": {"host": "h"}}])


def datas(max_size: int = 12) -> st.SearchStrategy[Event]:
    """A piece of data, empty (a flush) now and then."""
    return st.binary(max_size=max_size).map(Data)


@st.composite
def messages(draw: st.DrawFn, max_pieces: int = 3) -> list[Event]:
    """A whole message."""
    fields = draw(HEADS)
    head = None if fields is None else Head(dict(fields))
    return [MessageStart(head), *draw(st.lists(datas(), max_size=max_pieces)), END]


@st.composite
def streams(
    draw: st.DrawFn, *, ended: bool | None = None, cut: bool = True, beside: bool = True, errors: bool = True
) -> list[Event]:
    """A stream of messages, and of data beside them.

    :param ended: whether it ends; either unless given.
    :param cut: whether it may end inside a message.
    :param beside: whether there may be data outside of messages.
    :param errors: whether it may end with an error.
    """
    events: list[Event] = []
    for number in range(draw(st.integers(0, 3))):
        if beside and draw(st.booleans()):
            events += draw(st.lists(datas(), max_size=3))
        if number or draw(st.booleans()):
            events += draw(messages())
    if draw(st.booleans()) if ended is None else ended:
        if cut and draw(st.booleans()):
            events += [MessageStart(), *draw(st.lists(datas(), max_size=2))]
        events.append(draw(st.sampled_from(Failure).map(StreamEnd)) if errors else EOS)
    grammar = Grammar()
    for event in events:
        grammar.follow(event)
    return events
