"""``replaceData([replacement])``: something else instead of each piece of data. Empty Data, which only asks for a flush, passes."""

from pipy_core.api import Data, Event, Registry, hookimpl
from pipy_plugins.replace.each import ReplaceEach, register


class ReplaceData(ReplaceEach):
    """Replaces each Data that is not empty."""

    kind = Data

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if type(event) is Data and event.payload:
            self.give(event)
        else:
            self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "replaceData", ReplaceData, "each Data that is not empty")
