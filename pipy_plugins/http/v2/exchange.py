"""A request that is sent over HTTP/2, and its response: who gets it, and what becomes of it when a session is lost."""

from pipy_core.api import END, EOS, Data, Failure, Head, MessageEnd, MessageStart
from pipy_plugins.http.claim import User
from pipy_plugins.http.exchange import IDEMPOTENT
from pipy_plugins.http.status import error_head
from pipy_plugins.http.upstream import LOST
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.client import Client
from pipy_plugins.http.v2.heads import Block, Response
from pipy_plugins.http.v2.stream import Stream
from pipy_plugins.http.v2.upload import Upload


class Exchange(Upload):
    """A request and who waits for its response. A ``stream.Receiver``.

    :ivar since: when it was submitted last.
    """

    __slots__ = ("_heard", "_moves", "_owed", "_repeated", "_stalled", "since")

    since: float

    def __init__(self, user: User, start: MessageStart) -> None:
        super().__init__(user, start)
        self._moves = 0
        self._owed = 0  # bytes of the response that a slow client has not taken
        self._heard = self._repeated = self._stalled = False

    def _open(self, client: Client, block: Block, end: bool) -> Stream:
        """See ``Upload``."""
        return client.open(block, end, self)

    # -- from session to session ------------------------------------------------------------------------------------

    def cut(self, failure: Failure, served: bool) -> None:
        """See ``Receiver``. As over HTTP/1, what does no harm is sent once more: the session may have ended before it came."""
        self.stream = self.carrier = None
        harmless = self._received and not self._size and self.method in IDEMPOTENT and not self._heard
        if harmless and served and failure in LOST and not self._repeated:
            self._repeated = True
            self._carry()
        elif failure is Failure.NONE and not self._tunnel:
            self.fail(Failure.CONNECTION_RESET)
        else:
            self.fail(failure)

    def lost(self, code: int, by_peer: bool) -> None:
        """See ``Receiver``."""
        self.stream = self.carrier = None
        if by_peer and code == wire.REFUSED_STREAM and self._body is not None and not self._heard:
            self.move(Failure.CONNECTION_RESET, counts=True)
        else:
            self.fail(Failure.CONNECTION_RESET if by_peer else Failure.PROTOCOL_ERROR)

    def turn_away(self) -> None:
        """Too many wait already."""
        self.release()
        self.give(MessageStart(error_head(503)))
        self.give(END)

    # -- the response -----------------------------------------------------------------------------------------------

    def interim(self, head: Response) -> None:
        """See ``Receiver``: it goes past all filters, to whoever has the client."""
        self._heard = True
        self._body = None
        if self._relay is not None:
            self._relay.interim(head)

    def response(self, head: Response) -> None:
        """See ``Receiver``."""
        if self.carrier is not None:
            self.carrier.pool.answered(head.status, self.since)
        self._heard = self.started = True
        self._body = None
        self._tunnel = self.method == "CONNECT" and head.status < 300
        self.give(MessageStart(head))
        if self._tunnel:
            early, self._early = self._early, []
            self._size = 0
            for event in early:
                self.feed(event)
            self.drained()
            self.give(END)

    def data(self, payload: bytes) -> None:
        """See ``Receiver``. A client that does not take it holds up this stream, by its window, and no other."""
        user = self._user
        if user is None:
            return
        valves = user.host.held_by(self.give, Data(payload))
        self._owed += len(payload)
        if self._stalled:
            return
        if valves:
            self._stalled = True
            valves[0].when_open(self._go_on_later)
        else:
            self._consume()

    def _go_on_later(self) -> None:
        if self._user is not None and not self.over:
            self._user.host.after(0, self._go_on)

    def _go_on(self) -> None:
        self._stalled = False
        self._consume()
        self._flush()

    def _consume(self) -> None:
        owed, self._owed = self._owed, 0
        if self.stream is not None:
            self.stream.consumed(owed)

    def finished(self, tail: Head | None) -> None:
        """See ``Receiver``."""
        self.stream = None
        self.release()
        if self._tunnel:
            self.give(EOS)
        else:
            self.give(END if tail is None else MessageEnd(tail))
