"""``replaceStreamEnd([replacement])``: something else instead of the end of the stream."""

from pipy_core.api import Registry, StreamEnd, hookimpl
from pipy_plugins.replace.each import ReplaceEach, register


class ReplaceStreamEnd(ReplaceEach):
    """Replaces each StreamEnd."""

    kind = StreamEnd


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "replaceStreamEnd", ReplaceStreamEnd, "the StreamEnd")
