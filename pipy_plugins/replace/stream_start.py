"""``replaceStreamStart([replacement])``: something else instead of the first event of the stream, of whatever type."""

from typing import Any

from pipy_core.api import Event, Registry, hookimpl
from pipy_plugins.replace.each import Replace, register


class ReplaceStreamStart(Replace):
    """Replaces the first event."""

    def __init__(self, replacement: Any, fixed: tuple[list[Event], bool]) -> None:
        super().__init__(replacement, fixed)
        self._started = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if self._started:
            self.emit(event)
        else:
            self._started = True
            self.give(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "replaceStreamStart", ReplaceStreamStart, "the first event of the stream")
