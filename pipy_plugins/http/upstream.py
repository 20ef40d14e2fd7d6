"""One session of ``muxHTTP``: requests out in the order they came, responses back to whom they belong.

HTTP/1 has no other way to tell whose response it is than the order. So whenever the order is in doubt (a malformed response, half a
request, bytes nobody asked for) the session ends, and everybody who still waits is told.
"""

from pipy_core.api import END, EOS, Branch, Data, Event, Failure, Host, MessageStart, Session, StreamEnd, Target
from pipy_plugins.http.decoder import REST
from pipy_plugins.http.exchange import Exchange
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import ResponseHead
from pipy_plugins.http.responses import ResponseDecoder


class Upstream(Session):
    """A sub-pipeline that leads to a server. Its context is a copy of its first user's (spec: model.md, 5)."""

    __slots__ = ("_advancing", "_branch", "_closes", "_decoder", "_pending", "_sender", "_unsent")

    def __init__(self, host: Host, target: Target) -> None:
        super().__init__()
        self._pending: list[Exchange] = []  # in the order of their responses
        self._unsent: list[Exchange] = []  # those behind the sender that have not been sent
        self._sender: Exchange | None = None  # the one that may send
        self._advancing = False
        self._closes = False  # the server ends the connection behind this response
        self._decoder: ResponseDecoder | None = ResponseDecoder(self._response, self._method, self._interim)
        self._branch: Branch | None = host.join(target, self._reply, host.clone_context())

    # -- requests ---------------------------------------------------------------------------------------------------

    def submit(self, exchange: Exchange) -> None:
        """Take *exchange* on; its events follow."""
        self._pending.append(exchange)
        if exchange.isolates:
            self.retire()
        if self._sender is None:
            self._sender = exchange
            exchange.go()
        else:
            self._unsent.append(exchange)

    def may_send(self, exchange: Exchange) -> bool:
        """Whether all requests before *exchange* have been sent."""
        return self._sender is exchange

    def output(self, event: Event) -> None:
        """Hand *event*, encoded, to the server."""
        if self._branch is not None:
            self._branch.feed(event)

    def sent(self, exchange: Exchange) -> None:
        """*exchange* has sent its request: the next one may begin."""
        if self._sender is not exchange:
            return
        self._sender = None
        if self._advancing:
            return  # the loop below is where this came from
        self._advancing = True
        try:
            while self._sender is None and self._unsent:
                self._sender = following = self._unsent.pop(0)
                following.go()
        finally:
            self._advancing = False

    def cancelled(self, exchange: Exchange) -> None:
        """Nobody waits for *exchange* any more."""
        if exchange.tunnel or (exchange.on_wire and not exchange.ended):
            self._end(Failure.CONNECTION_CANCELED)
        elif not exchange.on_wire:
            self._pending.remove(exchange)
            exchange.release()
            if self._sender is exchange:
                self.sent(exchange)
            else:
                self._unsent.remove(exchange)
            self._end_if_unused()
        elif exchange.started and len(self._pending) == 1:
            self._end(Failure.NONE)  # nobody else waits: spare the server the rest of the response

    # -- responses --------------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        decoder = self._decoder
        if decoder is None:
            return
        if type(event) is Data:
            if not event.payload:
                return
            try:
                decoder.feed(event.payload)
            except BadMessage:
                self._end(Failure.PROTOCOL_ERROR)
            else:
                if decoder.held and not self._pending:
                    self._end(Failure.PROTOCOL_ERROR)
        elif type(event) is StreamEnd:
            failure = decoder.finish(event.error)
            self._end(failure)

    def _method(self) -> str:
        if not self._pending:
            raise BadMessage(502, "a response without a request")
        return self._pending[0].method

    def _interim(self, head: ResponseHead) -> None:
        if not self._pending:
            raise BadMessage(502, "a response without a request")
        self._pending[0].interim(head)

    def _response(self, event: Event) -> None:
        if not self._pending:
            return
        exchange = self._pending[0]
        if type(event) is MessageStart:
            head = event.head
            assert type(head) is ResponseHead
            if head.status == 101 and not exchange.isolates:
                raise BadMessage(502, "an upgrade that nobody has asked for")
            exchange.started = True
            self._closes = head.wire.close or (head.minor == 0 and not head.wire.stay)
            exchange.tunnel = head.status == 101 or (exchange.method == "CONNECT" and 200 <= head.status < 300)
            if self._closes or (self._decoder is not None and self._decoder.state is REST):
                self.retire()
            exchange.give(event)
        elif event is END:
            self._answered(exchange)
        else:
            exchange.give(event)

    def _answered(self, exchange: Exchange) -> None:
        if exchange.tunnel:
            exchange.give(END)
            exchange.go()
            return
        del self._pending[0]
        early = not exchange.ended
        exchange.release()
        exchange.give(END)
        if early or self._closes:
            self._end(Failure.CONNECTION_RESET)
        else:
            self._end_if_unused()

    # -- the end ----------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """See ``Session``."""
        if self._branch is not None:
            self._branch.feed(EOS)
        self._end(Failure.CONNECTION_CANCELED)

    def _end_if_unused(self) -> None:
        """Once retired, it ends with its last response."""
        if self.retired and not self._pending:
            self._end(Failure.NONE)

    def _end(self, failure: Failure) -> None:
        """No more responses: let go of everything, then tell those who wait."""
        self.retire()
        self._closes = True
        pending, self._pending, self._unsent = self._pending, [], []
        self._sender = None
        branch, self._branch = self._branch, None
        if branch is not None:
            branch.close()
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
        for exchange in pending:
            reason = failure
            if failure is Failure.NONE and not exchange.tunnel:
                reason = Failure.CONNECTION_RESET
            exchange.fail(reason)
