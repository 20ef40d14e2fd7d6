"""``replaceMessage([sizeLimit,] [replacement])``: something else instead of each whole message.

The end of a stream inside a message ends that message, and is itself kept back: the replacement stands for both.
"""

from pipy_core.api import Data, Event, Head, Message, MessageStart, Registry, hookimpl
from pipy_plugins.replace.whole import ReplaceWhole, register


class ReplaceMessage(ReplaceWhole):
    """Replaces messages."""

    name = tag = "replaceMessage"

    def start(self, event: MessageStart) -> None:
        """See ``ReplaceWhole``. Nothing of the message is passed on."""

    def finish(self, head: Head | None, body: Data, end: Event) -> None:
        """See ``ReplaceWhole``."""
        self.give(Message(head, body))


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, ReplaceMessage, "each whole Message")
