"""One session of ``muxHTTP``: requests out in the order they came, responses back to whom they belong.

HTTP/1 has no other way to tell whose response it is than the order. So whenever the order is in doubt (a malformed response, half a
request, bytes nobody asked for) the session ends, and everybody who still waits is told or goes to another session.

Requests that can be repeated without harm are written back to back; any other one travels alone: nothing is sent between it and
its response. What becomes of whom when a session ends: ``contrib/decisions``.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from pipy_core.api import END, EOS, Branch, Data, Emit, Event, Failure, Host, MessageStart, Session, StreamEnd, Valve
from pipy_plugins.http.claim import User
from pipy_plugins.http.decoder import REST
from pipy_plugins.http.exchange import Exchange
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import ResponseHead
from pipy_plugins.http.pace import Pace, Silence
from pipy_plugins.http.pool import Pool
from pipy_plugins.http.responses import ResponseDecoder
from pipy_plugins.http.status import error_head

#: How connections end that worked before.
LOST: Final = frozenset({Failure.NONE, Failure.CONNECTION_RESET, Failure.READ_ERROR, Failure.WRITE_ERROR})
#: How it ends that there never was one. Another one would fare no better.
UNREACHABLE: Final = frozenset(
    {
        Failure.CANNOT_RESOLVE,
        Failure.CONNECTION_REFUSED,
        Failure.CONNECTION_TIMEOUT,
        Failure.UNAUTHORIZED,
        Failure.RUNTIME_ERROR,
    }
)


class Upstream(Session):
    """A sub-pipeline that leads to a server.

    :param join: starts it; its output goes to what is given. :param pace: how long the server is waited for.
    """

    __slots__ = (
        "_branch",
        "_closes",
        "_decoder",
        "_full",
        "_heard",
        "_most",
        "_pausing",
        "_pending",
        "_pool",
        "_served",
        "_silence",
        "_tally",
        "_waiting",
        "_writing",
    )

    carries: ClassVar = Exchange

    def __init__(self, host: Host, join: Callable[[Emit], Branch], pace: Pace) -> None:
        super().__init__()
        self._most = pace.most
        self._tally = host.context.group.tally  # of whoever has begun it
        self._heard = 0  # how often something came
        self._full: Sequence[Valve] = ()  # while one of these is closed nothing more is read
        self._pausing = False  # the response that is coming is one of events
        self._silence = Silence[Exchange](host.clock, pace.timeout, self._due, self._give_up)
        self._pool = Pool(host, self, "1")
        self._waiting: deque[Exchange] = deque()  # nothing of them has been sent
        self._pending: list[Exchange] = []  # in the order of their responses
        self._writing = False
        self._closes = False  # nothing more can be sent
        self._served = False  # there has been a response
        self._decoder = ResponseDecoder(self._response, self._method, self._interim, host.limits)
        self._branch: Branch | None = join(self._reply)

    # -- requests ---------------------------------------------------------------------------------------------------

    def exchange(self, limit: int, user: User, start: MessageStart) -> Exchange:
        """A request that begins with *start*, for this session or another one of its kind."""
        return Exchange(limit, user, start)

    def submit(self, exchange: Exchange) -> None:
        """Send *exchange* in its turn. The session must not be retired."""
        exchange.carrier = self
        exchange.since = self._pool.now()
        if exchange.isolates:
            self.retire()
        if len(self._waiting) + len(self._pending) > self._most:  # the first one is being answered, all others wait
            self._tally.refuse("pending")
            exchange.release()
            exchange.give(MessageStart(error_head(503)))
            exchange.give(END)
            return
        self._waiting.append(exchange)
        self._advance()

    def output(self, events: Iterable[Event]) -> None:
        """Hand *events*, encoded, to the server."""
        self._write(events)
        self._advance()

    def _advance(self) -> None:
        """Send what may be sent, unless something is being sent: this came from an answer to it, and is looked at behind it."""
        while self._waiting and not (self._writing or self._closes):
            following = self._waiting[0]
            if self._pending and (following.alone or self._pending[-1].alone):
                return
            self._waiting.popleft()
            events = following.opening()
            if events:
                self._pending.append(following)
                if not self._silence.armed:
                    self._silence.arm()
                self._write(events)
            else:
                self._end_if_unused()

    def _write(self, events: Iterable[Event]) -> None:
        before, self._writing = self._writing, True
        for event in events:
            if self._branch is not None:
                self._branch.feed(event)
        self._writing = before

    def cancelled(self, exchange: Exchange) -> None:
        """Nobody waits for *exchange* any more."""
        if not exchange.on_wire:
            self._waiting.remove(exchange)
            exchange.release()
            self._advance()
            self._end_if_unused()
        elif exchange.tunnel or not exchange.ended:
            self._end(Failure.CONNECTION_CANCELED)
        elif len(self._pending) == 1 and (exchange.started or self._waiting):
            self._end(Failure.CONNECTION_CANCELED)  # spare the server the response, and those behind the wait for it

    # -- responses --------------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        if self._branch is None:
            return
        decoder = self._decoder
        if type(event) is Data:
            if not event.payload:
                return
            self._heard += 1
            self._full = ()
            try:
                decoder.feed(event.payload)
            except BadMessage:
                self._end(Failure.PROTOCOL_ERROR)
            else:
                if not self._pending and decoder.held:
                    self._end(Failure.PROTOCOL_ERROR)
        elif type(event) is StreamEnd:
            if decoder.held and self._pending:
                self._pending[0].heard = True
            self._end(decoder.finish(event.error))

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
            self._pool.answered(head.status, exchange.since)
            exchange.started = exchange.heard = True
            self._pausing = head.wire.is_event_stream
            exchange.tunnel = head.status == 101 or (exchange.method == "CONNECT" and 200 <= head.status < 300)
            if head.wire.close or (head.minor == 0 and not head.wire.stay) or self._decoder.state is REST:
                self._close_to_others()
            exchange.give(event)
        elif event is END:
            self._answered(exchange)
        else:
            full = exchange.pass_on(event)
            if full:
                self._full = (*self._full, *full)

    def _answered(self, exchange: Exchange) -> None:
        if exchange.tunnel:
            exchange.switch()
            exchange.give(END)
            return
        del self._pending[0]
        self._served = True
        if not exchange.ended:
            self._close_to_others()  # where the next request would begin, only the server knows
        exchange.release()
        exchange.give(END)
        if self._closes:
            self._end(Failure.CONNECTION_RESET)
        elif self._waiting:
            self._advance()
        else:
            self._end_if_unused()

    # -- patience ---------------------------------------------------------------------------------------------------

    def _due(self) -> Iterable[tuple[Exchange, int | None]]:
        """To whom the server has to say something. Events may be rare, and a tunnel, or half a request, is no question; nor is it
        the server who is slow where a client is.
        """
        if self._pending and self._branch is not None:
            first = self._pending[0]
            if not first.tunnel and not (first.started and self._pausing):
                asked = first.ended and not any(valve.closed for valve in self._full)
                yield first, self._heard if asked else None

    def _give_up(self, late: list[Exchange]) -> None:
        for _ in late:
            self._tally.refuse("response timeout")
        self._end(Failure.READ_TIMEOUT)

    # -- the end ----------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """See ``Session``."""
        self._write((EOS,))
        self._end(Failure.CONNECTION_CANCELED)

    def _close_to_others(self) -> None:
        """This response is the last one; those whose turn has not come need not wait for its end."""
        self.retire()
        self._closes = True
        waiting, self._waiting = self._waiting, deque()
        for exchange in waiting:
            exchange.carrier = None
        for exchange in waiting:
            exchange.move(Failure.CONNECTION_RESET, counts=False)

    def _end_if_unused(self) -> None:
        """Once retired, it ends with its last response."""
        if self.retired and not self._pending and not self._waiting:
            self._end(Failure.NONE)

    def _end(self, failure: Failure) -> None:
        """No more responses: let go of everything, then tell those who wait, or find another session for them."""
        branch, self._branch = self._branch, None
        if branch is None:
            return
        self._pool.ended()
        self.retire()
        self._closes = True
        pending, self._pending = self._pending, []
        waiting, self._waiting = self._waiting, deque()
        for exchange in (*pending, *waiting):
            exchange.carrier = None
        branch.close()
        self._decoder.close()
        reason = Failure.CONNECTION_RESET if failure is Failure.NONE else failure
        for exchange in pending:
            if exchange.repeatable and self._served and failure in LOST:
                exchange.repeat()
            else:
                exchange.fail(failure if exchange.tunnel else reason)
        # There is an end to moving: whatever is answered or cancelled is one less, and what is neither is counted.
        counts = not self._served and failure is not Failure.CONNECTION_CANCELED
        for exchange in waiting:
            if counts and failure in UNREACHABLE:
                exchange.fail(reason)
            else:
                exchange.move(reason, counts)
