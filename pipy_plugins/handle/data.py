"""``handleData(callback)``: the script looks at each piece of data as it comes, but not at empty Data, which asks for a flush."""

from pipy_core.api import Data, Event, Registry, hookimpl
from pipy_plugins.handle.each import HandleEach, register


class HandleData(HandleEach):
    """Calls the script for each Data that is not empty."""

    kind = Data

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if type(event) is Data and event.payload:
            self.host.call(self._callback, event)
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleData", HandleData, "each Data that is not empty")
