"""``fork(target [, initializers])``: sub-pipelines get copies of all events; what they make of them goes nowhere.

What goes wrong in a fork stays in the fork. An event goes into the forks first, then on.
"""

from typing import Any

from pipy_core.api import (
    ARRAY,
    FUNCTION,
    OBJECT,
    PIPELINE,
    Branch,
    Context,
    Data,
    Event,
    Filter,
    MessageStart,
    OneOf,
    Param,
    Registry,
    Target,
    get_logger,
    hookimpl,
    ignore,
)


class Fork(Filter):
    """Copies events to one sub-pipeline per initializer.

    :param initializers: None: one sub-pipeline, in this context. Else one per element, each in a copy of this context with the
        properties of the element assigned: see ``Host.fork_contexts``.
    """

    joins = "fork"

    def __init__(self, target: Target, initializers: Any = None) -> None:
        self._target = target
        self._initializers = initializers
        self._branches: list[Branch] | None = None  # None: not begun

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._branches is None:
            self._branches = []
            self._branches += [self.host.join(self._target, ignore, context) for context in self._contexts()]
        for branch in self._branches:
            branch.feed(_copy(event))
        self.emit(event)

    def close(self) -> None:
        """See ``Filter``."""
        for branch in self._branches or ():
            branch.close()

    def _contexts(self) -> list[Context]:
        if self._initializers is None:
            return [self.host.context]
        try:
            return self.host.fork_contexts(self._initializers)
        except TypeError:
            get_logger("fork").error("invalid initializer list")
            return []


def _copy(event: Event) -> Event:
    """Scripts may tell the copy's Data from the original's; its bytes, and the head of a message, are the same."""
    if type(event) is Data:
        return Data(event.payload)
    if type(event) is MessageStart:
        return MessageStart(event.head)
    return event


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "fork",
        Fork,
        [
            Param("target", PIPELINE, "the sub-pipeline"),
            Param(
                "initializers",
                OneOf((FUNCTION, ARRAY, OBJECT)),
                "variables of the fork: an object, or one object for each of several forks, or a function that gives an array",
                default=None,
            ),
        ],
        help="Sends a copy of all events through a sub-pipeline, or through several with variables of their own, and passes the "
        "events on unchanged. What the sub-pipelines give out is dropped.",
        group="joint",
    )
