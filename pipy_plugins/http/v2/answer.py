"""One request on a connection of HTTP/2 and what its sub-pipeline answers: the counterpart of ``slot`` in HTTP/1.

Decides what a client sees when an answer fails: an error response while nothing has been sent, afterwards RST_STREAM. A head is
held back until the answer is complete, or longer than a limit, or the turn is over: so a short answer has a length and goes in one
piece, and one that is streamed is not held up. What waits for the client's window is limited, for a stream and for all of them.
"""

from typing import Final, Protocol

from h2.errors import ErrorCodes

from pipy_core.api import (
    Data,
    Event,
    Failure,
    Head,
    MessageEnd,
    MessageStart,
    ScriptError,
    StreamEnd,
    get_logger,
)
from pipy_plugins.http.heads import FailureHead, RequestHead, ResponseHead
from pipy_plugins.http.served import CLIENT_GONE, Served
from pipy_plugins.http.status import answer_to, error_head
from pipy_plugins.http.v2.heads import Block, Response, declared_length, write_response, write_trailers
from pipy_plugins.http.v2.intake import Connection, Intake
from pipy_plugins.http.v2.queue import Account, Queue

_NO_BLOCK: Final[Block] = []


class Output(Connection, Account, Protocol):
    """What an answer needs of the connection it belongs to."""

    def pump(self, answer: "Answer") -> None:
        """Send of the answer's body what the client's windows allow, and the end behind it."""

    def soon(self, answer: "Answer") -> None:
        """Call ``release`` when the turn is over."""


