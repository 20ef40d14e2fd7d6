"""One session of ``muxHTTP`` that speaks HTTP/2: requests of many streams of pipelines become streams of one connection.

Decides which requests are on it and when it ends; what goes over it is ``client``'s business. Requests beyond what the server
allows at the same time wait in order. What becomes of whom when a session ends: ``contrib/decisions``.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from pipy_core.api import EOS, Branch, Data, Emit, Event, Failure, Host, MessageStart, Session, StreamEnd
from pipy_plugins.http.claim import User
from pipy_plugins.http.pace import Pace, Silence
from pipy_plugins.http.pool import Pool
from pipy_plugins.http.upstream import UNREACHABLE
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.client import Client
from pipy_plugins.http.v2.exchange import Exchange
from pipy_plugins.http.v2.wire import BrokenConnection

#: Seconds that a server has to end the connection once we have.
LINGER: Final = 5.0


class Upstream(Session):
    """A sub-pipeline that leads to a server.

    :param join: starts it; its output goes to what is given. :param pace: how long the server is waited for.
    :param secure: it is known to use TLS.
    """

    __slots__ = (
        "_branch",
        "_client",
        "_feeding",
        "_flushing",
        "_heard",
        "_host",
        "_inbox",
        "_leaving",
        "_most",
        "_silence",
        "_tally",
        "_waiting",
        "pool",
    )

    carries: ClassVar = Exchange

    def __init__(self, host: Host, join: Callable[[Emit], Branch], pace: Pace, secure: bool = False) -> None:
        super().__init__()
        self._most = pace.most
        self._tally = host.context.group.tally  # of whoever has begun it
        self._heard = False  # something has come since somebody was last given up
        self._silence = Silence[Exchange](host.clock, pace.timeout, self._due, self._give_up)
        self.pool = Pool(host, self, "2")
        self._host = host
        self._client = Client(host.clock.now, secure, host.limits)
        self._waiting: deque[Exchange] = deque()  # there is no room for them yet
        self._inbox: deque[bytes] = deque()  # what has come and not been looked at
        self._feeding = self._flushing = False
        self._leaving: Branch | None = None  # we have said goodbye, and wait for the end
        self._branch: Branch | None = join(self._reply)

    # -- requests ---------------------------------------------------------------------------------------------------

    def exchange(self, _limit: int, user: User, start: MessageStart) -> Exchange:
        """A request that begins with *start*, for this session or another one of its kind."""
        return Exchange(user, start)

    def submit(self, exchange: Exchange) -> None:
        """Send *exchange* when there is room for it. The session must not be retired."""
        exchange.carrier = self
        exchange.since = self.pool.now()
        if len(self._waiting) >= self._most:
            self._tally.refuse("pending")
            exchange.turn_away()
            return
        self._waiting.append(exchange)
        if not self._silence.armed:
            self._silence.arm()
        self._advance()
        self.flush()

    def _advance(self) -> None:
        client = self._client
        if client.exhausted:
            self._turn_away()
            return
        while self._waiting and len(client.streams) < client.limit and self._branch is not None:
            self._waiting.popleft().begin(client)

    def flush(self) -> None:
        """Hand what is to be sent to the server. While something that came is being looked at, that waits for the end of it."""
        if self._flushing or self._feeding:
            return
        client = self._client
        self._flushing = True
        while client.out and self._branch is not None:
            data = Data(b"".join(client.out))
            client.out.clear()
            valves = self._host.held_by(self._branch.feed, data)
            if valves:
                client.choked = True
                valves[0].when_open(self._go_on_later)
            else:
                client.pump()
        self._flushing = False

    def _go_on_later(self) -> None:
        self._host.clock.after(0, self._go_on)

    def _go_on(self) -> None:
        self._client.choked = False
        self._client.pump()
        self.flush()

    def cancelled(self, exchange: Exchange) -> None:
        """Nobody waits for *exchange* any more."""
        stream, exchange.stream = exchange.stream, None
        if stream is not None:
            self._client.reset(stream, wire.CANCEL)
        elif exchange in self._waiting:
            self._waiting.remove(exchange)
        exchange.release()
        if not self._feeding:
            self._settle()

    # -- responses --------------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        if type(event) is Data:
            if event.payload and self._branch is not None:
                self._heard = True
                self._inbox.append(event.payload)
                if not self._feeding:
                    self._feed()
        elif type(event) is StreamEnd:
            self._end(event.error)
            if self._leaving is not None:
                self._leaving.close()
                self._leaving = None

    def _feed(self) -> None:
        client = self._client
        self._feeding = True
        try:
            while self._inbox and self._branch is not None:
                client.feed(self._inbox.popleft())
        except BrokenConnection as error:
            self._feeding = False
            self._say_goodbye(error.code)
            self._end(Failure.PROTOCOL_ERROR)
            return
        self._feeding = False
        if client.last is not None:
            self._heed(client.last)
        self._settle()

    def _heed(self, last: int) -> None:
        """The server looks at nothing behind its stream *last*: that goes elsewhere."""
        self.retire()
        client = self._client
        for number, stream in list(client.streams.items()):
            if number > last and client.streams.pop(number, None) is not None:
                client.forget(number)
                stream.receiver.lost(wire.REFUSED_STREAM, by_peer=True)

    def _settle(self) -> None:
        """Something has come to its end: send what waits for that. Once retired, the session ends with its last response."""
        if self._branch is None:
            return
        self._advance()
        self.flush()
        if self.retired and not self._client.streams and not self._waiting:
            self._say_goodbye(wire.NO_ERROR)

    # -- patience ---------------------------------------------------------------------------------------------------

    def _due(self) -> Iterable[tuple[Exchange, int | None]]:
        """Who has asked and has no answer yet. Behind its head the body may take its time: many a stream is one of events."""
        for stream in self._client.streams.values():
            exchange = stream.receiver
            if not stream.responded and isinstance(exchange, Exchange):
                yield exchange, 0 if stream.sent_all else None

    def _give_up(self, late: list[Exchange]) -> None:
        """If nothing has come for anybody since somebody was last given up, the server is dead."""
        heard, self._heard = self._heard, False
        for exchange in late:
            self._tally.refuse("response timeout")
            stream = exchange.stream
            if heard and stream is not None:
                self._client.reset(stream, wire.CANCEL)
                exchange.cut(Failure.READ_TIMEOUT, served=False)
        if heard:
            self._settle()
        else:
            self._end(Failure.READ_TIMEOUT)

    # -- the end ----------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """See ``Session``."""
        self._say_goodbye(wire.NO_ERROR)
        self._end(Failure.CONNECTION_CANCELED)

    def _turn_away(self) -> None:
        """There will be no room here for those who wait."""
        self.retire()
        waiting, self._waiting = self._waiting, deque()
        for exchange in waiting:
            exchange.move(Failure.CONNECTION_RESET, counts=False)

    def _say_goodbye(self, code: int) -> None:
        """End the connection; the server gets some time to read that."""
        branch, self._branch = self._branch, None
        if branch is None:
            return
        self.pool.ended()
        self._leaving = branch
        self._host.clock.after(LINGER, branch.close)
        out = self._client.out
        out.append(wire.goaway(0, code))
        branch.feed(Data(b"".join(out)))
        out.clear()
        branch.feed(EOS)

    def _end(self, failure: Failure) -> None:
        """No more responses: tell those who wait, or find another session for them."""
        branch, self._branch = self._branch, None
        client = self._client
        self.retire()
        self._inbox.clear()
        streams = list(client.streams.values())
        client.streams.clear()
        waiting, self._waiting = self._waiting, deque()
        if branch is not None:
            self.pool.ended()
            branch.close()
        for stream in streams:
            stream.receiver.cut(failure, client.served)
        reason = Failure.CONNECTION_RESET if failure is Failure.NONE else failure
        # There is an end to moving, as over HTTP/1: what is not answered or cancelled is counted.
        counts = not client.served and failure is not Failure.CONNECTION_CANCELED
        for exchange in waiting:
            if counts and failure in UNREACHABLE:
                exchange.fail(reason)
            else:
                exchange.move(reason, counts)
