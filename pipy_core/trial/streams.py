"""What a test drives: connections to a script's ports, and runs of its named pipelines."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec.json

from pipy_core.context import Context
from pipy_core.errors import PipyError
from pipy_core.events import EOS, Data, Event, Head, Message, MessageEnd, MessageStart, StreamEnd
from pipy_core.pipeline import Pipeline
from pipy_core.script.program import Port, Program
from pipy_core.trial.http1 import NotHTTP, Reader, request_bytes
from pipy_core.trial.links import RECEIVED_LIMIT
from pipy_core.trial.messages import whole
from pipy_core.trial.surroundings import Inlet, Surroundings

#: Gets a response, or why there will be none.
Done: TypeAlias = Callable[[Message | str], None]
Tap: TypeAlias = Callable[[bytes | None], None]


class NotOpen(PipyError):
    """The other side of a connection or stream has ended."""


class Client:
    """A connection to a port of the script; the pipeline that runs for it is held as ``net.listener`` holds it.

    :param inbound: what scripts see as ``__inbound``: id, remote address and port, local address and port.
    :param tap: gets what the script sends, and None when it has ended the connection; in turns.
    :ivar received: what the script has sent.
    :ivar closed: whether the script has ended the connection, or the client has cut it.
    :ivar error: the error that it ended with: what ``StreamEnd.error`` is.
    """

    def __init__(
        self, surroundings: Surroundings, program: Program, port: Port, inbound: tuple[Any, ...], tap: Tap | None = None
    ) -> None:
        self.received = bytearray()
        self.closed = False
        self.error = ""
        self.context = program.new_context(inbound)
        self.module = port.layout.module
        self._surroundings = surroundings
        self._program = program
        self._host = f"localhost:{inbound[4]}"
        self._pipeline: Pipeline | None = Pipeline(port.layout, self.context, self._output)
        self._inlet = Inlet(surroundings, self._receive, port.options["readTimeout"] or 0.0)
        self._ended = False  # the pipeline has got its StreamEnd
        self._reader = Reader(responses=True)
        self._asked: deque[Done] = deque()
        self._tap: Tap = tap or (lambda _payload: None)

    # -- what a client does -----------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        """Send bytes.

        :raises NotOpen: the connection has ended.
        """
        if self.closed or self._ended:
            raise NotOpen(f"the connection is closed{f' ({self.error})' if self.error else ''}")
        self._inlet.put(Data(payload))

    def request(self, message: Message, done: Done) -> None:
        """Send a request; *done* gets its response when it is complete.

        :raises NotOpen: the connection has ended.
        :raises NotHTTP: the request cannot be sent.
        """
        payload = request_bytes(message, self._host)
        self.send(payload)
        self._reader.expect(message.head.fields.get("method", "GET") if message.head is not None else "GET")
        self._asked.append(done)

    def end(self) -> None:
        """Send no more; what the script answers still comes."""
        self._inlet.put(EOS)

    def abort(self) -> None:
        """Go away without a word."""
        self._inlet.stop()
        self._end("")
        self._surroundings.run(self._release)

    # -- what the script does ---------------------------------------------------------------------------------------

    def _receive(self, event: Event) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        if isinstance(event, StreamEnd):
            self._ended = True
            pipeline.feed(event)
            if not self.closed and not pipeline.busy():
                self._output(EOS)
        else:
            pipeline.feed(event)

    def _output(self, event: Event) -> None:
        if self.closed:
            return
        if isinstance(event, Data):
            self._take(event.payload)
        elif isinstance(event, StreamEnd):
            self._inlet.stop()
            self._end(event.error.value)
            self._surroundings.turn.dirty.append(self)

    def flush(self) -> None:
        """See ``turn.Sink``: the pipeline has ended its output."""
        if self._pipeline is not None:
            if not self._ended:
                self._ended = True
                self._pipeline.feed(EOS)
            self._release()

    def _release(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
            self._program.gone(self.context)

    def _take(self, payload: bytes) -> None:
        if len(self.received) + len(payload) > RECEIVED_LIMIT:
            self._surroundings.problems.append(f"a client was sent more than {RECEIVED_LIMIT} bytes")
            self._end("")
            return
        self.received += payload
        self._tap(payload)
        if not self._asked:
            return
        try:
            for response in self._reader.feed(payload):
                if self._asked:
                    self._asked.popleft()(response)
        except NotHTTP as error:
            self._fail(f"what came is no HTTP: {error}")

    def _end(self, error: str) -> None:
        if self.closed:
            return
        self.closed, self.error = True, error
        self._tap(None)
        last = self._reader.end() if self._asked else None
        if last is not None:
            self._asked.popleft()(last)
        begun = " in the middle of the response" if self._reader.unfinished else " without a response"
        self._fail(f"the connection was closed{begun}{f' ({error})' if error else ''}")

    def _fail(self, reason: str) -> None:
        while self._asked:
            self._asked.popleft()(reason)


class Stream:
    """A run of a named pipeline, fed with events.

    :ivar output: the events that came out, as they were when they did.
    :ivar closed: whether a StreamEnd has come out.
    :ivar error: its error.
    """

    def __init__(self, surroundings: Surroundings, program: Program, pipeline: Any, context: Context) -> None:
        self.output: list[Event] = []
        self.closed = False
        self.error = ""
        self.context = context
        self.module = pipeline.module
        self._surroundings = surroundings
        self._size = 0
        self._inlet = Inlet(surroundings, self._receive)
        self._pipeline = Pipeline(pipeline, context, self._output)
        self._program = program
        self._asked: deque[Done] = deque()
        self._answered = 0

    def feed(self, events: list[Event | Message]) -> None:
        """Feed events, each in a turn of its own; a Message stands for its events.

        :raises TypeError: one of them is no event.
        """
        for event in events:
            if not isinstance(event, Data | MessageStart | MessageEnd | StreamEnd | Message):
                raise TypeError(f"expected events, Messages or strings, not {event!r}")
            for each in event.events() if isinstance(event, Message) else [event]:
                self._inlet.put(each)

    def request(self, message: Message, done: Done) -> None:
        """Feed a message; *done* gets the first one that comes out and has gone to nobody yet."""
        self._asked.append(done)
        self.feed([message])

    def end(self) -> None:
        """Feed a StreamEnd."""
        self._inlet.put(EOS)

    def abort(self) -> None:
        """Close the pipeline."""
        self._inlet.stop()
        self._surroundings.run(self._pipeline.close)

    def messages(self) -> list[Message]:
        """The whole messages that came out."""
        return whole(self.output)

    def _receive(self, event: Event) -> None:
        self._pipeline.feed(event)

    def _output(self, event: Event) -> None:
        if self.closed:
            return
        if isinstance(event, Data):
            self._size += len(event.payload)
            if self._size > RECEIVED_LIMIT:
                self._surroundings.problems.append(f"more than {RECEIVED_LIMIT} bytes came out of a pipeline")
                self.closed = True
            self.output.append(Data(event.payload))
        elif isinstance(event, MessageStart):
            self.output.append(MessageStart(_copy(event.head)))
        else:
            self.output.append(event)
        if isinstance(event, MessageEnd) and self._asked:
            self._answer()
        if isinstance(event, StreamEnd):
            self.closed, self.error = True, event.error.value
            while self._asked:
                self._asked.popleft()(f"the stream ended without a message{f' ({self.error})' if self.error else ''}")

    def _answer(self) -> None:
        messages = self.messages()
        if len(messages) > self._answered:
            self._asked.popleft()(messages[self._answered])
            self._answered += 1


def _copy(head: Head | None) -> Head | None:
    """What *head* says now: scripts may change it later."""
    return None if head is None else Head(msgspec.json.decode(head.json()))