class Answer(Intake):
    """One stream.

    :ivar unsent: what waits for the client's windows. :ivar finishing: nothing comes behind that but *tail*.
    :ivar served: counts it.
    """

    __slots__ = (
        "_begun",
        "_body_size",
        "_head",
        "_limit",
        "_method",
        "_output",
        "_pieces",
        "_sent",
        "_silent",
        "_status",
        "_tunnel",
        "finishing",
        "served",
        "tail",
        "too_large",
        "unsent",
    )

    def __init__(self, connection: Output, number: int, request: RequestHead, limit: int) -> None:
        super().__init__(connection, number, request)
        self._output: Output | None = connection
        self._limit = limit
        self._method = request.method
        self.served = Served(connection.host, request)
        self._status = CLIENT_GONE
        self._head: Head | None = None
        self._begun = self._sent = self._silent = self._tunnel = self.too_large = self.finishing = False
        self._pieces: list[bytes] = []  # of a body whose head has not been sent
        self._body_size = 0
        self.unsent = Queue(connection)
        self.tail = _NO_BLOCK
        request.relay = self

    @property
    def awaits_body(self) -> bool:
        """Whether the client is waited for: it has to send more, and nobody keeps it from doing so, nor has answered it yet."""
        return not (self.received or self._sent or self._held or self._connect)

    def busy(self) -> bool:
        """Whether something may still be answered."""
        return not self._tunnel or (self.branch is not None and self.branch.busy())

    def drain(self) -> None:
        """The program is about to end: see ``Filter``."""
        if self._tunnel and self.branch is not None:
            self.branch.drain()

    def close(self) -> None:
        """See ``Intake``."""
        self._count()
        super().close()
        self._output = self._head = None
        self._pieces = []
        self.unsent.clear()

    @property
    def is_held_back(self) -> bool:
        """Whether there is a head that could be sent."""
        return self._begun and not self._sent and self._output is not None

    def reply(self, event: Event) -> None:
        """The sub-pipeline has answered *event*."""
        connection = self._output
        if connection is None or self.finishing:
            return
        kind = type(event)
        if kind is Data:
            assert isinstance(event, Data)
            self._add(connection, event.payload)
        elif isinstance(event, MessageStart):
            if not (self._begun or self._tunnel):
                self._begin(connection, event.head)
        elif isinstance(event, MessageEnd):
            if self._begun:
                self._complete(connection, event.tail)
        elif isinstance(event, StreamEnd):
            self._cut(connection, event.error)
        connection.flush()

    def interim(self, head: ResponseHead) -> None:
        """See ``Relay``."""
        connection = self._output
        if connection is not None and not self._sent and head.status != 101:
            connection.send_head(self.number, write_response(head)[1], last=False)
            connection.flush()

    def release(self) -> None:
        """The turn is over: what was begun is not held back any longer."""
        if self._output is not None and self.is_held_back:
            self._open(self._output)

    def _begin(self, connection: Output, head: Head | None) -> None:
        self._begun = True
        self._head = head
        self._silent = self._method == "HEAD"
        # A server that says how little it is going to send is taken at its word.
        if not (isinstance(head, ResponseHead) and head.wire.length is not None and head.wire.length <= self._limit):
            connection.soon(self)

    def _add(self, connection: Output, payload: bytes) -> None:
        if self._sent:
            self._body_size += len(payload)
            if payload and not self._silent:
                self._queue(connection, payload)
        elif self._begun:
            self._body_size += len(payload)
            if payload and not self._silent:
                self._pieces.append(payload)
            if self._body_size > self._limit:
                self._open(connection)

    def _open(self, connection: Output) -> None:
        """Send the head of an answer of unknown length, and what there is of its body."""
        try:
            status, block = write_response(self._head)
        except ScriptError as error:
            self._fault(connection, error)
            return
        if status == 101:
            self._answer(connection, 502)
            return
        self._status = status
        self._silent = self._silent or self._is_bodiless(status)
        self._send_head(connection, block, last=False)
        pieces, self._pieces = self._pieces, []
        if pieces and not self._silent:
            self._queue(connection, b"".join(pieces))

    def _complete(self, connection: Output, tail: Head | None) -> None:
        try:
            self.tail = write_trailers(tail) if tail is not None else _NO_BLOCK
            if not self._sent:
                self._whole(connection)
        except ScriptError as error:
            self._fault(connection, error)
            return
        if not self._tunnel:
            self._finish(connection)

    def _whole(self, connection: Output) -> None:
        """Send the head of an answer that is complete, and its body."""
        status, block = write_response(self._head)
        if status == 101:  # there is no such thing here (RFC 9113, 8.6)
            self._replace(502)
            status, block = write_response(self._head)
        self._status = status
        length = self._length(status)
        if length is not None:
            block.append((b"content-length", b"%d" % length))
        body = b"" if self._silent or self._is_bodiless(status) else b"".join(self._pieces)
        self._pieces = []
        self._tunnel = self._connect and 200 <= status < 300
        if self._tunnel:
            self._count()
        else:
            self._let_go()
        self._send_head(connection, block, last=not (body or self.tail or self._tunnel))
        if body:
            self.finishing = True
            self._queue(connection, body)

    def _length(self, status: int) -> int | None:
        if self._is_bodiless(status):
            return None
        size = self._body_size
        given = declared_length(self._head) if self._silent else None
        if given is not None:
            return given
        # Not where the server has not given one either: its only header list may be meant as trailers too (gRPC).
        return size if size or not isinstance(self._head, Response if not self._silent else ResponseHead) else None

    def _is_bodiless(self, status: int) -> bool:
        return status in (204, 304) or (self._connect and 200 <= status < 300)

    def _send_head(self, connection: Output, block: Block, last: bool) -> None:
        self._sent = True
        self._head = None
        self.finishing = last
        connection.send_head(self.number, block, last)

    def _queue(self, connection: Output, payload: bytes) -> None:
        waits = bool(self.unsent)
        may = self.unsent.add(payload)
        if not waits:
            connection.pump(self)
        if self.unsent and not may:
            get_logger("http2").error("a client takes too little of the responses it has asked for")
            connection.reset(self, ErrorCodes.ENHANCE_YOUR_CALM)
        elif self.branch is not None:
            self.unsent.press()

    def _finish(self, connection: Output) -> None:
        """Nothing more comes: end the stream when all is sent."""
        self._let_go()
        if not self.finishing:
            self.finishing = True
            connection.pump(self)

    # -- what can go wrong ------------------------------------------------------------------------------------------

    def _cut(self, connection: Output, failure: Failure) -> None:
        """The sub-pipeline has ended before the end of its message."""
        if self._sent:
            if failure is Failure.NONE:
                self._finish(connection)
            else:
                connection.reset(self, ErrorCodes.CONNECT_ERROR if self._tunnel else ErrorCodes.INTERNAL_ERROR)
        elif failure is Failure.NONE or isinstance(self._head, FailureHead) or self._is_page(failure):
            self._begun = True
            self._complete(connection, None)
        elif failure is Failure.RUNTIME_ERROR:
            self._answer(connection, 500)
        else:
            self._answer(connection, *answer_to(failure, self.too_large))

    def _is_page(self, failure: Failure) -> bool:
        """See ``Slot``: a script has put a head of its own in the place of one that stands for *failure*."""
        ours = failure is not Failure.RUNTIME_ERROR and not isinstance(self._head, ResponseHead)
        return ours and self._begun and not self._body_size

    def _fault(self, connection: Output, error: ScriptError) -> None:
        """The script's head, or its trailers, cannot be sent."""
        connection.host.report(error)
        if self._sent:
            connection.reset(self, ErrorCodes.INTERNAL_ERROR)
        else:
            self._answer(connection, 500)

    def _count(self) -> None:
        self.served.done(self._status, 0 if self._silent else self._body_size)

    def _answer(self, connection: Output, status: int, text: str = "") -> None:
        """Answer with *status* instead of what was begun and not sent."""
        self._begun = True
        self._replace(status, text)
        self._complete(connection, None)

    def _replace(self, status: int, text: str = "") -> None:
        self._pieces = []
        self._body_size = 0
        self.tail = _NO_BLOCK
        self._head = error_head(status, text)
