"""``replaceMessageBody([sizeLimit,] [replacement])``: something else instead of the body of each message; its head and end pass."""

from pipy_core.api import Data, Event, Head, MessageStart, Registry, hookimpl
from pipy_plugins.replace.whole import ReplaceWhole, register


class ReplaceMessageBody(ReplaceWhole):
    """Replaces bodies, also empty ones."""

    name = "replaceMessageBody"
    tag = "replaceBody"

    def start(self, event: MessageStart) -> None:
        """See ``ReplaceWhole``."""
        self.emit(event)

    def finish(self, head: Head | None, body: Data, end: Event) -> None:
        """See ``ReplaceWhole``."""
        self.give(body)
        if not self._ended:
            self.emit(end)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, ReplaceMessageBody, "the whole body of each message")
