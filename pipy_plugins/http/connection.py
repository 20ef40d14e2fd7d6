"""What ``demuxHTTP`` and ``serveHTTP`` share: a client's connection that speaks HTTP/1 or HTTP/2, and says so by its first bytes.

HTTP/2 begins with its preface, whether the client knows beforehand or TLS has agreed on ``h2``, or behind a request over HTTP/1.1
that asks for it (``Upgrade: h2c``; spec: filters.md, 4.8).
"""

from abc import abstractmethod

from pipy_core.api import Branch, Data, Event, Failure, MessageStart, StreamEnd
from pipy_plugins.http.decoder import PAUSE
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.patience import HEAD, NEXT, NOTHING, Patient, Wait
from pipy_plugins.http.reading import RequestReader
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.preface import SWITCHING, may_be_preface, upgrade_settings
from pipy_plugins.http.v2.server import ServerConnection
from pipy_plugins.http.v2.wire import PREFACE


class ClientConnection(RequestReader, Patient):
    """One connection of a client.

    :ivar retiring: it is to end: the answer behind which nothing more is asked for says so and is the last one.
    """

    # What is hardly ever of use is not kept for each of the connections, of which many are idle.
    _opening = b""  # the first bytes, while they may be either
    _quiet = False  # nothing was going on when the connection was last asked to end

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder: RequestDecoder | None = None  # HTTP/1
        self._streams: ServerConnection | None = None  # HTTP/2
        self._settings: bytes | None = None  # of the request that is being upgraded
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd are consumed."""
        if self._ended:
            return
        if type(event) is Data:
            self.fresh = True
            if self._decoder is not None:
                self._decode(self._decoder, event.payload)
            elif self._streams is not None:
                self._streams.receive(event.payload)
            elif event.payload:
                self._open(event.payload)
        elif type(event) is StreamEnd:
            if self._streams is not None:
                self._streams.end_of_input(event)
            else:
                self._end_behind_rest(event)

    def drain(self) -> None:
        """See ``Filter``. The last answer says ``connection: close``, or GOAWAY is sent.

        A client that waits with its next request cannot know that: it is let go if it has not begun with one by the next call.
        """
        if self._ended:
            return
        self.retiring = True
        if self._streams is not None:
            self._streams.drain()
            return
        quiet, self._quiet = self._quiet, not self._opening and self._is_idle()
        if quiet and self._quiet:
            self.abort(Failure.NONE)

    def _is_idle(self) -> bool:
        """Whether nothing of a request over HTTP/1 has come that is not answered."""
        return self._decoder is None or not self._decoder.held

    def close(self) -> None:
        """See ``Filter``."""
        super().close()
        self._ended = True
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
        if self._streams is not None:
            streams, self._streams = self._streams, None
            streams.close()

    def abort(self, failure: Failure) -> None:
        """End the connection now."""
        if not self._ended:
            self.close()
            self.emit(StreamEnd(failure))

    # -- patience ---------------------------------------------------------------------------------------------------

    def waits_for(self) -> Wait:
        """See ``Patient``. Over HTTP/2 the client may do as it likes as long as there is a stream (but see ``Stalls``)."""
        if self.paused or (self._streams is not None and not self._streams.empty):
            return NOTHING
        return HEAD if not self._requests or (self._decoder is not None and self._decoder.held) else NEXT

    def look(self, now: float, held: bool) -> str:
        """See ``Guard``."""
        streams = self._streams
        return (streams.look(now) if streams is not None and not held else "") or super().look(now, held)

    def expire(self) -> None:
        """See ``Guard``. A client that has begun with a request is told."""
        decoder = self._decoder
        if self._streams is not None:
            self._streams.expire()
        elif decoder is not None and (decoder.held or decoder.in_message):
            line = decoder.line
            decoder.close()
            self._refuse(408, line)
        else:
            self.abort(Failure.NONE)

    def _end_behind(self, head: RequestHead) -> None:
        """The request with *head* is the last one: what comes behind it is not read (RFC 9112, 9.6)."""
        self.wear_out()
        head.final = True
        if self._decoder is not None:
            self._decoder.stop()

    def _admit(self, answer: Answer) -> Branch:
        """A request over HTTP/2."""
        self._requests += 1
        if self._requests == self._most:
            self.wear_out()
            self.host.after(0.0, self.drain)
        return self._stream(answer)

    # -- what differs -----------------------------------------------------------------------------------------------

    @abstractmethod
    def _request(self, event: Event) -> None:
        """A part of a request over HTTP/1."""

    @abstractmethod
    def _refuse(self, status: int, line: bytes = b"") -> None:
        """The client has broken the protocol of HTTP/1. *line* is the start line as it came, if a head was not understood."""

    @abstractmethod
    def _stream(self, answer: Answer) -> Branch:
        """What answers a request over HTTP/2."""

    @abstractmethod
    def _may_switch(self) -> bool:
        """Whether a request over HTTP/1 may be the last one of that kind: nobody else waits for an answer, or for the end."""

    # -- which protocol ---------------------------------------------------------------------------------------------

    def _open(self, payload: bytes) -> None:
        if self._opening:
            payload = self._opening + payload
            self._opening = b""
        if not may_be_preface(payload):
            self._decoder = RequestDecoder(self._request, pauses=self._pauses, switches=self._switches, limits=self._limits)
            self._decode(self._decoder, payload)
        elif len(payload) < len(PREFACE):
            self._opening = payload
        else:
            self._streams = streams = ServerConnection(self, self._admit, self._limit)
            streams.receive(payload)
            if self.retiring:
                streams.drain()

    def _decode(self, decoder: RequestDecoder, payload: bytes) -> None:
        try:
            decoder.feed(payload)
        except BadMessage as error:
            self._reject(error)
        if decoder.state is PAUSE:
            self._hold()
        elif self._streams is not None:
            self._hand_over(decoder, self._streams)

    def _resume(self, decoder: RequestDecoder) -> None:
        """A request for another protocol was refused: what is behind it are requests. The turn may be that of a server."""
        try:
            decoder.resume()
        except BadMessage as error:
            self._reject(error)
        if self._streams is not None:
            self._hand_over(decoder, self._streams)

    def _reject(self, error: BadMessage) -> None:
        self.refused(error.status)
        self._refuse(error.status, error.line)

    def _hand_over(self, decoder: RequestDecoder, streams: ServerConnection) -> None:
        """The connection goes on in HTTP/2."""
        self._decoder = None
        early = decoder.give_back()
        if early:
            streams.receive(early)

    def _switches(self, head: RequestHead) -> bool:
        """Whether the connection goes on in HTTP/2 behind the request with *head*, which asks for it."""
        self._settings = upgrade_settings(head) if self._may_switch() else None
        return self._settings is not None

    def _upgrade(self, start: MessageStart, settings: bytes) -> None:
        self._settings = None
        self.emit(Data(SWITCHING))
        self._streams = ServerConnection(self, self._admit, self._limit)
        self._streams.upgrade(start, settings)
