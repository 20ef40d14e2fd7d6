"""``handleStreamStart(callback)``: the script looks at the first event of the stream, of whatever type."""

from pipy_core.api import Event, Filter, Function, Registry, hookimpl
from pipy_plugins.handle.each import register


class HandleStreamStart(Filter):
    """Calls the script for the first event."""

    def __init__(self, callback: Function) -> None:
        self._callback = callback
        self._started = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if not self._started:
            self._started = True
            self.host.call(self._callback, event)
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleStreamStart", HandleStreamStart, "the first event of the stream")
