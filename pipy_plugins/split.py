"""``split(callback)``: cuts the bytes of a stream where the script says, and puts events into the cuts.

The script is called for every byte: handy for small protocols, slow for large data. The framing that was there before is taken off.
"""

from pipy_core.api import (
    FUNCTION,
    NOT_AN_EVENT,
    Data,
    Event,
    Filter,
    Function,
    Param,
    Registry,
    StreamEnd,
    absent,
    expand,
    get_logger,
    hookimpl,
)

_log = get_logger("filter")


class Split(Filter):
    """Calls the script with each byte (0 to 255). Any object it returns, ``null`` too, is put behind that byte."""

    def __init__(self, callback: Function) -> None:
        self._callback = callback
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if isinstance(event, Data):
            self._split(event)
        elif isinstance(event, StreamEnd):
            self._ended = True
            self.emit(event)

    def _split(self, data: Data) -> None:
        payload = data.payload
        if not payload:
            self.emit(data)
            return
        begin = 0
        for end, byte in enumerate(payload, 1):
            result = self.host.call(self._callback, byte)
            if result is None or not (absent(result) or isinstance(result, bool | int | float | str)):
                self._give(Data(payload[begin:end]), result)
                if self._ended:
                    return
                begin = end
        if begin < len(payload):
            self.emit(Data(payload[begin:]) if begin else data)

    def _give(self, piece: Data, result: object) -> None:
        events, valid = expand(result)
        for event in [piece, *events]:
            if self._ended:
                return
            self._ended = type(event) is StreamEnd
            self.emit(event)
        if not valid:
            _log.error(NOT_AN_EVENT)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "split",
        Split,
        [Param("callback", FUNCTION, "called with each byte; an event, Message or array it returns is put behind that byte")],
        help="Cuts data into pieces: where the function returns an event, a Message, an array of such or null, the data ends and "
        "these follow. Messages that were there before lose their start and end.",
        group="flow",
    )
