"""What all filters that replace have in common, and what those that replace one type of event do."""

from functools import partial
from typing import Any, ClassVar

from pipy_core.api import (
    ANY,
    NOT_AN_EVENT,
    UNDEFINED,
    Event,
    Filter,
    Function,
    Make,
    Param,
    Registry,
    StreamEnd,
    expand,
    get_logger,
)

_log = get_logger("filter")


class Replace(Filter):
    """Gives out what the script wants instead. Once that was a StreamEnd, everything else is dropped.

    :param replacement: a script function, or the value itself.
    :param fixed: what the value stands for; not used for a function.
    """

    def __init__(self, replacement: Any, fixed: tuple[list[Event], bool]) -> None:
        self._replacement = replacement
        self._fixed = fixed
        self._ended = False

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``. The first argument is the replacement; a constant one is looked at once, here."""
        return partial(cls, args[0], ([], True) if type(args[0]) is Function else expand(args[0]), *args[1:])

    def give(self, *given: Any) -> None:
        """Emit the replacement; a function is called with what is *given*."""
        if type(self._replacement) is Function:
            events, valid = expand(self.host.call(self._replacement, *given))
        else:
            events, valid = self._fixed
        for event in events:
            if self._ended:
                return
            self._ended = type(event) is StreamEnd
            self.emit(event)
        if not valid:
            _log.error(NOT_AN_EVENT)


class ReplaceEach(Replace):
    """Replaces every event of a type."""

    kind: ClassVar[type]

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if type(event) is self.kind:
            self.give(event)
        else:
            self.emit(event)


def replacement(what: str) -> Param:
    """The parameter that says what comes instead."""
    return Param(
        "replacement", ANY, f"an event, a Message, an array of such, or a function that gives one for {what}", default=UNDEFINED
    )


def register(registry: Registry, name: str, filter_type: type[Filter], what: str) -> None:
    """Offer a filter whose only parameter is what comes instead of *what*."""
    registry.add_filter(
        name,
        filter_type,
        [replacement(what)],
        help=f"Replaces {what} by an event, a Message or an array of such, or by what a function makes of it. Without an argument "
        "it is dropped.",
        group="script",
    )
