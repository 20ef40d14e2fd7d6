"""What ``demuxHTTP`` and ``serveHTTP`` share: a client's connection that speaks HTTP/1 or HTTP/2, and says so by its first bytes.

HTTP/2 begins with its preface, whether the client knows beforehand or TLS has agreed on ``h2``, or behind a request over HTTP/1.1
that asks for it (``Upgrade: h2c``; spec: filters.md, 4.8).
"""

from abc import abstractmethod

from pipy_core.api import Branch, Data, Event, Failure, Filter, MessageStart, StreamEnd
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.preface import SWITCHING, may_be_preface, upgrade_settings
from pipy_plugins.http.v2.server import ServerConnection
from pipy_plugins.http.v2.wire import PREFACE


class ClientConnection(Filter):
    """One connection of a client."""

    # What HTTP/1 has no use for is not kept for each of its connections, of which many are idle.
    _streams: ServerConnection | None = None  # HTTP/2
    _opening = b""  # the first bytes, while they may be either
    _settings: bytes | None = None  # of the request that is being upgraded

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder: RequestDecoder | None = None  # HTTP/1
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd are consumed."""
        if self._ended:
            return
        if type(event) is Data:
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
                self._end_of_client(event)

    def close(self) -> None:
        """See ``Filter``."""
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

    # -- what differs -----------------------------------------------------------------------------------------------

    @abstractmethod
    def _request(self, event: Event) -> None:
        """A part of a request over HTTP/1."""

    @abstractmethod
    def _refuse(self, status: int) -> None:
        """The client has broken the protocol of HTTP/1."""

    @abstractmethod
    def _end_of_client(self, event: StreamEnd) -> None:
        """The client of HTTP/1 sends nothing more."""

    @abstractmethod
    def _stream(self, answer: Answer) -> Branch:
        """What answers a request over HTTP/2."""

    @abstractmethod
    def _may_switch(self) -> bool:
        """Whether a request over HTTP/1 may be the last one of that kind: nobody else waits for an answer."""

    # -- which protocol ---------------------------------------------------------------------------------------------

    def _open(self, payload: bytes) -> None:
        if self._opening:
            payload = self._opening + payload
            self._opening = b""
        if not may_be_preface(payload):
            self._decoder = RequestDecoder(self._request, switches=self._switches)
            self._decode(self._decoder, payload)
        elif len(payload) < len(PREFACE):
            self._opening = payload
        else:
            self._streams = ServerConnection(self, self._stream, self._limit)
            self._streams.receive(payload)

    def _decode(self, decoder: RequestDecoder, payload: bytes) -> None:
        try:
            decoder.feed(payload)
        except BadMessage as error:
            self._refuse(error.status)
        if self._streams is not None:
            self._decoder = None
            early = decoder.give_back()
            if early:
                self._streams.receive(early)

    def _switches(self, head: RequestHead) -> bool:
        """Whether the connection goes on in HTTP/2 behind the request with *head*, which asks for it."""
        self._settings = upgrade_settings(head) if self._may_switch() else None
        return self._settings is not None

    def _upgrade(self, start: MessageStart, settings: bytes) -> None:
        self._settings = None
        self.emit(Data(SWITCHING))
        self._streams = ServerConnection(self, self._stream, self._limit)
        self._streams.upgrade(start, settings)
