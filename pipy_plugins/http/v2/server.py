"""One connection of a client that speaks HTTP/2: its streams, its windows and its end.

What frames may follow which, and the compression of header fields, are left to h2; the form of heads to ``heads``, floods to
``inbound`` and ``budget``, one stream to ``answer``. All that a turn brings about is sent in one piece.
"""

from typing import Final, Protocol

from h2.errors import ErrorCodes
from h2.exceptions import DenialOfServiceError, ProtocolError

from pipy_core.api import Data, Emit, Failure, Host, MessageStart, StreamEnd, get_logger
from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.inbox import Inbox, Open
from pipy_plugins.http.v2.protocol import code_of, goaway, ping
from pipy_plugins.http.v2.stalls import Stalls

#: What the first GOAWAY says of two (RFC 9113, 6.8): no stream is refused yet.
_ANY_STREAM: Final = 2**31 - 1
#: What the PING behind it says.
_FAREWELL: Final = b"farewell"
#: Bytes decoded in one go: floods are noticed early.
_SLICE: Final = 16 * 1024


class Owner(Protocol):
    """The filter that a connection belongs to."""

    emit: Emit
    host: Host

    def abort(self, failure: Failure) -> None:
        """End the stream that the connection is; calls ``close``."""


class ServerConnection(Inbox):
    """See the module.

    :param open_branch, limit: see ``Inbox``.
    """

    __slots__ = ("_begun", "_half_closed", "_leaving", "_owner", "_receiving", "_scheduled", "_stalled", "_stalls")

    def __init__(self, owner: Owner, open_branch: Open, limit: int) -> None:
        super().__init__(owner.host, open_branch, limit)
        self._owner: Owner | None = owner
        self._begun: list[Answer] = []  # see ``soon``
        self._scheduled = False
        self._receiving = False
        self._half_closed = False
        self._leaving = False  # the client has been told to begin no more streams; see ``drain``
        self._stalls = Stalls()
        self._stalled: list[Answer] = []

    def upgrade(self, start: MessageStart, settings: bytes) -> None:
        """Go on from HTTP/1.1: the request that *start* opens, which has no body, is the first stream (RFC 7540, 3.2)."""
        self._receiving = True
        try:
            self._h2.initiate_upgrade_connection(settings)
            self._h2.clear_outbound_data_buffer()
            self._start(1, start)
            answer = self._answers.get(1)
            if answer is not None:
                answer.end(None)
        except ProtocolError as error:
            self._terminate(error)
        self._receiving = False
        self._settle()

    def busy(self) -> bool:
        """See ``Filter``."""
        return any(answer.busy() for answer in self._answers.values())

    def drain(self) -> None:
        """See ``Filter``. The streams there are go on; tunnels are asked to end.

        The client is told to begin no more streams, and asked for a sign that it has read this. Those on their way until then are
        still served (RFC 9113, 6.8); a client that gives none until the next call has had its time.
        """
        if self._owner is None:
            return
        if not self._leaving:
            self._leaving = True
            self._output += (self._h2.data_to_send(), goaway(_ANY_STREAM, ErrorCodes.NO_ERROR), ping(_FAREWELL))
        else:
            self._admit_no_more()
        for answer in list(self._answers.values()):
            answer.drain()
        self._settle()

    def _admit_no_more(self) -> None:
        if self._final is None:
            self._final = self._h2.highest_inbound_stream_id
            self._output += (self._h2.data_to_send(), goaway(self._final, ErrorCodes.NO_ERROR))

    def close(self) -> None:
        """Let go of everything; nothing is sent any more."""
        self._owner = None
        answers, self._answers = self._answers, {}
        self._begun = []
        self._blocked.clear()
        for answer in answers.values():
            answer.abandon()

    # -- from the client --------------------------------------------------------------------------------------------

    def receive(self, payload: bytes) -> None:
        """Bytes have come."""
        self._receiving = True
        try:
            if len(payload) <= _SLICE:
                self._take(payload)
            else:
                for start in range(0, len(payload), _SLICE):
                    if self._owner is not None:
                        self._take(payload[start : start + _SLICE])
            if self._leaving and self._reader.echo == _FAREWELL:
                self._admit_no_more()
        except ProtocolError as error:
            self._terminate(error)
        self._receiving = False
        self._settle()

    def end_of_input(self, event: StreamEnd) -> None:
        """The client sends nothing more. Answers to what it has asked for are still delivered."""
        if self._owner is None:
            return
        if event.error is not Failure.NONE:
            self._owner.abort(Failure.NONE)
            return
        self._half_closed = True
        for answer in list(self._answers.values()):
            if not answer.received:
                answer.fail(Failure.CONNECTION_RESET)
                self.reset(answer, ErrorCodes.CANCEL)
        self._settle()

    def _terminate(self, error: ProtocolError) -> None:
        """The client has broken the protocol, or is a nuisance: say so, and end the connection."""
        owner = self._owner
        if owner is None:
            return
        if isinstance(error, DenialOfServiceError):
            self.tell("flood")
            get_logger("http2").warning(f"a client is cut off: {error}")
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            answer.fail(Failure.CONNECTION_RESET)
        output = b"".join(self._output) + goaway(self._h2.highest_inbound_stream_id, code_of(error))
        self._output = []
        owner.emit(Data(output))
        owner.abort(Failure.NONE)

    # -- patience ---------------------------------------------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Whether there is no stream."""
        return not self._answers

    def look(self, now: float) -> str:
        """See ``Guard``: about its streams."""
        cause, self._stalled = self._stalls.look(self._answers.values(), self.host.limits, now)
        return cause

    def expire(self) -> None:
        """Streams that do not get on are reset; if there is none, the connection is ended."""
        owner = self._owner
        stalled, self._stalled = self._stalled, []
        for answer in stalled:
            answer.fail(Failure.READ_TIMEOUT)
            self.reset(answer, ErrorCodes.CANCEL)
        if not stalled and owner is not None:
            self._admit_no_more()
        self._settle()

    # -- from the answers -------------------------------------------------------------------------------------------

    def soon(self, answer: Answer) -> None:
        """See ``answer.Output``."""
        self._begun.append(answer)
        if not self._receiving:
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.host.after(0.0, self._release)

    def _release(self) -> None:
        self._scheduled = False
        begun, self._begun = self._begun, []
        for answer in begun:
            answer.release()
        self._settle()

    def flush(self) -> None:
        """See ``intake.Connection``."""
        if not self._receiving:
            self._settle()

    def _settle(self) -> None:
        """Send what there is; end the connection if nothing more can come of it."""
        owner = self._owner
        if owner is None:
            return
        if self._begun and not self._scheduled:
            self._begun = [answer for answer in self._begun if answer.is_held_back]
            if self._begun:
                self._schedule()
        output = b"".join((*self._output, self._h2.data_to_send()))
        self._output = []
        if output:
            owner.emit(Data(output))
        if not self._answers and (self._half_closed or self._final is not None or self._reader.leaving):
            owner.abort(Failure.NONE)
