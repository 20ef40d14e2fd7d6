"""``serveHTTP(handler)``: a web server; every request is answered by a constant Message or by what a script function gives.

Requests are answered at once and in order. A function gets the whole request: ``max_body_buffer`` bytes of body at most are held.
Nothing needs a body for a constant answer: it is read past. Interim: ``100 Continue`` is sent as soon as a client waits for it.
"""

from typing import Final

from pipy_core.api import (
    END,
    FUNCTION,
    MESSAGE,
    Branch,
    Data,
    Event,
    Failure,
    Function,
    Head,
    Make,
    Message,
    MessageStart,
    OneOf,
    Param,
    Registry,
    ScriptError,
    StreamEnd,
    get_logger,
    hookimpl,
)
from pipy_plugins.http.codecs import BUFFER_SIZE
from pipy_plugins.http.connection import ClientConnection
from pipy_plugins.http.decoder import HEAD
from pipy_plugins.http.encoder import ResponseWriter, response_prefix
from pipy_plugins.http.heads import LostHead, RequestHead
from pipy_plugins.http.patience import BODY, Wait
from pipy_plugins.http.served import CLIENT_GONE, count
from pipy_plugins.http.status import error_head
from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.serving import Serving

#: Methods whose responses are framed in their own way.
_SPECIAL: Final = frozenset({"HEAD", "CONNECT"})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Constant:
    """The same answer for every request of every stream, and the bytes of its usual form.

    :ivar status, size: of the answer and its body, once it has been encoded.
    """

    __slots__ = ("_encoded", "_fields", "message", "size", "status")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.status = self.size = 0
        self._fields: object = None
        self._encoded = b""

    def encoded(self) -> bytes:
        """The answer to a GET on a connection that goes on, or nothing if it needs a closer look."""
        head = self.message.head
        fields = head.fields if head is not None else None
        if not self._encoded or fields is not self._fields:
            self._encoded = self._make()
            self._fields = fields
        return self._encoded

    def _make(self) -> bytes:
        writer = ResponseWriter(BUFFER_SIZE)
        writer.begin(self.message.head)
        encoded = (writer.write(self.message.body.payload) if self.message.body is not None else b"") + writer.finish()
        self.status, self.size = writer.status, writer.size
        return encoded


