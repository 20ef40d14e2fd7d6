"""What comes from a client over HTTP/2: events of h2 to streams. Decides which streams there are."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from pipy_core.api import Branch, Failure, Host, MessageStart
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.patience import refusal
from pipy_plugins.http.status import error_head
from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.budget import RESPONSE, WASTED_STREAM, Budget
from pipy_plugins.http.v2.heads import read_request, read_trailers, write_response
from pipy_plugins.http.v2.inbound import FrameReader
from pipy_plugins.http.v2.intake import Intake
from pipy_plugins.http.v2.limits import CONNECTION_WINDOW, MAX_STREAMS
from pipy_plugins.http.v2.outbox import Outbox
from pipy_plugins.http.v2.protocol import ServerProtocol, greeting
from pipy_plugins.http.v2.wire import PREFACE

#: Gives what answers a request: a sub-pipeline that replies to ``Answer.reply``, or what behaves like one.
Open: TypeAlias = Callable[[Answer], Branch]

#: How many bytes that h2 answers by itself are one point of the budget.
_ANSWER_POINT: Final = 16


class Inbox(Outbox):
    """The receiving half of a connection, and its streams.

    :param limit: bytes of a response that wait for its length to be known.
    """

    __slots__ = ("_answers", "_consumed", "_final", "_limit", "_open", "_output", "_reader", "host")

    def __init__(self, host: Host, open_branch: Open, limit: int) -> None:
        budget = Budget(host.now)
        largest = host.limits.max_header_size
        self._reader = FrameReader(budget, PREFACE, largest)
        super().__init__(ServerProtocol(self._reader, largest), budget)
        self.host = host
        self._open = open_branch
        self._limit = limit
        self._output = [greeting(largest)]
        self._answers: dict[int, Answer] = {}
        self._consumed = 0  # bytes of bodies that the client may send again
        self._final: int | None = None  # the last stream that is dealt with, once GOAWAY has been sent

    def soon(self, answer: Answer) -> None:
        """See ``answer.Output``."""
        raise NotImplementedError

    def flush(self) -> None:
        """See ``intake.Connection``."""
        raise NotImplementedError

    def _take(self, payload: bytes) -> None:
        h2 = self._h2
        events = h2.receive_data(payload)
        output = h2.data_to_send()
        if output:
            self._output.append(output)
            self._budget.spend(len(output) // _ANSWER_POINT)
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)
        self._reader.resets.clear()
        self._output.append(h2.data_to_send())

    def _on_request(self, event: RequestReceived) -> None:
        number = event.stream_id
        if number in self._reader.resets:
            return
        if self._final is not None or len(self._answers) >= MAX_STREAMS:
            self._budget.spend(WASTED_STREAM)
            self._h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
            return
        ended = event.stream_ended is not None
        try:
            head = read_request(event.headers, self.host.limits)
            if ended and head.wire.length:
                raise BadMessage(400, "a length, and no body")
            if self.host.limits.load.memory_short:
                raise BadMessage(503, "memory is short")
        except BadMessage as error:
            self._budget.spend(WASTED_STREAM)
            self.tell(refusal(error.status))
            self._refuse(number, error.status, ended)
        else:
            self._start(number, MessageStart(head))

    def tell(self, cause: str) -> None:
        """Count something; see ``limits.CAUSES``."""
        self.host.context.group.tally.refuse(cause)

    def _refuse(self, number: int, status: int, ended: bool) -> None:
        """A request that is malformed is reset; one that is only too large is answered."""
        if status not in (414, 431, 503):
            self._h2.reset_stream(number, ErrorCodes.PROTOCOL_ERROR)
            return
        self._h2.send_block(number, write_response(error_head(status), 0)[1], last=True)
        if not ended:
            self._h2.reset_stream(number, ErrorCodes.NO_ERROR)

    def _start(self, number: int, start: MessageStart) -> None:
        head = start.head
        assert isinstance(head, RequestHead)
        answer = Answer(self, number, head, self._limit)
        self._answers[number] = answer
        answer.start(self._open(answer), start)

    def _on_data(self, event: DataReceived) -> None:
        size = event.flow_controlled_length
        self._consumed += size
        if self._consumed >= CONNECTION_WINDOW // 2:
            consumed, self._consumed = self._consumed, 0
            self._h2.increment_flow_control_window(consumed)
        answer = self._answers.get(event.stream_id)
        if answer is not None:
            answer.receive(event.data, size)

    def _on_end(self, event: StreamEnded) -> None:
        answer = self._answers.get(event.stream_id)
        if answer is not None and not answer.received:
            answer.end(None)

    def _on_trailers(self, event: TrailersReceived) -> None:
        answer = self._answers.get(event.stream_id)
        if answer is None:
            return
        try:
            answer.end(read_trailers(event.headers, self.host.limits))
        except BadMessage:
            self._budget.spend(WASTED_STREAM)
            answer.fail(Failure.PROTOCOL_ERROR)
            self.reset(answer, ErrorCodes.PROTOCOL_ERROR)

    def _on_reset(self, event: StreamReset) -> None:
        if not event.remote_reset:  # the client has provoked it (CVE-2025-8671)
            self._budget.spend(WASTED_STREAM)
        answer = self._answers.pop(event.stream_id, None)
        if answer is not None:
            answer.fail(Failure.CONNECTION_RESET)

    def _on_window(self, event: WindowUpdated) -> None:
        answer = self._answers.get(event.stream_id)
        if answer is not None:
            self.pump(answer)
        elif not event.stream_id:
            self.pump_blocked()

    def _on_settings(self, event: RemoteSettingsChanged) -> None:
        if SettingCodes.INITIAL_WINDOW_SIZE in event.changed_settings:
            for answer in list(self._answers.values()):
                self.pump(answer)

    def widen(self, number: int, size: int) -> None:
        """See ``intake.Connection``."""
        if number in self._h2.streams:
            with suppress(ProtocolError):  # see ``Outbox``
                self._h2.increment_flow_control_window(size, number)

    def reset(self, stream: Intake, code: ErrorCodes) -> None:
        """See ``intake.Connection``."""
        answer = self._answers.pop(stream.number, None)
        if answer is not None:
            answer.abandon()
        self._reset(stream.number, code)

    def _reset(self, number: int, code: ErrorCodes) -> None:
        with suppress(ProtocolError):  # it may have ended in the meantime
            self._h2.reset_stream(number, code)

    def finished(self, number: int) -> None:
        """See ``Outbox``. A client that is still sending its request may stop (RFC 9113, 8.1)."""
        answer = self._answers.pop(number, None)
        if answer is not None:
            self._budget.earn(RESPONSE)
            if not answer.received:
                self._reset(number, ErrorCodes.NO_ERROR)
            answer.abandon()


_HANDLERS: Final[dict[type, Callable[[Inbox, Any], None]]] = {
    RequestReceived: Inbox._on_request,
    DataReceived: Inbox._on_data,
    StreamEnded: Inbox._on_end,
    TrailersReceived: Inbox._on_trailers,
    StreamReset: Inbox._on_reset,
    WindowUpdated: Inbox._on_window,
    RemoteSettingsChanged: Inbox._on_settings,
}
