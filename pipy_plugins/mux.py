"""``mux(target, key)``: messages of many streams over sessions that are shared by key; replies come in the order of messages.

Each stream sends one message, which is collected first (at most ``max_body_buffer`` bytes) and then written as one piece.
"""

from functools import partial
from typing import Any

from pipy_core.api import (
    ANY,
    DURATION,
    END,
    EOS,
    PIPELINE,
    Branch,
    Data,
    Event,
    Failure,
    Filter,
    Head,
    Host,
    Make,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    Session,
    Sessions,
    StreamEnd,
    Target,
    deliver,
    hookimpl,
    options,
    too_large,
)


class _Exchange:
    """A message that was sent, and who waits for the reply (None: nobody any more)."""

    __slots__ = ("started", "user")

    def __init__(self, user: "Mux") -> None:
        self.user: Mux | None = user
        self.started = False

    def give(self, event: Event) -> None:
        """Hand a part of the reply to its stream. What goes wrong there stays there."""
        if self.user is not None:
            deliver(self.user.emit, event, self.user.host)


class MuxSession(Session):
    """A sub-pipeline that answers messages in order. Its context is a copy of its first user's (spec: model.md, 5)."""

    __slots__ = ("_branch", "_pending")

    def __init__(self, host: Host, target: Target) -> None:
        super().__init__()
        self._pending: list[_Exchange] = []
        self._branch: Branch | None = host.join(target, self._reply, host.clone_context())

    def send(self, exchange: _Exchange, head: Head | None, body: bytes) -> None:
        """Send a message; *exchange* gets the reply."""
        self._pending.append(exchange)
        for event in (MessageStart(head), Data(body), END):
            if self._branch is not None and (type(event) is not Data or event.payload):
                self._branch.feed(event)

    def expire(self) -> None:
        """See ``Session``."""
        if self._branch is not None:
            self._branch.feed(EOS)
        self._end(EOS)

    def _reply(self, event: Event) -> None:
        if isinstance(event, StreamEnd):
            self._end(event)
        elif self._pending:
            exchange = self._pending[0]
            if isinstance(event, MessageEnd):
                del self._pending[0]
            elif isinstance(event, MessageStart):
                exchange.started = True
            exchange.give(event)

    def _end(self, event: StreamEnd) -> None:
        self.retire()
        pending, self._pending = self._pending, []
        branch, self._branch = self._branch, None
        if branch is not None:
            branch.close()
        for exchange in pending:
            if not exchange.started:
                exchange.give(MessageStart())
            exchange.give(event)


class Mux(Filter):
    """One stream: its first message is sent; what follows is ignored."""

    joins = "link"

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``. The streams of one use share its sessions."""
        sessions: Sessions[MuxSession] = Sessions()
        return partial(cls, sessions, target, key, settings["maxIdle"])

    def __init__(self, sessions: Sessions[MuxSession], target: Target, key: Any, max_idle: float) -> None:
        self._sessions = sessions
        self._target = target
        self._key = key
        self._max_idle = max_idle
        self._session: MuxSession | None = None
        self._exchange: _Exchange | None = None
        self._head: Head | None = None
        self._body: list[bytes] | None = None  # None: outside of the message
        self._size = 0

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, MessageStart):
            if self._session is None:
                self._session = self._acquire()
                self._head, self._body = event.head, []
        elif isinstance(event, StreamEnd) and self._is_cut_off(event):
            self._body = None
            self.emit(event)
        elif self._body is None:
            return
        elif isinstance(event, Data):
            self._collect(event.payload)
        else:
            body, self._body = b"".join(self._body), None
            self._exchange = _Exchange(self)
            assert self._session is not None
            self._session.send(self._exchange, self._head, body)

    def _is_cut_off(self, end: StreamEnd) -> bool:
        """There is no message, or not a whole one: then nothing is sent, and the end is all the answer there will be."""
        return self._session is None or (self._body is not None and end.error is not Failure.NONE)

    def busy(self) -> bool:
        """See ``Filter``."""
        return self._exchange is not None

    def close(self) -> None:
        """See ``Filter``."""
        exchange, self._exchange = self._exchange, None
        session, self._session = self._session, None
        self._body = None
        if exchange is not None:
            exchange.user = None
        if session is not None:
            session.release(self.host.clock, self._max_idle)

    def _acquire(self) -> MuxSession:
        key = self.host.value(self._key)
        session = self._sessions.find(key)
        if session is None:
            session = self._sessions.add(key, MuxSession(self.host, self._target))
        session.acquire()
        return session

    def _collect(self, payload: bytes) -> None:
        assert self._body is not None
        self._body.append(payload)
        self._size += len(payload)
        if self._size > self.host.limits.max_body_buffer:
            too_large(self.host.context.group, self._head)
            self._body = None
            self.emit(StreamEnd(Failure.BUFFER_OVERFLOW))


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "mux",
        Mux,
        [
            Param("target", PIPELINE, "what answers the messages"),
            Param("key", ANY, "streams with equal keys share a session; a value or a function", default=None),
            options(Param("maxIdle", DURATION, "after which an unused session ends", default=10.0)),
        ],
        help="Sends messages over sessions that are shared by key, and gives each stream its reply.",
        group="joint",
    )
