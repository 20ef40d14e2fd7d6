"""``handleMessage([sizeLimit,] callback)``: the script looks at each whole message."""

from pipy_core.api import Data, Head, Message, Registry, hookimpl
from pipy_plugins.handle.whole import HandleWhole, register


class HandleMessage(HandleWhole):
    """Shows messages."""

    name = "handleMessage"

    def show(self, head: Head | None, body: Data) -> None:
        """See ``HandleWhole``."""
        self.host.call(self._callback, Message(head, body))


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, HandleMessage, "each whole Message")
