"""One request and its response on a connection of HTTP/2: what may come when, and what waits to be sent. Knows no other streams."""

from typing import Final, Protocol

from pipy_core.api import Failure, Head, Limits
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.responses import MAX_INTERIM
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.heads import Block, Response, read_response, read_trailers
from pipy_plugins.http.v2.limits import LOW_WATER, STREAM_WINDOW
from pipy_plugins.http.v2.sender import Sender
from pipy_plugins.http.v2.wire import BrokenStream, frame

_HALF_WINDOW: Final = STREAM_WINDOW // 2


class Receiver(Protocol):
    """Who gets the answer to a request.

    :ivar method: of the request: it decides what a response may have.
    """

    method: str

    def interim(self, head: Response) -> None:
        """A response that is not the final one."""

    def response(self, head: Response) -> None:
        """The head of the final response."""

    def data(self, payload: bytes) -> None:
        """A part of its body; ``Stream.consumed`` asks for more."""

    def finished(self, tail: Head | None) -> None:
        """The response is complete; the stream is gone."""

    def lost(self, code: int, by_peer: bool) -> None:
        """The stream was reset with *code*, by the server or because of what it sent; it is gone."""

    def cut(self, failure: Failure, served: bool) -> None:
        """The connection has ended with *failure*; *served* if there had been responses."""

    def drained(self) -> None:
        """What waited to be sent has mostly been."""


class Stream:
    """One request and its response. A ``sender.Source``.

    :ivar sent_all: the request has been sent. :ivar responded: the head of the response has come.
    :ivar ended: all of it has, with *tail* behind its body.
    """

    __slots__ = (
        "_consumed",
        "_credit",
        "_end",
        "_interims",
        "_left",
        "_pending",
        "_sender",
        "_trailers",
        "ended",
        "number",
        "receiver",
        "responded",
        "sent_all",
        "tail",
        "window",
    )

    def __init__(self, sender: Sender, number: int, receiver: Receiver, window: int) -> None:
        self._sender = sender
        self.number = number
        self.receiver = receiver
        self.window = window  # what the server lets us send
        self._credit = STREAM_WINDOW  # what we let it send
        self._consumed = 0
        self._interims = 0
        self.responded = False
        self._left: int | None = None  # of a body whose length is known
        self._pending = bytearray()
        self._end = self.sent_all = self.ended = False
        self._trailers: Block = []  # of the request
        self.tail: Head | None = None

    # -- to the server ----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """See the class."""
        return len(self._pending)

    def write(self, payload: bytes, last: bool = False) -> None:
        """Send a part of the body, as soon as there is room for it; *last*: ``end`` is called next."""
        self._pending += payload
        if not last:
            self._sender.ready(self)

    def end(self, trailers: Block) -> None:
        """Nothing more is to be sent but *trailers*."""
        self._end = True
        self._trailers = trailers
        if self._pending:
            self._sender.ready(self)
        else:
            self._send_end()

    def send_some(self, room: int) -> int:
        """Send one DATA frame of at most *room* bytes; give its size."""
        pending = self._pending
        size = min(len(pending), room)
        with memoryview(pending) as view:
            payload = bytes(view[:size])
        del pending[:size]
        self.window -= size
        last = self._end and not pending and not self._trailers
        self.sent_all = last
        self._sender.out.append(frame(wire.DATA, wire.END_STREAM if last else 0, self.number, payload))
        if not pending and self._end and not last:
            self._send_end()
        if len(pending) <= LOW_WATER:
            self.receiver.drained()
        return size

    def _send_end(self) -> None:
        self.sent_all = True
        if self._trailers:
            self._sender.send_block(self.number, self._trailers, True)
        else:
            self._sender.out.append(frame(wire.DATA, wire.END_STREAM, self.number))

    # -- from the server --------------------------------------------------------------------------------------------

    def consumed(self, size: int) -> None:
        """*size* bytes of the response have found their place; the server may send as many again."""
        self._consumed += size
        if self._consumed >= _HALF_WINDOW:
            self._sender.out.append(wire.window_update(self.number, self._consumed))
            self._credit += self._consumed
            self._consumed = 0

    def headers(self, block: Block, end: bool, limits: Limits) -> None:
        """A list of header fields has come.

        :raises BrokenStream: it is malformed, larger than *limits* say, or not what may come now.
        """
        try:
            if not self.responded:
                self._head(read_response(block, limits), end)
            elif end:
                self._complete(read_trailers(block, limits))
            else:
                raise BrokenStream(wire.PROTOCOL_ERROR, "trailers in the middle of a response")
        except BadMessage as error:
            raise BrokenStream(wire.PROTOCOL_ERROR, str(error)) from None

    def _head(self, head: Response, end: bool) -> None:
        receiver = self.receiver
        if head.status < 200:
            self._interims += 1
            if end or self._interims > MAX_INTERIM:
                raise BrokenStream(wire.PROTOCOL_ERROR, "an interim response that is the last one, or too many of them")
            receiver.interim(head)
            return
        self.responded = True
        if receiver.method == "HEAD" or head.status in (204, 304):
            self._left = 0
        elif not (receiver.method == "CONNECT" and head.status < 300):
            self._left = head.wire.length
        if end and self._left:
            raise BrokenStream(wire.PROTOCOL_ERROR, "a response without the body it has announced")
        receiver.response(head)
        if end:
            self._complete(None)

    def data(self, size: int, payload: bytes, end: bool) -> None:
        """A part of the body has come, with padding *size* bytes.

        :raises BrokenStream: it is more than was announced or may come.
        """
        self._credit -= size
        if self._credit < 0:
            raise BrokenStream(wire.FLOW_CONTROL_ERROR, "more than the window of the stream")
        length = len(payload)
        if self._left is not None:
            self._left -= length
        if not self.responded or (self._left is not None and (self._left < 0 or (end and self._left))):
            raise BrokenStream(wire.PROTOCOL_ERROR, "a body before its head, or not of the announced length")
        if size > length:
            self.consumed(size - length)
        if length:
            self.receiver.data(payload)
        if end:
            self._complete(None)

    def _complete(self, tail: Head | None) -> None:
        if self._left:
            raise BrokenStream(wire.PROTOCOL_ERROR, "a body that is shorter than announced")
        self.ended = True
        self.tail = tail
