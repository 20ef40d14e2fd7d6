"""``handleMessageStart(callback)``: the script looks at the head of each message."""

from pipy_core.api import MessageStart, Registry, hookimpl
from pipy_plugins.handle.each import HandleEach, register


class HandleMessageStart(HandleEach):
    """Calls the script for each MessageStart."""

    kind = MessageStart


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleMessageStart", HandleMessageStart, "each MessageStart")
