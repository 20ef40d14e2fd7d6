"""One request on its way to a server, and the stream that waits for the response.

A request is collected before any of it is sent: a slow client does not keep a session from others, and what has not been sent can
still go by another session. A body of more than ``COLLECTED`` bytes is not waited for: the rest goes on as it comes.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from pipy_core.api import (
    END,
    Data,
    Event,
    Failure,
    MessageStart,
    ScriptError,
    StreamEnd,
    Valve,
    press,
    relieve,
)
from pipy_plugins.http.claim import Claim, User
from pipy_plugins.http.encoder import RequestWriter
from pipy_plugins.http.fieldlines import look_at
from pipy_plugins.http.heads import Relay, RequestHead, ResponseHead

#: Bytes of a body that are waited for before anything is sent, unless ``bufferSize`` is more; above that a client whose turn has
#: not come waits. nginx collects whole bodies, above 16 KiB in a file.
COLLECTED: Final = 128 * 1024
#: Methods that do the same if done twice (RFC 9110, 9.2.2).
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


class Carrier(Protocol):
    """The session that carries a request."""

    def output(self, events: Iterable[Event]) -> None:
        """See ``Upstream``."""

    def cancelled(self, exchange: "Exchange") -> None:
        """See ``Upstream``."""


class Exchange(RequestWriter, Claim):
    """A request and who waits for its response.

    :ivar carrier: the session it waits for or is sent by.
    :ivar method: decides how the response is framed. :ivar alone: nothing may be sent between it and its response.
    :ivar on_wire: bytes of the request have been sent. :ivar ended: it has been sent completely.
    :ivar heard: something of a response has come. :ivar started: the response has begun.
    :ivar expects: the client sends no body before it gets ``100 Continue``, so the head has to go ahead.
    :ivar isolates: it asks for another protocol: nobody else can use the session.
    :ivar tunnel: the server has agreed to that. :ivar over: nothing more is sent, and nothing more will come.
    :ivar since: when it was submitted last.
    """

    __slots__ = (
        "_body",
        "_collected",
        "_early",
        "_kept",
        "_moves",
        "_received",
        "_relay",
        "_start",
        "_submitted",
        "_user",
        "_valve",
        "alone",
        "carrier",
        "ended",
        "expects",
        "heard",
        "isolates",
        "method",
        "on_wire",
        "over",
        "since",
        "started",
        "tunnel",
    )

    since: float

    def __init__(self, limit: int, user: User, start: MessageStart) -> None:
        RequestWriter.__init__(self, limit)  # see ReceivedHead
        self._user: User | None = user
        self._start = start
        self._body: list[bytes] = []
        self._early: list[Event] = []  # what must not be sent before the other protocol is agreed upon
        self._collected = self._kept = 0  # bytes in these two
        self._moves = 0
        self._submitted = self._received = self.over = self.expects = False
        self._relay: Relay | None = None
        self._valve: Valve | None = None
        self.carrier: Carrier | None = None
        self.alone = True
        self.ended = self.on_wire = self.heard = self.started = self.tunnel = False
        head = start.head
        if isinstance(head, RequestHead) and head.received is not None:
            self.method = head.method
            self.isolates = head.upgrades or head.method == "CONNECT"
        else:
            self.method, self.isolates = look_at(head)
        if isinstance(head, RequestHead):
            self.isolates = self.isolates and (head.upgrades or self.method == "CONNECT")
            self._relay = head.relay
            self.expects = head.expects
        self.begin(head)

    # -- the request ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Something behind the head, or of what goes through the tunnel behind the request, has come."""
        if self.over:
            return
        if self.tunnel:
            self._output(event)
        elif self._received:
            if self.isolates and type(event) is not MessageStart:
                self._keep_early(event)
        elif type(event) is Data:
            self._add(event.payload)
        elif isinstance(event, StreamEnd) and event.error is not Failure.NONE:
            user = self._user
            self.cancel()
            if user is not None:
                user.emit(event)  # all the answer there will be
        elif type(event) is not MessageStart:
            self._complete()

    def _add(self, payload: bytes) -> None:
        if not payload:
            return
        if self.on_wire:
            self._output(Data(self.write(payload)))
            return
        self._body.append(payload)
        self._collected += len(payload)
        if self._collected > max(self._limit, COLLECTED):
            if not self._submitted:
                self.submit()
            if not (self.on_wire or self.over):
                self._hold()

    def _complete(self) -> None:
        self._received = True
        if self.on_wire:
            self.ended = True
            self._output(Data(self.finish()), END)
        elif not self._submitted:
            self.submit()

    def submit(self) -> None:
        """Nothing more is waited for. To be called in the beginning if the client *expects* ``100 Continue``: see there."""
        self._submitted = True
        self.alone = bool(self._body) or self.isolates or not self._received or self.method not in IDEMPOTENT
        self._carry()

    def opening(self) -> list[Event]:
        """Its turn has come: what can be sent now. Nothing if it cannot be sent at all; its stream knows then."""
        events: list[Event] = [self._start]
        try:
            if self._received and self._collected <= self._limit:
                for piece in self._body:
                    self.write(piece)
                events += (Data(self.finish()), END)
            else:
                events += map(Data, self.stream(self._body))
                if self._received:
                    events += (Data(self.finish()), END)
        except ScriptError as error:
            self._refuse(error)
            return []
        self.on_wire = True
        self.ended = self._received
        if self._body:
            self._body = []
            relieve(self._valve)
        return events

    def switch(self) -> None:
        """The other protocol is agreed upon: what had to wait for that may go."""
        early, self._early = self._early, []
        self._output(*early)
        relieve(self._valve)

    def _output(self, *events: Event) -> None:
        if self.carrier is not None:
            self.carrier.output(events)

    def _keep_early(self, event: Event) -> None:
        self._early.append(event)
        if type(event) is Data:
            self._kept += len(event.payload)
            if self._kept > COLLECTED:
                self._hold()

    def _hold(self) -> None:
        if self._user is not None:
            self._valve = press(self._user.host, self._valve)

    def cancel(self) -> None:
        """Its stream does not exist any more, or its request cannot be completed."""
        self._user = None
        if not self.over:
            self._drop()
            if self.carrier is not None:
                self.carrier.cancelled(self)

    # -- from session to session ------------------------------------------------------------------------------------

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again although the server may have got it: it does no harm, and nothing was answered."""
        return not (self.alone or self.heard)

    def repeat(self) -> None:
        """Its session was lost before it was answered: send it again, once, and with nothing behind it (RFC 9112, 9.3.2)."""
        self.alone = True
        self.on_wire = self.ended = False
        self.begin(self._head)
        self._carry()

    # -- the response -----------------------------------------------------------------------------------------------

    def interim(self, head: ResponseHead) -> None:
        """An interim response has come: it goes past all filters, to whoever has the client."""
        self.heard = True
        if self._relay is not None:
            self._relay.interim(head)

    def pass_on(self, event: Event) -> Sequence[Valve]:
        """Hand a part of the body to the stream. Gives what has no room for more: the server's reader waits for it."""
        user = self._user
        if user is None:
            return ()
        host = user.host
        full = host.held_by(self.give, event)
        for valve in full:
            host.hold(valve)
        return full

    def _drop(self) -> None:
        """Nothing more is sent."""
        self.over = True
        self._relay = None
        self._body, self._early = [], []
        relieve(self._valve)
