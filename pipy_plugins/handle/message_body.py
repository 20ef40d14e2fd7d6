"""``handleMessageBody([sizeLimit,] callback)``: the script looks at each whole body."""

from pipy_core.api import Data, Head, Registry, hookimpl
from pipy_plugins.handle.whole import HandleWhole, register


class HandleMessageBody(HandleWhole):
    """Shows bodies, also empty ones."""

    name = "handleMessageBody"

    def show(self, head: Head | None, body: Data) -> None:
        """See ``HandleWhole``."""
        self.host.call(self._callback, body)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, HandleMessageBody, "the whole body of each message")
