"""``handleMessageEnd(callback)``: the script looks at the end of each message."""

from pipy_core.api import MessageEnd, Registry, hookimpl
from pipy_plugins.handle.each import HandleEach, register


class HandleMessageEnd(HandleEach):
    """Calls the script for each MessageEnd."""

    kind = MessageEnd


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleMessageEnd", HandleMessageEnd, "each MessageEnd")
