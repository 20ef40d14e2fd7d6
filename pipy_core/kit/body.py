"""What filters hold in memory: the body of a message, or events that cannot go on yet. Both are bounded."""

from collections import deque
from collections.abc import Callable
from typing import Final

from pipy_core.context import Group
from pipy_core.events import Data, Event, Failure, Head, StreamEnd

#: What a filter holds unless a script or ``--max-body-buffer`` says otherwise.
#: As much as a large upload or page, and small beside the memory of a server.
LIMIT: Final = 16 * 1024 * 1024

_OURS: Final = (Failure.RUNTIME_ERROR, Failure.BUFFER_OVERFLOW)

#: What an event without payload counts for, so that there cannot be too many of them either.
_EVENT_SIZE: Final = 64


class Body:
    """The body of one message: a copy, which what is done to the stream's Data or to this one later does not reach.

    :param limit: bytes beyond it are left out and counted, as the original does when a script sets a limit. None: there is no such
        limit but *most*, and a body that passes it cannot be had at all.
    :param most: bytes; ``max_body_buffer`` of the connection's limits.
    """

    __slots__ = ("_first", "_limit", "_most", "_pieces", "discarded", "size")

    def __init__(self, limit: int | None = None, *, most: int = LIMIT) -> None:
        self._limit = limit
        self._most = most
        self._first: Data | None = None
        self._pieces: list[bytes] = []
        self.size = 0
        self.discarded = 0

    def add(self, data: Data) -> bool:
        """Take *data*; false if the body has passed *most* and must be given up."""
        payload = data.payload
        length = len(payload)
        if not length:
            return True
        if self._limit is None:
            self.size += length
            if self.size > self._most:
                return False
        else:
            room = self._limit - self.size
            if length > room:
                self.discarded += length - room
                payload, length = payload[:room], room
            if not length:
                return True
            self.size += length
        if self._first is None:
            self._first = data
        self._pieces.append(payload)
        return True

    def data(self) -> Data:
        """All of it. A body that came in one piece need not be shown to scripts again that have seen that piece."""
        if len(self._pieces) != 1:
            return Data(b"".join(self._pieces))
        whole = Data(self._pieces[0])
        if self._first is not None and self._first.payload is whole.payload:
            whole.script = self._first.script
        return whole

    def cut_off(self, head: Head | None, end: Event) -> bool:
        """Whether *end* is an error that leaves a part of a message only.

        A head with an error instead of a body is whole where it stands for that error, as ``502`` does. A request, or anything
        else without a status, stands for no error of ours: there a script has failed on it, or a filter that could not hold it.
        """
        if not isinstance(end, StreamEnd) or end.error is Failure.NONE:
            return False
        return self.size > 0 or (end.error in _OURS and (head is None or "status" not in head.fields))

    def complaint(self) -> str:
        """What the log is to say of what was left out; empty if nothing is to be said. A limit of 0 leaves all out on purpose."""
        if self.discarded and self._limit:
            return f"{self.discarded} bytes were discarded due to buffer size limit of {self._limit}"
        return ""


def too_large(group: Group, head: Head | None, cause: str = "body size") -> None:
    """The body of the message with *head* cannot be had: if it is a client's request, the client is told, and *cause* counted."""
    if head is not None and head.too_large():
        group.tally.refuse(cause)


class Backlog:
    """Events that wait in order, ``LIMIT`` bytes of them at most."""

    __slots__ = ("_events", "size")

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._events)

    def add(self, event: Event) -> bool:
        """Put *event* at the end; false if there is no room for it."""
        self.size += _weight(event)
        if self.size > LIMIT:
            return False
        self._events.append(event)
        return True

    def put_back(self, event: Event) -> None:
        """Put what is left of the first event to its place again."""
        self.size += _weight(event)
        self._events.appendleft(event)

    def take(self) -> Event:
        """Take the first event."""
        event = self._events.popleft()
        self.size -= _weight(event)
        return event

    def drain(self, feed: Callable[[Event], None]) -> None:
        """Hand over all events, those that are added meanwhile too."""
        while self._events:
            feed(self.take())

    def clear(self) -> None:
        """Forget all events."""
        self._events.clear()
        self.size = 0


def _weight(event: Event) -> int:
    return len(event.payload) + _EVENT_SIZE if type(event) is Data else _EVENT_SIZE
