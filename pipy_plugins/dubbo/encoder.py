"""``encodeDubbo([head])``: messages to frames.

Holds the body of one message, whose length is to be sent in front of it; see ``kit.body``.
"""

from struct import Struct
from typing import Any, Final

from pipy_core.api import (
    END,
    OBJECT,
    ArgumentError,
    Body,
    Data,
    Event,
    Failure,
    Filter,
    Function,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    absent,
    describe,
    dynamic,
    get_logger,
    hookimpl,
)

_HEAD: Final = Struct(">2sBBQI")
_MAGIC: Final = b"\xda\xbb"
_HESSIAN: Final = 2
_IDS: Final = 1 << 64

_log = get_logger("encodeDubbo")


class EncodeDubbo(Filter):
    """Messages in, the same messages out with the bytes of the frames as Data. One that cannot be sent is logged and left out.

    :param head: takes the place of the head of each message: an object, or a function that gives one. None: there is none.
    """

    __slots__ = ("_body", "_ended", "_fields", "_head", "_next", "_start")

    def __init__(self, head: dict[str, Any] | Function | None) -> None:
        self._head = head
        self._next = 0  # the id of the next message that has none
        self._start: MessageStart | None = None
        self._fields: dict[str, Any] = {}
        self._body: Body | None = None  # None: not inside a message
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Data outside of messages is dropped."""
        if self._ended:
            return
        if type(event) is Data:
            if self._body is not None and not self._body.add(event):
                _log.error("the body of a message is too large")
                self._end(StreamEnd(Failure.BUFFER_OVERFLOW))
        elif isinstance(event, MessageStart):
            self._fields = self._head_of(event)
            self._start, self._body = event, Body(most=self.host.limits.max_body_buffer)
        elif isinstance(event, MessageEnd):
            self._finish()
        elif isinstance(event, StreamEnd):
            self._end(event)

    def close(self) -> None:
        """See ``Filter``."""
        self._ended = True
        self._start = self._body = None

    def _end(self, event: StreamEnd) -> None:
        self.close()
        self.emit(event)

    def _head_of(self, start: MessageStart) -> dict[str, Any]:
        given = self.host.call(self._head, plain=True) if isinstance(self._head, Function) else self._head
        if isinstance(given, dict):
            return given
        return start.head.fields if start.head is not None else {}

    def _finish(self) -> None:
        start, collected = self._start, self._body
        self._start = self._body = None
        if start is None or collected is None:
            return
        body = collected.data()
        try:
            head = self._frame(self._fields, len(body.payload))
        except ArgumentError as error:
            _log.error(str(error))
            return
        self.emit(start)
        self.emit(Data(head))
        if body.payload:
            self.emit(body)
        if not self._ended:
            self.emit(END)

    def _frame(self, fields: dict[str, Any], size: int) -> bytes:
        number = fields.get("id")
        if absent(number):
            number, self._next = self._next, self._next + 1
        flags = _number(fields, "serialization", _HESSIAN, 0x1F)
        for name, bit, default in (("isRequest", 0x80, True), ("isTwoWay", 0x40, True), ("isEvent", 0x20, False)):
            if _number(fields, name, default):
                flags |= bit
        # Java writes ids as signed numbers
        return _HEAD.pack(_MAGIC, flags, _number(fields, "status", 0, 0xFF), _number({"id": number}, "id", 0) % _IDS, size)


def _number(fields: dict[str, Any], name: str, default: int, high: int | None = None) -> int:
    """A field as a number: one, a boolean, or a string of digits.

    :param high: the most it can be; then it cannot be negative either.
    """
    value = fields.get(name)
    if absent(value):
        return default
    if isinstance(value, str | int | float):
        try:
            result = int(value)
        except (ValueError, OverflowError):
            pass
        else:
            if -_IDS // 2 <= result < _IDS if high is None else 0 <= result <= high:
                return result
    raise ArgumentError(f"{name} expects a number{'' if high is None else f' from 0 to {high}'}, given {describe(value)}")


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "encodeDubbo",
        EncodeDubbo,
        [Param("head", dynamic(OBJECT), "takes the place of the heads of messages; a function is called for each", default=None)],
        help="Encodes messages as Dubbo frames. The head may say `id` (counted up from 0 unless given), `status` (0), `isRequest` "
        "(true), `isTwoWay` (true), `isEvent` (false) and `serialization` (2, which is Hessian), as numbers, strings of digits or "
        "booleans. A frame whose head is not valid is logged and left out.",
        group="codecs",
    )
