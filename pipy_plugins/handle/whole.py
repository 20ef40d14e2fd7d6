"""What ``handleMessage`` and ``handleMessageBody`` have in common: a copy of each body is collected while the events go on."""

from abc import abstractmethod
from typing import Any, ClassVar

from pipy_core.api import (
    FUNCTION,
    SIZE,
    Body,
    Data,
    Event,
    Failure,
    Filter,
    Function,
    Head,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    get_logger,
    too_large,
)


class HandleWhole(Filter):
    """Collects; at the end of a message ``show`` calls the script, then the end is passed on.

    A message that an error cuts off is not shown: a part is not the message. Without a limit of the script's own, a
    body of more than ``max_body_buffer`` ends the stream with ``BufferOverflow``.
    """

    name: ClassVar[str]

    def __init__(self, *args: Any) -> None:
        limit, callback = args if len(args) == 2 else (None, *args)  # the two forms of a call
        self._limit: int | None = limit if limit is not None and limit >= 0 else None
        self._callback: Function = callback
        self._head: Head | None = None
        self._body: Body | None = None  # None: not inside a message
        self._ended = False

    @abstractmethod
    def show(self, head: Head | None, body: Data) -> None:
        """Call the script."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        kind = type(event)
        if kind is Data:
            if self._body is not None and not self._body.add(event):  # type: ignore[arg-type]  # it is Data
                self._give_up()
                return
        elif isinstance(event, MessageStart):
            self._head = event.head
            self._body = Body(self._limit, most=self.host.limits.max_body_buffer)
        elif kind is MessageEnd or kind is StreamEnd:
            self._finish(event)
        self.emit(event)

    def _finish(self, event: Event) -> None:
        body, self._body = self._body, None
        head, self._head = self._head, None
        if body is None or body.cut_off(head, event):
            return
        if complaint := body.complaint():
            get_logger(self.name).error(complaint)
        self.show(head, body.data())

    def _give_up(self) -> None:
        most = self.host.limits.max_body_buffer
        get_logger(self.name).error(f"message body exceeds {most} bytes and no size limit was given")
        too_large(self.host.context.group, self._head)
        self._ended = True
        self._body = self._head = None
        self.emit(StreamEnd(Failure.BUFFER_OVERFLOW))


def register(registry: Registry, filter_type: type[HandleWhole], what: str) -> None:
    """Offer a filter that collects and calls its function with *what*."""
    callback = Param("callback", FUNCTION, f"called with {what} at its end; what it returns is ignored")
    registry.add_filter(
        filter_type.name,
        filter_type,
        [Param("sizeLimit", SIZE, "bytes to collect; what is beyond is left out and logged", default=None), callback],
        [callback],
        help=f"Calls a function with {what} when it is complete and passes everything on unchanged, as it comes. Without "
        "a limit, a body above --max-body-buffer, 16 MiB at first, ends the stream with BufferOverflow.",
        group="script",
    )
