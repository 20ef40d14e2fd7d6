"""What ``replaceMessage`` and ``replaceMessageBody`` have in common: each body is collected until its message ends."""

from abc import abstractmethod
from typing import Any, ClassVar

from pipy_core.api import (
    SIZE,
    Body,
    Data,
    Event,
    Failure,
    Head,
    Make,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    get_logger,
    too_large,
)
from pipy_plugins.replace.each import Replace, replacement


class ReplaceWhole(Replace):
    """Collects; ``start``, ``finish`` say what becomes of the events that frame a message.

    A message that an error cuts off is not replaced, as if it had been complete: it is cut off here too. Without a
    limit of the script's own, a body of more than ``max_body_buffer`` ends the stream with ``BufferOverflow``.
    """

    name: ClassVar[str]  # as the script calls it
    tag: ClassVar[str]  # as the log calls it

    def __init__(self, replacement: Any, fixed: tuple[list[Event], bool], limit: int | None) -> None:
        super().__init__(replacement, fixed)
        self._limit = limit if limit is not None and limit >= 0 else None
        self._head: Head | None = None
        self._body: Body | None = None  # None: not inside a message

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``. The limit comes first, or is left out."""
        limit, replacement = args if len(args) == 2 else (None, *args)
        return super().prepare(replacement, limit)

    @abstractmethod
    def start(self, event: MessageStart) -> None:
        """A message begins."""

    @abstractmethod
    def finish(self, head: Head | None, body: Data, end: Event) -> None:
        """A message is complete."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if isinstance(event, MessageStart):
            self._head = event.head
            self._body = Body(self._limit, most=self.host.limits.max_body_buffer)
            self.start(event)
        elif self._body is None:
            self.emit(event)
        elif isinstance(event, Data):
            if not self._body.add(event):
                too_large(self.host.context.group, self._head)
                most = self.host.limits.max_body_buffer
                self._end(StreamEnd(Failure.BUFFER_OVERFLOW), f"message body exceeds {most} bytes and no size limit was given")
        elif isinstance(event, StreamEnd) and self._body.cut_off(self._head, event):
            self._end(event)
        else:
            self._complete(self._body, event)

    def _complete(self, body: Body, end: MessageEnd | StreamEnd) -> None:
        head, self._head, self._body = self._head, None, None
        if complaint := body.complaint():
            get_logger(self.tag).error(complaint)
        self.finish(head, body.data(), end)

    def _end(self, event: StreamEnd, complaint: str = "") -> None:
        self._ended = True
        self._head = self._body = None
        if complaint:
            get_logger(self.tag).error(complaint)
        self.emit(event)


def register(registry: Registry, filter_type: type[ReplaceWhole], what: str) -> None:
    """Offer a filter that collects, and replaces *what*."""
    registry.add_filter(
        filter_type.name,
        filter_type,
        [Param("sizeLimit", SIZE, "bytes to collect; what is beyond is left out and logged", default=None), replacement(what)],
        [replacement(what)],
        help=f"Replaces {what} by an event, a Message or an array of such, or by what a function makes of it. Without an argument "
        "it is dropped. Without a limit, a body above --max-body-buffer, 16 MiB at first, ends the stream with BufferOverflow.",
        group="script",
    )
