"""``replaceMessageEnd([replacement])``: something else instead of the end of each message."""

from pipy_core.api import MessageEnd, Registry, hookimpl
from pipy_plugins.replace.each import ReplaceEach, register


class ReplaceMessageEnd(ReplaceEach):
    """Replaces each MessageEnd."""

    kind = MessageEnd


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "replaceMessageEnd", ReplaceMessageEnd, "each MessageEnd")
