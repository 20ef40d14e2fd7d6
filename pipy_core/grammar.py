"""Which event may follow which, as a table. Knows no bytes and no filters.

Scripts may break it (``replaceMessageEnd()`` without an argument leaves messages open) and filters must bear that; what filters may
not do is break it by themselves: a legal stream that goes in comes out legal.
"""

from enum import Enum
from typing import Final

from pipy_core.events import Data, Event, MessageEnd, MessageStart, StreamEnd


class State(Enum):
    """Where a stream is."""

    OUTSIDE = "outside of a message"
    INSIDE = "inside a message"
    ENDED = "behind its end"


#: From a state, with an event, to a state. What is not here is illegal. A stream may end inside a message: it was cut short.
TRANSITIONS: Final[dict[State, dict[type, State]]] = {
    State.OUTSIDE: {Data: State.OUTSIDE, MessageStart: State.INSIDE, StreamEnd: State.ENDED},
    State.INSIDE: {Data: State.INSIDE, MessageEnd: State.OUTSIDE, StreamEnd: State.ENDED},
    State.ENDED: {},
}


class GrammarError(AssertionError):
    """An event stands where it may not. Whoever emitted it has a bug."""


class Grammar:
    """One stream, followed event by event."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State.OUTSIDE

    def follow(self, event: Event) -> None:
        """Take *event* as the next one of the stream.

        :raises GrammarError: it may not come here; the state is as it was.
        """
        following = TRANSITIONS[self.state].get(type(event))
        if following is None:
            raise GrammarError(f"{type(event).__name__} {self.state.value}")
        self.state = following
