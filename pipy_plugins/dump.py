"""``dump([tag])``: logs every event and passes it on; the content of Data as a hex table."""

from typing import Any, Final

from pipy_core.api import (
    ANY,
    UNDEFINED,
    Data,
    Event,
    Failure,
    Filter,
    Param,
    Registry,
    StreamEnd,
    absent,
    get_logger,
    hookimpl,
    write_plain,
)

_log = get_logger("dump")
_RULE: Final = "-" * 68
_ROW: Final = 16
_PRINTABLE: Final = bytes(byte if 0x20 <= byte < 0x7F else ord("?") for byte in range(256))


class Dump(Filter):
    """Logs events under a tag, which may be a function that is asked for it with each event."""

    def __init__(self, tag: Any = UNDEFINED) -> None:
        self._tag = tag

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        tag = self.host.value(self._tag)
        name = type(event).__name__ if absent(tag) else f"[{tag}] {type(event).__name__}"
        _log.info(f"[context={self.host.context.number}] {name}{_suffix(event)}")
        if isinstance(event, Data) and event.payload:
            write_plain("dump", table(event.payload))
        self.emit(event)


def table(payload: bytes) -> str:
    """Rows of 16 bytes in hexadecimal and as text, between two rules."""
    rows = [_RULE]
    for start in range(0, len(payload), _ROW):
        row = payload[start : start + _ROW]
        missing = _ROW - len(row)
        text = row.translate(_PRINTABLE).decode("ascii")
        rows.append(f"{row.hex(' ').upper()} {' - ' * missing} | {text}{'.' * missing}")
    return "\n".join([*rows, _RULE])


def _suffix(event: Event) -> str:
    if isinstance(event, Data):
        return f" [size={len(event.payload)}]" if event.payload else " Flush"
    if isinstance(event, StreamEnd) and event.error is not Failure.NONE:
        return f" [{event.error.code}] {event.error.text}"
    return ""


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "dump",
        Dump,
        [Param("tag", ANY, "marks the lines of this filter; may be a function that gives it", default=UNDEFINED)],
        help="Logs every event, with a hex table of data, and passes it on unchanged.",
        group="debug",
    )
