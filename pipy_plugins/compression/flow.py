"""The flow of a body that is decompressed while it passes: what both filters have in common.

However much a few bytes expand to, it is made in pieces of 64 KiB, and at most 256 KiB of them in one turn (see ``paced``). So a
bomb costs time, but no memory; ``ratioLimit`` and ``sizeLimit`` bound what it costs those who collect the body, and end its
stream with ``BufferOverflow``.

A body that is corrupt is logged, and passes as it is from there on: all of it if it is not what its name says in the first place.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from pipy_core.api import Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd, get_logger
from pipy_plugins.compression.decoders import Corrupt, Decoder
from pipy_plugins.compression.paced import Paced

#: Of a body of which nothing could be decoded yet, how much is kept so that it can pass as it is.
KEPT: Final = 64 * 1024
#: What a body may expand to, whatever its ratio.
FREE: Final = 64 * 1024 * 1024
#: Beyond ``FREE``: output for a byte of input (Apache's DeflateInflateRatioLimit; text has 3 to 50, nothing but zeros 1000).
RATIO_LIMIT: Final = 200

_log = get_logger("decompress")


class Decompress(Paced):
    """What both filters have in common. Data outside of messages is dropped."""

    component: ClassVar[str] = "decompress"

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._size_limit: float = settings["sizeLimit"] or float("inf")
        self._ratio_limit: float = settings["ratioLimit"] or float("inf")
        self._decoder: Decoder | None = None  # None: the body passes as it is
        self._start: MessageStart | None = None  # held back until it is known whether the body can be decoded
        self._head: Head | None = None  # of the message that is being decoded
        self._opening: list[bytes] = []  # what was consumed before anything came out
        self._consumed = 0
        self._produced = 0
        self._inside = False

    @abstractmethod
    def choose(self, start: MessageStart) -> Decoder | None:
        """The decoder for the message that begins with *start*; None: it passes as it is."""

    def decoded(self, start: MessageStart) -> MessageStart:
        """What *start* becomes when the body can be decoded."""
        return start

    def is_awaited(self, _start: MessageStart) -> bool:
        """Whether the body comes only when somebody has seen *start*."""
        return False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if type(event) is Data and self._decoder is None and not self.paused:
            if self._inside and not self._ended:
                self.emit(event)
        else:
            super().process(event)

    def work(self, event: Event) -> Iterator[int]:
        """See ``Paced``."""
        if type(event) is Data:
            if self._inside:
                yield from self._body(event)
        elif isinstance(event, MessageStart):
            self._begin(event)
        elif isinstance(event, StreamEnd):
            self._release_as_it_is()
            self.end(event)
        elif isinstance(event, MessageEnd) and self._inside:
            self._end_message(event)

    def _begin(self, start: MessageStart) -> None:
        self._inside = True
        self._consumed = self._produced = 0
        self._opening = []
        self._decoder = self.choose(start)
        self._head = start.head
        if self._decoder is None:
            self.emit(start)
        else:
            self._start = start
            if self.is_awaited(start):
                self._release()

    def _body(self, data: Data) -> Iterator[int]:
        payload = data.payload
        if self._decoder is None or not payload:
            self._release()
            self.emit(data)
            return
        self._consumed += len(payload)
        if not self._produced and self._consumed <= KEPT:
            self._opening.append(payload)
        try:
            for piece in self._decoder.feed(payload):
                self._produced += len(piece)
                if self._is_too_much():
                    _log.error(f"{self._consumed} bytes have expanded to {self._produced} or more: the stream is ended")
                    self.host.context.group.tally.refuse("decompression")
                    if self._head is not None:
                        self._head.too_large()
                    self._release_as_it_is()
                    self.end(StreamEnd(Failure.BUFFER_OVERFLOW))
                    return
                self._opening = []
                self._release()
                self.emit(Data(piece))
                yield len(piece)
        except Corrupt as error:
            self._give_up(str(error))

    def _is_too_much(self) -> bool:
        produced = self._produced
        return produced > self._size_limit or (produced > FREE and produced > self._ratio_limit * self._consumed)

    def _release(self) -> None:
        """The head can go: the body is decoded, or somebody asked not to hold anything back."""
        start, self._start = self._start, None
        if start is not None:
            self.emit(self.decoded(start))

    def _release_as_it_is(self) -> None:
        start, self._start = self._start, None
        if start is not None:
            self.emit(start)

    def _give_up(self, why: str) -> None:
        _log.warning(f"decompression error: {why}")
        self._decoder = None
        self._release_as_it_is()
        opening, self._opening = self._opening, []
        for payload in opening:
            self.emit(Data(payload))

    def _end_message(self, end: MessageEnd) -> None:
        self._inside = False
        if self._decoder is not None and self._consumed and not self._decoder.finished:
            self._give_up("the data is cut off")
        if self._consumed:
            self._release()
        self._release_as_it_is()  # an answer to HEAD, and a body that is not there
        self._decoder = self._head = None
        self.emit(end)
