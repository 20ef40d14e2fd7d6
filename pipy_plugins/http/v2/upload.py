"""A request on its way to a server over HTTP/2: what comes from a stream of a pipeline, and when it can be sent.

A request is sent as it comes. Only its head waits until the end of the turn, since then it is often known how long the body is, or
that there is none. As long as nothing has been heard of a response, up to ``HIGH_WATER`` bytes of its body are kept: a server that
has not looked at it (REFUSED_STREAM, GOAWAY) gets it again, or another one does.
"""

from abc import abstractmethod
from typing import Any, Protocol

from pipy_core.api import (
    END,
    Data,
    Event,
    Failure,
    Head,
    MessageEnd,
    MessageStart,
    ScriptError,
    StreamEnd,
    Timer,
    Valve,
    press,
    relieve,
)
from pipy_plugins.http.claim import Claim, User
from pipy_plugins.http.heads import Relay, RequestHead
from pipy_plugins.http.pool import Pool
from pipy_plugins.http.status import error_head
from pipy_plugins.http.v2.asked import ends_at_once, is_for_websocket, length_to_say, method_of, secured
from pipy_plugins.http.v2.client import Client
from pipy_plugins.http.v2.heads import Block, write_request, write_trailers
from pipy_plugins.http.v2.limits import HARD_LIMIT, HIGH_WATER
from pipy_plugins.http.v2.stream import Stream


class Carrier(Protocol):
    """The session that carries a request."""

    pool: Pool

    def flush(self) -> None:
        """See ``Upstream``."""

    def cancelled(self, exchange: Any) -> None:
        """See ``Upstream``."""


class Upload(Claim):
    """A request.

    :ivar method: of the request. :ivar carrier: the session it waits for or is sent by. :ivar stream: what it is sent by there.
    :ivar expects: the client sends no body before it gets ``100 Continue``, so the head has to go ahead.
    :ivar over: nothing more is sent, and nothing more will come.
    """

    __slots__ = (
        "_body",
        "_early",
        "_received",
        "_relay",
        "_size",
        "_start",
        "_submitted",
        "_tail",
        "_timer",
        "_tunnel",
        "_user",
        "_valve",
        "carrier",
        "expects",
        "method",
        "over",
        "started",
        "stream",
    )

    def __init__(self, user: User, start: MessageStart) -> None:
        head = start.head
        self._user: User | None = user
        self._start = start
        self._body: list[bytes] | None = []  # what may have to be sent, or sent again
        self._size = 0  # bytes of the body so far
        self._tail: Head | None = None
        self._early: list[Event] = []  # what must not be sent before the tunnel is agreed upon
        self._received = self._submitted = self.started = self._tunnel = self.over = False
        self._relay: Relay | None = head.relay if isinstance(head, RequestHead) else None
        self._valve: Valve | None = None
        self._timer: Timer | None = None
        self.carrier: Carrier | None = None
        self.stream: Stream | None = None
        self.expects = isinstance(head, RequestHead) and head.expects
        self.method = method_of(head)
        if not self.expects and not ends_at_once(head):
            self._timer = user.host.after(0, self.submit)

    # -- the request ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Something behind the head, or of what goes through the tunnel behind the request, has come."""
        if self.over:
            return
        if self._received:
            if self.method == "CONNECT":
                self._pass_through(event)
        elif type(event) is Data:
            if event.payload:
                self._add(event.payload)
        elif isinstance(event, StreamEnd) and event.error is not Failure.NONE:
            user = self._user
            self.cancel()
            if user is not None:
                user.emit(event)  # all the answer there will be
        elif type(event) is not MessageStart:
            self._complete(event.tail if isinstance(event, MessageEnd) else None)

    def _add(self, payload: bytes) -> None:
        self._size += len(payload)
        stream = self.stream
        if self._body is not None:
            self._body.append(payload)
            if stream is not None and self._size > HIGH_WATER:
                self._body = None
        if stream is not None:
            self._write(stream, payload)
        elif self._size > HIGH_WATER:
            if not self._submitted:
                self.submit()
            if self.stream is None:
                self._hold(self._size)

    def _write(self, stream: Stream, payload: bytes) -> None:
        stream.write(payload)
        self._flush()
        if stream.waiting > HIGH_WATER:
            self._hold(stream.waiting)

    def _complete(self, tail: Head | None) -> None:
        self._received = True
        self._tail = tail
        if self.stream is not None:
            self._end(self.stream)
            self._flush()
        elif not self._submitted:
            self.submit()

    def _end(self, stream: Stream) -> None:
        try:
            stream.end(write_trailers(self._tail))
        except ScriptError as error:
            self._cancel_stream()
            self._refuse(error)

    def submit(self) -> None:
        """Nothing more is waited for. To be called in the beginning if the client *expects* ``100 Continue``."""
        if not (self._submitted or self.over):
            self._submitted = True
            self._stop_timer()
            if is_for_websocket(self._start.head):
                self.release()
                self.give(MessageStart(error_head(501)))
                self.give(END)
            else:
                self._carry()

    def begin(self, client: Client) -> None:
        """Its turn has come: send what there is. If it cannot be sent at all its stream gets to know."""
        complete = self._received and self.method != "CONNECT"
        pieces = self._body or ()
        end = complete and not self._size and self._tail is None
        try:
            block = write_request(self._start.head, length_to_say(self._start.head, self.method, self._size) if complete else None)
            trailers = write_trailers(self._tail)
            if client.secure:
                block = secured(block, self._start.head)
        except ScriptError as error:
            self._refuse(error)
            return
        self.stream = stream = self._open(client, block, end)
        if self._size > HIGH_WATER:
            self._body = None
        if pieces:
            stream.write(b"".join(pieces), complete)
        if complete and not end:
            stream.end(trailers)
        if stream.waiting <= HIGH_WATER:
            self.drained()

    def _hold(self, size: int) -> None:
        user = self._user
        if user is None or self.over:
            return
        if size > HARD_LIMIT:
            self._cancel_stream()
            self.fail(Failure.BUFFER_OVERFLOW)
            return
        self._valve = press(user.host, self._valve)

    def drained(self) -> None:
        """See ``Receiver``: whoever waits for it may go on."""
        relieve(self._valve)

    def _flush(self) -> None:
        if self.carrier is not None:
            self.carrier.flush()

    def _cancel_stream(self) -> None:
        if self.carrier is not None:
            self.carrier.cancelled(self)

    def cancel(self) -> None:
        """Its stream does not exist any more, or its request cannot be completed."""
        self._user = None
        self._drop()
        self._cancel_stream()

    @abstractmethod
    def _open(self, client: Client, block: Block, end: bool) -> Stream:
        """Begin a stream whose response comes here."""

    # -- the tunnel behind CONNECT ----------------------------------------------------------------------------------

    def _pass_through(self, event: Event) -> None:
        stream = self.stream
        if not self._tunnel or stream is None:
            self._early.append(event)
            if type(event) is Data:
                self._size += len(event.payload)
                if self._size > HIGH_WATER:
                    self._hold(self._size)
        elif type(event) is Data:
            self._write(stream, event.payload)
        elif isinstance(event, StreamEnd):
            if event.error is Failure.NONE:
                stream.end([])
                self._flush()
            else:
                self.cancel()

    def _drop(self) -> None:
        """Nothing more is sent."""
        self.over = True
        self._relay = None
        self._body = None
        self._early = []
        self._stop_timer()
        self.drained()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
