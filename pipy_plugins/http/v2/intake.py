"""One request of a connection of HTTP/2 on its way into its sub-pipeline: the half of a stream that the client sends.

The client may send as much as the sub-pipeline takes, and ``STREAM_WINDOW`` bytes more: who takes it slowly stops one stream only.
"""

from typing import Final, Protocol

from h2.errors import ErrorCodes

from pipy_core.api import END, EOS, Branch, Data, Failure, Head, Host, MessageEnd, MessageStart, StreamEnd, Valve
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import STREAM_WINDOW

_HALF_WINDOW: Final = STREAM_WINDOW // 2


class Connection(Protocol):
    """What a stream needs of the connection it belongs to."""

    host: Host

    def send_head(self, number: int, block: Block, last: bool) -> None:
        """Send a header list; *last* if the stream ends with it."""

    def widen(self, number: int, size: int) -> None:
        """Let the client send *size* bytes more."""

    def reset(self, stream: "Intake", code: ErrorCodes) -> None:
        """End the stream with RST_STREAM, and forget it."""

    def flush(self) -> None:
        """Something was sent: see that it leaves."""


class Intake:
    """The request of one stream.

    :ivar branch: its sub-pipeline, until it is answered. :ivar received: the request has come completely.
    :ivar fields: of the request. :ivar size: bytes of its body so far.
    """

    __slots__ = ("_connect", "_connection", "_due", "_expected", "_held", "branch", "fields", "number", "received", "size")

    def __init__(self, connection: Connection, number: int, request: RequestHead) -> None:
        self._connection: Connection | None = connection
        self.number = number
        self._connect = request.method == "CONNECT"
        self.fields = request.wire
        self._expected = request.wire.length
        self.size = 0
        self._due = 0  # bytes that were passed on and not asked for again
        self._held: list[Valve] = []  # closed while the sub-pipeline wants no more
        self.branch: Branch | None = None
        self.received = False

    def start(self, branch: Branch, event: MessageStart) -> None:
        """The head has come. What is behind one of CONNECT belongs to the tunnel."""
        self.branch = branch
        branch.feed(event)
        if self._connect and self.branch is not None:
            self.branch.feed(END)

    def receive(self, payload: bytes, size: int) -> None:
        """A part of the body, of *size* bytes with padding, has come. The client gets room for more when it has been passed on."""
        connection, branch = self._connection, self.branch
        if connection is None or branch is None:
            return
        self.size += len(payload)
        if self._expected is not None and self.size > self._expected:
            self._lie(connection)
            return
        if payload:
            for valve in connection.host.held_by(branch.feed, Data(payload)):
                if valve not in self._held:
                    self._wait_for(valve)
        self._due += size
        if not self._held:
            self._ask_for_more()

    def end(self, tail: Head | None) -> None:
        """The request is complete, or the client has nothing more to say through the tunnel."""
        branch = self.branch
        connection = self._connection
        if self._expected is not None and self._expected != self.size and connection is not None:
            self._lie(connection)
            return
        self.received = True
        if branch is not None:
            if self._connect:
                branch.feed(EOS)
            else:
                branch.feed(END if tail is None else MessageEnd(tail))

    def _lie(self, connection: Connection) -> None:
        """The body is not as long as was said (RFC 9113, 8.1.1)."""
        self.fail(Failure.PROTOCOL_ERROR)
        connection.reset(self, ErrorCodes.PROTOCOL_ERROR)

    def fail(self, failure: Failure) -> None:
        """The client, or the connection, is gone: nobody wants an answer."""
        branch = self.branch
        self.close()
        if branch is not None:
            if not (self._connect and self.received):  # a tunnel has got its end then
                branch.feed(StreamEnd(failure))
            branch.close()

    def close(self) -> None:
        """Forget everything but the sub-pipeline."""
        self.branch = self._connection = None
        self._held = []

    def _wait_for(self, valve: Valve) -> None:
        self._held.append(valve)
        if len(self._held) == 1:
            valve.when_open(self._opened)

    def _opened(self) -> None:
        if self._connection is not None:
            self._connection.host.after(0.0, self._look_again)

    def _look_again(self) -> None:
        connection = self._connection
        if connection is None:
            return
        self._held = [valve for valve in self._held if valve.closed]
        if self._held:
            self._held[0].when_open(self._opened)
        else:
            self._ask_for_more()
            connection.flush()

    def _ask_for_more(self) -> None:
        if self._due >= _HALF_WINDOW and not self.received and self._connection is not None:
            due, self._due = self._due, 0
            self._connection.widen(self.number, due)

    def abandon(self) -> None:
        """The stream has ended, or the connection: close the sub-pipeline without a word."""
        branch = self.branch
        self.close()
        if branch is not None:
            branch.close()

    def _let_go(self) -> None:
        """The answer is complete: nobody needs the sub-pipeline, nor the rest of the request."""
        branch, self.branch = self.branch, None
        if branch is not None:
            branch.close()
