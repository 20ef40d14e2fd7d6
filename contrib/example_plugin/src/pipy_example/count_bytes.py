"""``countBytes(callback)``: pass everything on, and tell *callback* at the end of the stream how many bytes there were."""

from pipy_core.api import FUNCTION, Data, Event, Filter, Function, Param, Registry, StreamEnd, hookimpl


class CountBytes(Filter):
    """Counts the bytes of one stream; holds none of them."""

    def __init__(self, callback: Function) -> None:
        self._callback = callback
        self._count = 0

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if type(event) is Data:
            self._count += len(event.payload)
        elif isinstance(event, StreamEnd):
            self.host.call(self._callback, self._count)
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "countBytes",
        CountBytes,
        [Param("callback", FUNCTION, "called once, when the stream ends, with the number of bytes")],
        help="Passes everything on and tells a function, when the stream ends, how many bytes there were.",
        group="example",
    )
