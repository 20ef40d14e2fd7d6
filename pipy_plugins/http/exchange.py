"""One request on its way to a server, and the stream that waits for the response."""

from typing import Final, Protocol

from pipy_core.api import END, EOS, Data, Emit, Event, Failure, Host, MessageStart, ScriptError, StreamEnd, Valve, deliver
from pipy_plugins.http.encoder import RequestWriter
from pipy_plugins.http.fieldlines import asks_for_upgrade
from pipy_plugins.http.heads import FailureHead, Relay, RequestHead, ResponseHead

#: Bytes of a request that waits for others to be sent; above that its client waits, too.
HIGH_WATER: Final = 64 * 1024


class User(Protocol):
    """The filter that a request came through."""

    emit: Emit
    host: Host


class Carrier(Protocol):
    """The session that carries a request."""

    def may_send(self, exchange: "Exchange") -> bool:
        """See ``Upstream``."""

    def output(self, event: Event) -> None:
        """See ``Upstream``."""

    def sent(self, exchange: "Exchange") -> None:
        """See ``Upstream``."""

    def cancelled(self, exchange: "Exchange") -> None:
        """See ``Upstream``."""


class Exchange(RequestWriter):
    """A request and who waits for its response.

    :ivar method: decides how the response is framed. :ivar ended: the request has been sent completely.
    :ivar started: the response has begun. :ivar on_wire: bytes of the request have been sent.
    :ivar isolates: it asks for another protocol: nobody else can use the session.
    :ivar tunnel: the server has agreed to that.
    """

    __slots__ = (
        "_carrier",
        "_queue",
        "_queued",
        "_relay",
        "_start",
        "_user",
        "_valve",
        "ended",
        "isolates",
        "method",
        "on_wire",
        "started",
        "tunnel",
    )

    def __init__(self, limit: int, user: User, carrier: Carrier, start: MessageStart) -> None:
        super().__init__(limit)
        self._user: User | None = user
        self._carrier: Carrier | None = carrier
        self._start: MessageStart | None = start
        self._queue: list[Event] = []  # what has to wait: for the requests before it, or for the other protocol
        self._queued = 0
        self._valve: Valve | None = None
        self._relay: Relay | None = None
        self.ended = self.on_wire = self.started = self.tunnel = False
        head = start.head
        if isinstance(head, RequestHead) and head.received is not None:
            self.method = head.method
            self.isolates = head.upgrades or head.method == "CONNECT"
        else:
            self.method, self.isolates = _look(start)
        if isinstance(head, RequestHead):
            self._relay = head.relay
        self.begin(head)

    # -- the request ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Something of the request, or what goes through the tunnel behind it, has come."""
        carrier = self._carrier
        if carrier is None:
            return
        if self.tunnel:
            carrier.output(event)
        elif self.ended:
            if self.isolates and type(event) is not MessageStart:
                self._wait(event)
        elif self._queue or not carrier.may_send(self):
            self._wait(event)
        else:
            self._send(carrier, event)

    def go(self) -> None:
        """All requests before it have been sent, or the tunnel is open: send what had to wait."""
        queue, self._queue = self._queue, []
        self._queued = 0
        user = self._user
        try:
            if not self.on_wire:
                self._begin_early()
            for event in queue:
                self.feed(event)
        except ScriptError as error:  # of this stream, while another one's event is being handled
            if user is not None:
                user.host.report(error)
                deliver(user.emit, StreamEnd(Failure.RUNTIME_ERROR), user.host)
        if self._valve is not None and self._valve.closed and not self._queue:
            self._valve.open()

    def _begin_early(self) -> None:
        """Send the head before the body if the client waits for ``100 Continue``."""
        head = self._head
        if self._carrier is not None and isinstance(head, RequestHead) and head.expects:
            self._output(self._carrier, self.flush())

    def _wait(self, event: Event) -> None:
        self._queue.append(event)
        if type(event) is Data and self._user is not None:
            self._queued += len(event.payload)
            if self._queued > HIGH_WATER:
                host = self._user.host
                if self._valve is None:
                    self._valve = host.new_valve()
                self._valve.close()
                host.hold(self._valve)

    def _send(self, carrier: Carrier, event: Event) -> None:
        if isinstance(event, StreamEnd) and event.error is not Failure.NONE:
            self.cancel()
            return
        try:
            if type(event) is Data:
                output = self.write(event.payload)
            elif type(event) is MessageStart:
                return
            else:
                output = self.finish()
                self.ended = True
        except ScriptError:
            self.cancel()
            raise
        if output:
            self._output(carrier, output)
        if self.ended:
            carrier.output(END)
            carrier.sent(self)

    def _output(self, carrier: Carrier, output: bytes) -> None:
        start, self._start = self._start, None
        self.on_wire = True
        if start is not None:
            carrier.output(start)
        if output:
            carrier.output(Data(output))

    def cancel(self) -> None:
        """Its stream does not exist any more, or its request cannot be completed."""
        self._user = None
        self._relay = None
        carrier = self._carrier
        if carrier is not None:
            carrier.cancelled(self)

    # -- the response -----------------------------------------------------------------------------------------------

    def give(self, event: Event) -> None:
        """Hand a part of the response to the stream, if it still exists. What goes wrong there stays there."""
        user = self._user
        if user is not None:
            deliver(user.emit, event, user.host)

    def interim(self, head: ResponseHead) -> None:
        """An interim response has come: it goes past all filters, to whoever has the client."""
        if self._relay is not None:
            self._relay.interim(head)

    def fail(self, failure: Failure) -> None:
        """There will be no more of a response."""
        started = self.started
        self.release()
        if not started and not self.tunnel:
            self.give(MessageStart(FailureHead(failure)))
        self.give(StreamEnd(failure) if failure is not Failure.NONE else EOS)

    def release(self) -> None:
        """The session has done its part."""
        self._carrier = None
        self._queue = []
        self._relay = None
        if self._valve is not None and self._valve.closed:
            self._valve.open()


def _look(start: MessageStart) -> tuple[str, bool]:
    """Method of a request that a script has made or looked at, and whether it asks for another protocol."""
    fields = start.head.fields if start.head is not None else {}
    method = fields.get("method")
    return method if isinstance(method, str) else "GET", method == "CONNECT" or asks_for_upgrade(fields.get("headers"))
