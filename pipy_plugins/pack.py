"""``pack([batchSize] [, options])``: joins several messages into one, with the head of the first.

Holds a batch in memory. A batch that has grown beyond half of ``max_body_buffer`` goes out before it is full; a message that makes
it pass all of that ends the stream with ``BufferOverflow``. What is complete when the stream ends goes out first; data outside of
messages is dropped.
"""

from typing import Any

from pipy_core.api import (
    DURATION,
    END,
    NUMBER,
    Data,
    Event,
    Failure,
    Filter,
    MessageEnd,
    MessageStart,
    Number,
    Param,
    Registry,
    StreamEnd,
    get_logger,
    hookimpl,
    options,
)


class Pack(Filter):
    """Collects messages until there are enough of them, or the last one has been there for long enough.

    :param batch_size: so many messages.
    :param settings: ``timeout`` in seconds, 0 for never; ``vacancy`` is accepted, and has no meaning here.
    """

    def __init__(self, batch_size: float, settings: dict[str, Any]) -> None:
        self._batch_size = batch_size
        self._timeout: float = settings["timeout"]
        self._start: MessageStart | None = None  # None: the batch is empty
        self._pieces: list[bytes] = []
        self._size = 0
        self._complete = 0  # messages
        self._complete_pieces = 0
        self._inside = False
        self._ended = False
        self._last = 0.0  # when the last message became complete
        self._waiting = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if isinstance(event, Data):
            if self._inside and event.payload:
                self._collect(event.payload)
        elif isinstance(event, MessageStart):
            self._inside = True
            self._start = self._start or event
        elif isinstance(event, MessageEnd):
            if self._inside:
                self._end_message()
        else:
            self._end(event)

    def _collect(self, payload: bytes) -> None:
        self._pieces.append(payload)
        self._size += len(payload)
        most = self.host.limits.max_body_buffer
        if self._size > most:
            get_logger("pack").error(f"a message exceeds {most} bytes")
            self._end(StreamEnd(Failure.BUFFER_OVERFLOW))

    def _end_message(self) -> None:
        self._inside = False
        self._complete += 1
        self._complete_pieces = len(self._pieces)
        if self._complete >= self._batch_size or self._size > self.host.limits.max_body_buffer // 2:
            self._give()
        elif self._timeout:
            self._last = self.host.now()
            if not self._waiting:
                self._waiting = True
                self.host.after(self._timeout, self._look)

    def _look(self) -> None:
        """The timer is not started anew with each message; it looks how long ago the last one was."""
        self._waiting = False
        if not self._complete or self._ended:
            return
        left = self._last + self._timeout - self.host.now()
        if left <= 0 and not self._inside:
            self._give()
            return
        self._waiting = True
        self.host.after(left if left > 0 else min(self._timeout, 1.0), self._look)

    def _give(self) -> None:
        start, body = self._start, b"".join(self._pieces[: self._complete_pieces])
        assert start is not None
        self._start = None
        self._pieces = []
        self._size = self._complete = self._complete_pieces = 0
        self.emit(start)
        if body:
            self.emit(Data(body))
        self.emit(END)

    def _end(self, event: StreamEnd) -> None:
        self._ended = True
        if self._complete:
            self._give()
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "pack",
        Pack,
        [
            Param("batchSize", NUMBER, "so many messages become one", default=1),
            options(
                Param("timeout", DURATION, "an incomplete batch goes out so long after its last message; 0: never", default=0.0),
                Param("vacancy", Number(0, 1), "of the memory of a batch, how much may be unused; has no effect", default=0.5),
            ),
        ],
        help="Joins messages into one that has the head of the first and the bodies of all.",
        group="flow",
    )
