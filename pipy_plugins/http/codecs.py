"""``decodeHTTPRequest``, ``decodeHTTPResponse``, ``encodeHTTPRequest``, ``encodeHTTPResponse``: the codec as filters of a stream.

A malformed message ends the stream with ``ProtocolError``; a response that cannot come any more is replaced by one that says why
(spec: filters.md, 4.2).
"""

from typing import Any

from pipy_core.api import (
    BOOLEAN,
    END,
    SIZE,
    Data,
    Event,
    Failure,
    Filter,
    Head,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    dynamic,
    hookimpl,
    options,
)
from pipy_plugins.http.decoder import PAUSE
from pipy_plugins.http.encoder import RequestWriter, ResponseWriter, Writer
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import FailureHead, RequestHead, ResponseHead
from pipy_plugins.http.reading import RequestReader
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.responses import ResponseDecoder

#: Up to this many bytes of a body wait for its length to be known (spec: filters.md, 4.3).
BUFFER_SIZE = 4096


class DecodeRequest(RequestReader):
    """Data in, requests out. After CONNECT and upgrades everything passes as it is."""

    def __init__(self) -> None:
        self._decoder: RequestDecoder | None = None
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd are consumed."""
        if self._ended:
            return
        if type(event) is Data:
            if self._decoder is None:
                self._decoder = RequestDecoder(self.emit, eager=True, pauses=self._pauses, limits=self.host.limits)
            self._decode(self._decoder, event.payload)
        elif type(event) is StreamEnd:
            self._end_behind_rest(event)

    def close(self) -> None:
        """See ``Filter``."""
        super().close()
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _decode(self, decoder: RequestDecoder, payload: bytes) -> None:
        try:
            decoder.feed(payload)
        except BadMessage:
            self._end_of_client(StreamEnd(Failure.PROTOCOL_ERROR))
        if decoder.state is PAUSE:
            self._hold()

    def _end_of_client(self, event: StreamEnd) -> None:
        if not self._ended:
            self._ended = True
            if self._decoder is not None:
                self._decoder.close()
            self.emit(event)


class DecodeResponse(Filter):
    """Data in, responses out; interim responses but 101 are skipped."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._bodiless = settings["bodiless"]
        self._decoder: ResponseDecoder | None = None
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd are consumed."""
        if self._ended:
            return
        if self._decoder is None:
            self._decoder = ResponseDecoder(self.emit, self._method, _skip, self.host.limits)
        if type(event) is Data:
            try:
                self._decoder.feed(event.payload)
            except BadMessage:
                self._fail(Failure.PROTOCOL_ERROR, self._decoder.broken_inside)
        elif type(event) is StreamEnd:
            in_message = self._decoder.in_message
            failure = self._decoder.finish(event.error)
            if failure is Failure.NONE:
                self._ended = True
                self.emit(event)
            else:
                self._fail(failure, in_message)

    def close(self) -> None:
        """See ``Filter``."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _method(self) -> str:
        return "HEAD" if self.host.value(self._bodiless) else ""

    def _fail(self, failure: Failure, in_message: bool) -> None:
        self._ended = True
        if not in_message:
            self.emit(MessageStart(FailureHead(failure)))
        self.emit(StreamEnd(failure))


def _skip(_head: ResponseHead) -> None:
    """Interim responses mean nothing to those who wait for the answer."""


class _Encode(Filter):
    """What both encoders share: messages in, the same messages out with the wire's bytes as Data."""

    def __init__(self) -> None:
        self._writer: Writer
        self._tunnel = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Data outside a message is dropped."""
        kind = type(event)
        if self._tunnel or kind is StreamEnd:
            self.emit(event)
        elif kind is MessageStart:
            assert isinstance(event, MessageStart)
            self._begin(event)
            self.emit(event)
        elif not self._writer.begun:
            return
        elif isinstance(event, Data):
            self._send(self._writer.write(event.payload))
        elif isinstance(event, MessageEnd):
            output = self._writer.finish()
            self._send(output)
            self._end()

    def _send(self, output: bytes) -> None:
        if output:
            self.emit(Data(output))

    def _begin(self, event: MessageStart) -> None:
        self._writer.begin(event.head)

    def _end(self) -> None:
        self.emit(END)


class EncodeRequest(_Encode):
    """Requests in, their bytes out."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._writer: RequestWriter = RequestWriter(settings["bufferSize"])
        self._connect = False

    def _begin(self, event: MessageStart) -> None:
        super()._begin(event)
        head = event.head
        self._connect = head is not None and (head.method if isinstance(head, RequestHead) else head.get("method")) == "CONNECT"

    def _end(self) -> None:
        self._tunnel = self._connect or self._writer.upgrades
        self.emit(END)


class EncodeResponse(_Encode):
    """Responses in, their bytes out; after a final one the stream ends. An exception in a script is answered with 500."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._writer: ResponseWriter = ResponseWriter(settings["bufferSize"])
        self._final = settings["final"]
        self._bodiless = settings["bodiless"]
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        if isinstance(event, StreamEnd) and event.error is Failure.RUNTIME_ERROR and not self._tunnel:
            self._apologize()
        super().process(event)

    def _apologize(self) -> None:
        """A script has failed: if the response has not been sent in part, tell the client before the stream ends."""
        writer = self._writer
        if writer.begun and writer.sent:
            return
        start = MessageStart(Head({"status": 500}))
        if not writer.begun:
            self.emit(start)
        writer.final = True
        writer.begin(start.head)
        self.emit(Data(writer.finish()))

    def _begin(self, event: MessageStart) -> None:
        self._writer.final = bool(self.host.value(self._final))
        self._writer.method = "HEAD" if self.host.value(self._bodiless) else ""
        super()._begin(event)
        if self._writer.is_urgent:
            self.host.after(0.0, self._release)

    def _release(self) -> None:
        """The turn is over: events are not held back any longer."""
        if self._writer.is_urgent:
            self._send(self._writer.flush())

    def _end(self) -> None:
        self._tunnel = self._writer.status == 101
        self._ended = self._writer.final
        self.emit(StreamEnd() if self._ended else END)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    buffer_size = Param("bufferSize", SIZE, "bytes of a body that wait for its length to be known", BUFFER_SIZE)
    bodiless = Param("bodiless", dynamic(BOOLEAN), "whether the response has no body, as one to HEAD", default=False)
    final = Param("final", dynamic(BOOLEAN), "whether the connection ends after the response", default=False)
    registry.add_filter("decodeHTTPRequest", DecodeRequest, help="Decodes HTTP/1 requests from a stream of bytes.", group="codecs")
    registry.add_filter(
        "decodeHTTPResponse",
        DecodeResponse,
        [options(bodiless)],
        help="Decodes HTTP/1 responses from a stream of bytes.",
        group="codecs",
    )
    registry.add_filter(
        "encodeHTTPRequest", EncodeRequest, [options(buffer_size)], help="Encodes messages as HTTP/1 requests.", group="codecs"
    )
    registry.add_filter(
        "encodeHTTPResponse",
        EncodeResponse,
        [options(buffer_size, final, bodiless)],
        help="Encodes messages as HTTP/1 responses.",
        group="codecs",
    )
