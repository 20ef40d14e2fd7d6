"""One exchange with a client: what its sub-pipeline answers becomes the response, when its turn has come.

Decides what a client sees when an answer fails: an error response while nothing has been sent, afterwards the end of the
connection.
"""

from typing import Final

from pipy_core.api import (
    END,
    Branch,
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
from pipy_plugins.http.heads import FailureHead, LostHead, RequestHead, ResponseHead
from pipy_plugins.http.order import Connection, Interim
from pipy_plugins.http.served import CLIENT_GONE, CountedWriter
from pipy_plugins.http.status import answer_to, error_head

#: Interim responses kept for a client that is not to be answered yet.
_MAX_INTERIM: Final = 8


class Slot(CountedWriter):
    """One request and its response.

    :param first: its turn has come. If not, what is answered is kept until ``replay``.
    :ivar branch: its sub-pipeline, until the response is complete. :ivar received: the request has come completely.
    :ivar isolates: the request asks for another protocol.
    """

    __slots__ = (
        "_any",
        "_connection",
        "_kept",
        "_start",
        "_tunnel",
        "_upgrades",
        "_waiting",
        "branch",
        "expects",
        "isolates",
        "received",
        "too_large",
    )

    def __init__(self, limit: int, connection: Connection, request: RequestHead | LostHead, first: bool) -> None:
        CountedWriter.__init__(self, limit, connection, request)  # see ReceivedHead
        self._connection: Connection | None = connection
        self.branch: Branch | None = None
        self._start: MessageStart | None = None
        self._waiting: list[Event] | None = None if first else []  # what was answered before its turn
        self._kept = 0
        self._any = self._tunnel = self.too_large = self.received = False  # the first: a body has begun
        if isinstance(request, RequestHead):
            self.method = request.method
            self.minor = request.minor
            self.final = request.final
            self.expects = request.expects
            self._upgrades = request.upgrades
            self.isolates = self._upgrades or self.method == "CONNECT"
            request.relay = self
        else:
            self.method = ""
            self.isolates = self._upgrades = self.expects = False

    def feed(self, event: Event) -> None:
        """Something of the request, or of the tunnel behind it, has come."""
        if self.branch is not None:
            self.branch.feed(event)

    def busy(self) -> bool:
        """Whether something may still come out of the sub-pipeline."""
        return self.branch is not None and self.branch.busy()

    def drain(self) -> None:
        """The program is about to end: see ``Filter``."""
        if self.branch is not None:
            self.branch.drain()

    def close(self) -> None:
        """The response is complete, or nobody wants it any more."""
        if self._since and self._connection is not None:
            self._count(self._connection, self.status if self.sent else CLIENT_GONE)
        self._connection = self._waiting = self._start = self._request = self.context = None
        self._head = None  # it may be the request's, which knows this slot
        branch, self.branch = self.branch, None
        if branch is not None:
            branch.close()

    # -- answers ----------------------------------------------------------------------------------------------------

    def reply(self, event: Event) -> None:
        """The sub-pipeline has answered *event*."""
        connection = self._connection
        if connection is None:
            return
        if self._waiting is None:
            self._send(connection, event)
            return
        self._waiting.append(event)
        if type(event) is Data:
            self._kept += len(event.payload)
            if not connection.keep(len(event.payload)):
                self._overflow()

    def replay(self) -> bool:
        """Its turn has come: send what was kept. Gives whether that was all of it."""
        waiting, self._waiting = self._forget(), None
        for event in waiting:
            if self._connection is None:
                break
            self._send(self._connection, event)
        return self._connection is None

    def _forget(self) -> list[Event]:
        waiting = self._waiting or []
        if waiting:
            self._waiting = []
        if self._kept and self._connection is not None:
            kept, self._kept = self._kept, 0
            self._connection.keep(-kept)
        return waiting

    def interim(self, head: ResponseHead) -> None:
        """See ``Relay``. It overtakes nothing, and HTTP/1.0 does not know it (RFC 9110, 15.2)."""
        connection = self._connection
        if connection is None or self.begun or self.minor == 0:
            return
        if head.status == 100:
            self.expects = False
        data = Data(b"HTTP/1.1 %b\r\n%b\r\n" % (head.start, head.wire.forward))
        if self._waiting is None:
            connection.emit(data)
        elif len(self._waiting) < _MAX_INTERIM:
            self._waiting.append(Interim(data.payload))

    def refuse(self, status: int) -> None:
        """The request is malformed: forget what answers it and end the connection behind an answer with *status*."""
        if self._waiting is None and self.sent and self._connection is not None:
            self._connection.abort(Failure.PROTOCOL_ERROR)
            return
        branch, self.branch = self.branch, None
        self.final = True
        self.isolates = self.begun = False
        self._forget()
        if branch is not None:
            branch.close()
        self.reply(MessageStart(error_head(status)))
        self.reply(END)

    def _overflow(self) -> None:
        """Too much is kept: forget this answer, and say so in its turn."""
        branch, self.branch = self.branch, None
        self._forget()
        get_logger("demuxHTTP").error("a response that came before its turn is too large to be kept")
        self._waiting = [MessageStart(error_head(*answer_to(Failure.BUFFER_OVERFLOW))), END]
        if branch is not None:
            branch.close()

    def _send(self, connection: Connection, event: Event) -> None:
        if self._tunnel:
            if type(event) is Data:
                connection.emit(event)
            elif isinstance(event, StreamEnd):
                connection.abort(event.error)
        elif isinstance(event, MessageStart):
            if not self.begun:
                self.begin(event.head)
                self._start = event
                self._any = False
                if self.is_urgent:
                    connection.host.after(0.0, self._release)
        elif isinstance(event, Data):
            self._add(connection, event)
        elif isinstance(event, MessageEnd):
            if self.begun:
                self._complete(connection)
        else:
            self._cut(connection, event.error)

    def _add(self, connection: Connection, event: Data) -> None:
        if self.begun:
            self._any = self._any or bool(event.payload)
            self._put(connection, event.payload)
        elif isinstance(event, Interim):
            connection.emit(Data(event.payload))

    def _release(self) -> None:
        """The turn is over: events are not held back any longer."""
        if self._connection is not None and self.is_urgent:
            self._put(self._connection)

    def _open(self) -> bytes:
        """See ``Writer``: the head of an answer leaves before its end."""
        connection = self._connection
        if connection is not None and connection.retiring and connection.is_last(self):
            self.final = True
        return super()._open()

    def _put(self, connection: Connection, payload: bytes | None = None) -> None:
        first = not self.sent
        try:
            output = self.flush() if payload is None else self.write(payload)
        except ScriptError as error:
            self._fault(connection, error)
            return
        if output:
            if first and self._start is not None:
                connection.emit(self._start)
            connection.emit(Data(output))

    def _complete(self, connection: Connection) -> None:
        first = not self.sent
        if self.expects and not self.received:
            # A client that was not told to go on may send the body or the next request: nobody can tell (RFC 9110, 10.1.1).
            self.final = True
        elif connection.retiring and first and connection.is_last(self):
            self.final = True
        try:
            output = self.finish()
        except ScriptError as error:
            self._fault(connection, error)
            return
        start, final = self._start, self.final
        self._tunnel = self.isolates and (self.status == 101 if self._upgrades else 200 <= self.status < 300)
        if self.status == 101 and not self._tunnel:
            self._answer(connection, error_head(502))  # nobody has asked for that
            return
        self._count(connection, self.status)
        if not self._tunnel:
            self.close()
        if first and start is not None:
            connection.emit(start)
        if output:
            connection.emit(Data(output))
        connection.emit(END)
        if self._tunnel:
            connection.tunnelled(self)
        else:
            connection.answered(self, final)

    def _fault(self, connection: Connection, error: ScriptError) -> None:
        """The script's head cannot be sent."""
        connection.host.report(error)
        self._answer(connection, error_head(500))

    def _answer(self, connection: Connection, head: Head) -> None:
        """Answer with *head* instead of what was begun and not sent."""
        self._start = MessageStart(head)
        self.begin(head)
        self._complete(connection)

    def _cut(self, connection: Connection, failure: Failure) -> None:
        """The sub-pipeline has ended before the end of its message."""
        if self.sent:
            if failure is Failure.NONE:
                self._complete(connection)
            else:
                connection.abort(failure)
        elif failure is Failure.NONE or isinstance(self._head, FailureHead) or self._is_page(failure):
            if not self.begun:
                self.begin(None)
                self._start = MessageStart()
            self._complete(connection)
        elif failure is Failure.RUNTIME_ERROR:
            self._answer(connection, error_head(500))
        else:
            self._answer(connection, error_head(*answer_to(failure, self.too_large)))

    def _is_page(self, failure: Failure) -> bool:
        """Whether a script has put a head of its own in the place of one that stands for *failure*."""
        return self.begun and not self._any and failure is not Failure.RUNTIME_ERROR and not isinstance(self._head, ResponseHead)
