"""What the filters that look at one type of event have in common."""

from typing import ClassVar

from pipy_core.api import FUNCTION, Event, Filter, Function, Param, Registry


class HandleEach(Filter):
    """Calls the script for every event of a type, then passes the event on."""

    kind: ClassVar[type]

    def __init__(self, callback: Function) -> None:
        self._callback = callback

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if type(event) is self.kind:
            self.host.call(self._callback, event)
        self.emit(event)


def register(registry: Registry, name: str, filter_type: type[Filter], what: str) -> None:
    """Offer a filter whose only parameter is the function it calls with *what*."""
    registry.add_filter(
        name,
        filter_type,
        [Param("callback", FUNCTION, f"called with {what}; what it returns is ignored")],
        help=f"Calls a function with {what} and passes everything on unchanged.",
        group="script",
    )
