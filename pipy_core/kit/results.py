"""What a value given by a script means as events (spec: model.md, 7.2). Pure functions."""

from typing import Any, Final

from pipy_core.context import UNDEFINED
from pipy_core.events import Data, Event, Message, MessageEnd, MessageStart, StreamEnd

#: What the log says about a value that means nothing; the component is ``filter``.
NOT_AN_EVENT: Final = "not an Event object"

_EVENTS: Final = (Data, MessageStart, MessageEnd, StreamEnd)


def expand(value: Any) -> tuple[list[Event], bool]:
    """The events that *value* stands for, and whether all of it was valid.

    ``undefined`` and ``null`` are nothing, an event is itself, a Message its events, an array what its elements are, up to the
    first one that is not valid. Arrays in arrays are not valid.
    """
    if isinstance(value, list):
        events: list[Event] = []
        for element in value:
            more = None if isinstance(element, list) else _one(element)
            if more is None:
                return events, False
            events += more
        return events, True
    given = _one(value)
    return ([], False) if given is None else (given, True)


def _one(value: Any) -> list[Event] | None:
    if isinstance(value, _EVENTS):
        return [value]
    if isinstance(value, Message):
        return value.events()
    if value is None or value is UNDEFINED:
        return []
    return None
