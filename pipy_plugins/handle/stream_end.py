"""``handleStreamEnd(callback)``: the script looks at the end of the stream and its error."""

from pipy_core.api import Registry, StreamEnd, hookimpl
from pipy_plugins.handle.each import HandleEach, register


class HandleStreamEnd(HandleEach):
    """Calls the script for each StreamEnd."""

    kind = StreamEnd


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "handleStreamEnd", HandleStreamEnd, "the StreamEnd")
