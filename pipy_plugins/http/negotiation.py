"""A session of ``muxHTTP`` before it is known which version of HTTP it speaks: that is agreed on by TLS (ALPN, RFC 7301).

The sub-pipeline is started with a flush. ``connectTLS`` answers with one when the handshake is over, and ``context.alpn`` says what
came out of it. Requests are kept until then; then there is a session of one kind or the other in the place of this one.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

from pipy_core.api import (
    END,
    FLUSH,
    Branch,
    Clock,
    Context,
    Data,
    Emit,
    Event,
    Failure,
    Host,
    MessageStart,
    Session,
    StreamEnd,
    Target,
    Valve,
    deliver,
    get_logger,
    ignore,
    press,
    relieve,
)
from pipy_plugins.http.exchange import COLLECTED
from pipy_plugins.http.heads import FailureHead
from pipy_plugins.http.status import error_head

#: Seconds for connecting and the handshake. Without ``connectTLS`` and its ``alpn`` there never is an answer.
PATIENCE: Final = 60.0


class User(Protocol):
    """The filter that a request came through."""

    emit: Emit
    host: Host

    def decided(self, session: Any, events: list[Event]) -> None:
        """Send what has come so far by *session*."""


class Undecided:
    """A request that waits for the decision.

    :ivar expects: ``submit`` is to be called in the beginning. :ivar over: it is decided, or there will be no answer.
    """

    __slots__ = ("_events", "_negotiation", "_size", "_user", "_valve", "over")
    expects = True

    def __init__(self, negotiation: "Negotiation", user: User, start: MessageStart) -> None:
        self._negotiation: Negotiation | None = negotiation
        self._user = user
        self._events: list[Event] = [start]
        self._size = 0
        self._valve: Valve | None = None
        self.over = False

    def feed(self, event: Event) -> None:
        """Something behind the head has come."""
        if self.over:
            return
        self._events.append(event)
        if type(event) is Data:
            self._size += len(event.payload)
            if self._size > COLLECTED:
                self._valve = press(self._user.host, self._valve)
        elif isinstance(event, StreamEnd) and event.error is not Failure.NONE:
            self.cancel()
            self._user.emit(event)

    def submit(self) -> None:
        """Ask the server, if nobody has: it may answer at once."""
        if self._negotiation is not None:
            self._negotiation.admit(self)

    def cancel(self) -> None:
        """Its stream does not exist any more, or its request cannot be completed."""
        negotiation = self._negotiation
        self._let_go()
        if negotiation is not None:
            negotiation.cancelled(self)

    def decided(self, session: Session) -> None:
        """*session* is what there is now."""
        events = self._events
        self._let_go()
        self._user.decided(session, events)

    def turn_away(self) -> None:
        """Too many wait already."""
        self._let_go()
        user = self._user
        deliver(user.emit, MessageStart(error_head(503)), user.host)
        deliver(user.emit, END, user.host)

    def fail(self, failure: Failure) -> None:
        """There is no session."""
        self._let_go()
        user = self._user
        deliver(user.emit, MessageStart(FailureHead(failure)), user.host)
        deliver(user.emit, StreamEnd(failure), user.host)

    def _let_go(self) -> None:
        self.over = True
        self._negotiation = None
        self._events = []
        relieve(self._valve)


class Exchange(Protocol):
    """A request that was prepared for one version or the other and whose session was lost."""

    over: bool

    def move(self, failure: Failure, counts: bool) -> None:
        """Go to the session that there is."""

    def fail(self, failure: Failure) -> None:
        """There is none."""


class _Moved:
    """One that waits for another session."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def decided(self, _session: Session) -> None:
        if not self._exchange.over:
            self._exchange.move(Failure.CONNECTION_RESET, counts=False)

    def fail(self, failure: Failure) -> None:
        if not self._exchange.over:
            self._exchange.fail(failure)


class Negotiation(Session):
    """A sub-pipeline that leads to a server, which has not said yet what it speaks.

    :param decide: makes the session that takes this one's place, given the protocol and what joins the sub-pipeline to it.
    :param most: requests that may wait for it.
    """

    __slots__ = ("_branch", "_clock", "_context", "_decide", "_forward", "_most", "_started", "_tally", "_timer", "_waiting")

    carries: ClassVar = _Moved

    def __init__(self, host: Host, target: Target, decide: Callable[[str, Callable[[Emit], Branch]], Session], most: int) -> None:
        super().__init__()
        self._decide = decide
        self._most = most
        self._tally = host.context.group.tally  # of whoever has begun it
        self._clock: Clock = host.clock
        self._context: Context = host.clone_context()
        self.context = self._context
        self._waiting: list[Undecided | _Moved] = []
        self._forward: Emit | None = None  # it is decided
        self._started = False
        self._timer = self._clock.after(PATIENCE, self._give_up)
        self._branch = host.join(target, self._reply, self._context)

    def exchange(self, _limit: int, user: User, start: MessageStart) -> Undecided:
        """A request that begins with *start*."""
        undecided = Undecided(self, user, start)
        self._waiting.append(undecided)
        return undecided

    def submit(self, exchange: Exchange) -> None:
        """Let *exchange*, whose session was lost, wait too."""
        self._waiting.append(_Moved(exchange))
        self.start()

    def admit(self, undecided: Undecided) -> None:
        """*undecided* is to wait, unless too many do."""
        if len(self._waiting) > self._most:
            self._tally.refuse("pending")
            self._waiting.remove(undecided)
            undecided.turn_away()
        else:
            self.start()

    def start(self) -> None:
        """Begin with the handshake."""
        if not self._started:
            self._started = True
            self._branch.feed(FLUSH)

    def cancelled(self, undecided: Undecided) -> None:
        """Nobody waits for it any more."""
        self._waiting.remove(undecided)

    def _reply(self, event: Event) -> None:
        if self._forward is not None:
            self._forward(event)
        elif isinstance(event, StreamEnd):
            self._fail(Failure.CONNECTION_RESET if event.error is Failure.NONE else event.error)
        elif isinstance(event, Data):
            forward = self._settle()
            if event.payload:
                forward(event)

    def _settle(self) -> Emit:
        self._timer.cancel()
        waiting, self._waiting = self._waiting, []
        session = self._decide(self._context.alpn, self._adopt)
        session.context = self._context
        self.retire()
        for one in waiting:
            one.decided(session)
        return self._forward or ignore

    def _adopt(self, reply: Emit) -> Branch:
        self._forward = reply
        return self._branch

    def _give_up(self) -> None:
        get_logger("muxHTTP").error("version 'auto': no answer from the session; it needs a connectTLS with the option alpn")
        self._fail(Failure.CONNECTION_TIMEOUT)

    def expire(self) -> None:
        """See ``Session``."""
        self._fail(Failure.CONNECTION_CANCELED)

    def _fail(self, failure: Failure) -> None:
        self.retire()
        self._timer.cancel()
        self._branch.close()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.fail(failure)
