"""``merge(target, key)``: a copy of every message of many streams into sessions that are shared by key; the originals pass.

A message is collected (at most ``max_body_buffer`` bytes) and delivered as one piece, so that messages of different streams do not
mix. What a session answers is dropped. A session that was idle for too long gets the end of its stream, and ``LINGER`` to finish.
"""

from functools import partial
from typing import Any, Final

from pipy_core.api import (
    ANY,
    DURATION,
    END,
    EOS,
    PIPELINE,
    Branch,
    Clock,
    Data,
    Event,
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
    get_logger,
    hookimpl,
    options,
)

#: Seconds an expired session has to send what it still holds.
LINGER: Final = 10.0


class MergeSession(Session):
    """A sub-pipeline that swallows messages. Its context is a copy of its first user's (spec: model.md, 5)."""

    __slots__ = ("_branch", "_clock")

    def __init__(self, host: Host, target: Target) -> None:
        super().__init__()
        self._clock: Clock = host.clock
        self._branch: Branch | None = host.join(target, self._reply, host.clone_context())

    def send(self, head: Head | None, body: bytes) -> None:
        """Deliver a message."""
        for event in (MessageStart(head), Data(body), END):
            if self._branch is not None and (type(event) is not Data or event.payload):
                self._branch.feed(event)

    def expire(self) -> None:
        """See ``Session``."""
        if self._branch is not None:
            self._branch.feed(EOS)
        if self._branch is not None:  # it may have ended at once
            self._clock.after(LINGER, self._end)

    def _reply(self, event: Event) -> None:
        if isinstance(event, StreamEnd):
            self._end()

    def _end(self) -> None:
        self.retire()
        branch, self._branch = self._branch, None
        if branch is not None:
            branch.close()


class Merge(Filter):
    """One stream whose messages are copied."""

    joins = "fork"

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``. The streams of one use share its sessions."""
        sessions: Sessions[MergeSession] = Sessions()
        return partial(cls, sessions, target, key, settings["maxIdle"])

    def __init__(self, sessions: Sessions[MergeSession], target: Target, key: Any, max_idle: float) -> None:
        self._sessions = sessions
        self._target = target
        self._key = key
        self._max_idle = max_idle
        self._asked = False
        self._session: MergeSession | None = None
        self._head: Head | None = None
        self._body: list[bytes] | None = None  # None: outside of a message
        self._size = 0

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if not self._asked:
            self._key = self.host.value(self._key)
            self._asked = True
        if isinstance(event, MessageStart):
            self._head, self._body, self._size = event.head, [], 0
        elif self._body is not None:
            if isinstance(event, Data):
                self._collect(event.payload)
            elif isinstance(event, MessageEnd | StreamEnd):
                head, body = self._head, b"".join(self._body)
                self._head = self._body = None
                self._acquire().send(head, body)
        self.emit(event)

    def close(self) -> None:
        """See ``Filter``."""
        session, self._session = self._session, None
        self._head = self._body = None
        if session is not None:
            session.release(self.host.clock, self._max_idle)

    def _acquire(self) -> MergeSession:
        """The session as long as it lives, then another one."""
        session = self._session
        if session is not None and not session.retired:
            return session
        session = self._sessions.find(self._key)
        if session is None:
            session = self._sessions.add(self._key, MergeSession(self.host, self._target))
        session.acquire()
        self._session = session
        return session

    def _collect(self, payload: bytes) -> None:
        assert self._body is not None
        self._body.append(payload)
        self._size += len(payload)
        most = self.host.limits.max_body_buffer
        if self._size > most:
            self._body = None
            get_logger("merge").error(f"a message of more than {most} bytes was not copied")


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "merge",
        Merge,
        [
            Param("target", PIPELINE, "what the copies go to"),
            Param("key", ANY, "streams with equal keys share a session; a value or a function", default=None),
            options(Param("maxIdle", DURATION, "after which an unused session ends", default=10.0)),
        ],
        help="Copies messages of many streams into sessions that are shared by key.",
        group="joint",
    )
