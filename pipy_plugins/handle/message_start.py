"""``handleMessageStart(callback)``: the script looks at the head of each message."""

from pipy_core.api import Event, MessageStart, Registry, hookimpl
from pipy_plugins.handle.each import HandleEach, register


class HandleMessageStart(HandleEach):
    """Calls the script for each MessageStart."""

    kind = MessageStart

    def process(self, event: Event) -> None:
        """See ``Filter``. What the next filter asks of the script for a first MessageStart is asked in the same crossing."""
        ahead, self.ahead = self.ahead, ()
        if type(event) is MessageStart:
            self.host.call(self._callback, event, ahead=ahead)
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleMessageStart", HandleMessageStart, "each MessageStart")
