"""``dummy()``: the end of the road."""

from pipy_core.api import Event, Filter, Registry, hookimpl


class Dummy(Filter):
    """Drops everything, the end of the stream too."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter("dummy", Dummy, help="Drops all events.", group="debug")
