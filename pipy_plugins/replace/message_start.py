"""``replaceMessageStart([replacement])``: something else instead of the head of each message."""

from pipy_core.api import MessageStart, Registry, hookimpl
from pipy_plugins.replace.each import ReplaceEach, register


class ReplaceMessageStart(ReplaceEach):
    """Replaces each MessageStart."""

    kind = MessageStart


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "replaceMessageStart", ReplaceMessageStart, "each MessageStart")
