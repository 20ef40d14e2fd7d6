"""The connections of a script to upstreams that a test plays, without sockets."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from pipy_core.errors import PipyError
from pipy_core.events import Data, Event, Failure, Message, StreamEnd
from pipy_core.filter import Emit, ignore
from pipy_core.limits import DEFAULTS
from pipy_core.logs import get_logger
from pipy_core.trial.exchange import Exchange
from pipy_core.trial.http1 import NotHTTP, Reader
from pipy_core.trial.manner import Manner
from pipy_core.trial.surroundings import Inlet, Surroundings

#: Bytes that one connection of an upstream, or a client, remembers.
RECEIVED_LIMIT: Final = 64 * 1024 * 1024

_log = get_logger("outbound")


class Peer(Protocol):
    """What a connection is passed on to: see ``streams.Client``."""

    closed: bool

    def send(self, payload: bytes) -> None:
        """Bytes have come."""

    def end(self) -> None:
        """No more will come."""


class Server(Protocol):
    """What a connection leads to: see ``upstreams.Upstream``."""

    address: str
    answer: Callable[[Exchange], None]
    manner: Manner
    requests: list[Message]
    links: list["Link"]
    relay: "Callable[[Link], Peer] | None"


class Link:
    """One connection of the script to an upstream: the ``Branch`` of the filter that asked for it.

    :param options: see ``net.outbound``; ``bufferLimit`` and ``writeTimeout`` do not matter, an upstream takes what it gets.
    :ivar received: what the script has sent.
    :ivar closed: whether it has ended, on either side.
    """

    def __init__(self, surroundings: Surroundings, upstream: Server, options: Mapping[str, Any], reply: Emit) -> None:
        self.received = bytearray()
        self.closed = False
        self._surroundings = surroundings
        self._upstream = upstream
        self._options = options
        self._reply = reply
        self._inlet: Inlet | None = None  # once it is connected
        self._reader = Reader(responses=False)
        self._unread = bytearray()
        self._exchanges: deque[Exchange] = deque()
        self._ended = False  # the script will send no more
        self._peer: Peer | None = None
        self._flushed = True
        self._sent = 0
        self._attempts = 0
        surroundings.later(0.0, self._attempt)

    # -- as a branch ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        if self._ended or self.closed:
            return
        if isinstance(event, Data):
            self._unread += event.payload
        elif isinstance(event, StreamEnd):
            self._ended = True
        if self._flushed:
            self._flushed = False
            self._surroundings.turn.dirty.append(self)

    def flush(self) -> None:
        """See ``turn.Sink``: what was written in a turn arrives at once, after it."""
        self._flushed = True
        if self._inlet is not None:
            self._surroundings.later(0.0, self._serve)

    def drain(self) -> None:
        """See ``Branch``."""

    def busy(self) -> bool:
        """See ``Branch``."""
        return self._reply is not ignore

    def close(self) -> None:
        """See ``Branch``."""
        self._reply = ignore
        self._shut()

    # -- connecting -------------------------------------------------------------------------------------------------

    def _attempt(self) -> None:
        if self._reply is ignore:
            return
        manner, limit = self._upstream.manner, self._options["connectTimeout"] or DEFAULTS.connect_timeout
        if manner.connect_delay > limit:
            self._surroundings.later(limit, lambda: self._cannot_connect(Failure.CONNECTION_TIMEOUT))
        elif manner.refuse is not Failure.NONE:
            self._surroundings.later(manner.connect_delay, lambda: self._cannot_connect(manner.refuse))
        else:
            self._surroundings.later(manner.connect_delay, self._connected)

    def _cannot_connect(self, failure: Failure) -> None:
        if self._reply is ignore:
            return
        _log.error(f"{self._upstream.address} cannot connect: {failure.text}")
        retries = self._options["retryCount"]
        if 0 <= retries <= self._attempts:
            self.closed = True
            self._surroundings.run(self._receive, StreamEnd(failure))
            return
        self._attempts += 1
        _log.warning(f"{self._upstream.address} retry connecting... (retries = {self._attempts})")
        self._surroundings.later(self._options["retryDelay"], self._attempt)

    def _connected(self) -> None:
        if self._reply is ignore:
            return
        self._inlet = Inlet(self._surroundings, self._receive, self._options["readTimeout"])
        self._upstream.links.append(self)
        if self._upstream.relay is not None:
            self._peer = self._upstream.relay(self)
        if self._upstream.manner.greeting:
            self.send(self._upstream.manner.greeting)
        self._serve()

    # -- the upstream's side ----------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        """Send *payload* to the script."""
        if self._inlet is None or self.closed:
            return
        limit = self._upstream.manner.close_after
        if limit is not None:
            payload = payload[: limit - self._sent]
        self._sent += len(payload)
        if payload:
            self._inlet.put(Data(payload))
        if limit is not None and self._sent >= limit:
            self.end()

    def end(self, failure: Failure = Failure.NONE) -> None:
        """Close the connection."""
        if self._inlet is not None and not self.closed:
            self.closed = True
            self._inlet.put(StreamEnd(failure))

    def proceed(self) -> None:
        """Send the answers whose turn it is, each when its time has come."""
        while self._exchanges and self._exchanges[0].answered:
            exchange = self._exchanges.popleft()
            self._surroundings.later(self._upstream.manner.delay, partial(self._send, exchange))

    def _send(self, exchange: Exchange) -> None:
        self.send(exchange.content)
        if exchange.is_last or (self._ended and not self._exchanges and not self._unread):
            self.end()

    def _serve(self) -> None:
        """The upstream reads what has come."""
        payload = bytes(self._unread)
        self._unread.clear()
        if self.closed:
            return
        if len(self.received) + len(payload) > RECEIVED_LIMIT:
            self._surroundings.problems.append(f"more than {RECEIVED_LIMIT} bytes were sent to {self._upstream.address}")
            self.end(Failure.READ_ERROR)
            return
        self.received += payload
        if self._peer is not None:
            self._pass_on(self._peer, payload)
            return
        if payload:
            self._read(payload)
        if self._ended and not self._exchanges:
            self.end()

    def _pass_on(self, peer: Peer, payload: bytes) -> None:
        if payload and not peer.closed:
            peer.send(payload)
        if self._ended:
            peer.end()

    def _read(self, payload: bytes) -> None:
        if self._upstream.manner.raw or self._reader.raw:
            self._ask(Exchange(self.proceed, payload))
            return
        try:
            requests = self._reader.feed(payload)
        except NotHTTP as error:
            self._surroundings.problems.append(f"what {self._upstream.address} got is no HTTP: {error}")
            self.end()
            return
        for request in requests:
            self._upstream.requests.append(request)
            assert request.head is not None
            self._ask(Exchange(self.proceed, request, request.head.fields["method"]))

    def _ask(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        try:
            self._upstream.answer(exchange)
        except (PipyError, TypeError) as error:
            self._surroundings.problems.append(f"{self._upstream.address} cannot answer: {error}")

    # -- the script's side ------------------------------------------------------------------------------------------

    def _receive(self, event: Event) -> None:
        reply = self._reply
        if isinstance(event, StreamEnd):
            self._reply = ignore
            self._shut()
        reply(event)

    def _shut(self) -> None:
        self.closed = self._ended = True
        self._unread.clear()
        if self._inlet is not None:
            self._inlet.stop()