class ServeHTTP(ClientConnection):
    """One connection of a web server."""

    @classmethod
    def prepare(cls, handler: Message | Function) -> Make:
        """See ``Filter``. Streams share the encoded form of a constant answer."""
        answer = handler if isinstance(handler, Function) else Constant(handler)
        return super().prepare(answer)

    def __init__(self, answer: Constant | Function) -> None:
        super().__init__(BUFFER_SIZE)
        self._answer = answer
        self._writer: ResponseWriter | None = None
        self._start: MessageStart | None = None
        self._body: bytes = b""
        self._pieces: list[bytes] | None = None  # what came after the first piece of a body
        self._size = 0
        self._since = 0.0  # when the head of the request came that is being answered; 0 if all of it has come at once

    def _is_idle(self) -> bool:
        """See ``ClientConnection``."""
        return self._start is None and super()._is_idle()

    def close(self) -> None:
        """See ``Filter``."""
        if self._start is not None:
            self._served(self._start, CLIENT_GONE, 0)
        super().close()
        self._start = None

    def _end_of_client(self, event: StreamEnd) -> None:
        if self._start is not None and event.error is Failure.NONE:
            self._refuse(400)
        else:
            self._end()

    def waits_for(self) -> Wait:
        """See ``Patient``: only a request that has not come completely is not answered."""
        return BODY if self._start is not None else super().waits_for()

    def _may_switch(self) -> bool:
        return not self.retiring

    def _stream(self, answer: Answer) -> Branch:
        most = self._limits.max_body_buffer if isinstance(self._answer, Function) else None
        return Serving(answer, self._respond_to, most)

    def _respond_to(self, head: RequestHead, body: bytes) -> Message:
        answer = self._answer
        return answer.message if type(answer) is Constant else self._call(answer, head, body)

    def _request(self, event: Event) -> None:
        if event is END:
            if self._start is not None:
                self._respond()
        elif type(event) is MessageStart:
            if self._settings is not None:
                self._upgrade(event, self._settings)
                return
            self._start = event
            self._since = 0.0 if self._decoder is not None and self._decoder.state is HEAD else self.now()
            head = event.head
            assert type(head) is RequestHead
            self._requests += 1
            if self._requests >= self._most:
                self._end_behind(head)
            if self._load.memory_short:
                self.refused(503)
                self._refuse(503)
                return
            if head.expects:
                self.emit(Data(CONTINUE))
        elif type(event) is Data and type(self._answer) is Function:
            self._collect(event.payload)

    def _collect(self, payload: bytes) -> None:
        self._size += len(payload)
        if self._size > self._limits.max_body_buffer:
            self.refused(413)
            self._refuse(413)
        elif not self._body:
            self._body = payload
        elif self._pieces is None:
            self._pieces = [payload]
        else:
            self._pieces.append(payload)

    def _respond(self) -> None:
        start = self._start
        assert start is not None
        self._start = None
        head = start.head
        assert type(head) is RequestHead
        if self.retiring and self._decoder is not None and not self._decoder.more:
            head.final = True
        answer = self._answer
        if type(answer) is Constant:
            if not head.final and head.method not in _SPECIAL:
                self._send(answer.message.head, answer.encoded())
                tally = self.host.context.group.tally
                if self._since or tally.log is not None:
                    self._served(start, answer.status, answer.size)
                else:  # at once
                    tally.statuses[answer.status] += 1
                    tally.buckets[0] += 1
            else:
                self._encode(answer.message, start, head)
        else:
            self._since = self._since or self.now()
            body = self._body if self._pieces is None else b"".join([self._body, *self._pieces])
            self._body, self._pieces, self._size = b"", None, 0
            self._encode(self._call(answer, head, body), start, head)
        if head.final:
            self._end()
        elif self._decoder is not None and (head.upgrades or head.method == "CONNECT"):
            self._decoder.resume()  # other protocols are not spoken here

    def _call(self, handler: Constant | Function, head: RequestHead, body: bytes) -> Message:
        assert isinstance(handler, Function)
        try:
            message = self.host.call(handler, Message(head, Data(body), consumed=True))
        except ScriptError as error:
            self.host.report(error)
            return Message(error_head(500))
        if type(message) is Message:
            return message
        get_logger("serveHTTP").error("handler did not return a valid message")
        return Message()

    def _encode(self, message: Message, start: MessageStart, request: RequestHead) -> None:
        writer = self._writer
        if writer is None:
            writer = self._writer = ResponseWriter(BUFFER_SIZE)
        writer.method = request.method
        writer.minor = request.minor
        writer.final = request.final
        writer.begin(message.head)
        try:
            output = writer.write(message.body.payload) if message.body is not None else b""
            output += writer.finish()
        except ScriptError as error:
            self.host.report(error)
            message = Message(error_head(500))
            writer.begin(message.head)
            output = writer.finish()
        request.final = writer.final
        self._send(message.head, output)
        self._served(start, writer.status, writer.size)

    def _send(self, head: Head | None, output: bytes) -> None:
        self.emit(MessageStart(head))
        self.emit(Data(output))
        self.emit(END)

    def _served(self, start: MessageStart, status: int, size: int) -> None:
        tally = self.host.context.group.tally
        since = self._since
        if tally.log is None:
            tally.answered(status, self.now() - since if since else 0.0)
        else:
            count(self.host, since or self.now(), status, size, start.head, self.host.context)

    def _refuse(self, status: int, line: bytes = b"") -> None:
        start, self._start = self._start, None
        if start is None:
            self._since = 0.0
        self._served(start or MessageStart(LostHead(line)), status, 0)
        head = error_head(status)
        prefix, _, _ = response_prefix(head)
        self._send(head, prefix + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self._end()

    def _end(self) -> None:
        self.abort(Failure.NONE)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    handler = Param("handler", OneOf((FUNCTION, MESSAGE)), "a Message, or a function that gets the request and gives a Message")
    registry.add_filter("serveHTTP", ServeHTTP, [handler], help="Answers HTTP requests.", group="codecs")
