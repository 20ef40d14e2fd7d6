"""How a stream was answered, as far as that says something about who answered it. Knows no filter."""

from typing import Final

from pipy_core.api import Data, Event, Failure, Head, MessageStart, StreamEnd

#: From here on a status says that something is wrong with the server, not with the request (RFC 9110, 15.6).
SERVER_ERROR: Final = 500


class Outcome:
    """An answer, or why there is none.

    :ivar status: of the answer; 0 if it has none, as in other protocols than HTTP. :ivar failure: how the stream ended instead.
    """

    __slots__ = ("failure", "status")

    def __init__(self, status: int, failure: Failure = Failure.NONE) -> None:
        self.status = status
        self.failure = failure

    @property
    def bad(self) -> bool:
        """Whether it counts against who answered. An error in the script does not."""
        return self.failure is not Failure.RUNTIME_ERROR and (self.failure is not Failure.NONE or self.status >= SERVER_ERROR)

    @property
    def words(self) -> str:
        """What the log says of it."""
        return self.failure.value or f"status {self.status}"

    def __repr__(self) -> str:
        return f"Outcome({self.status}, {self.failure})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and (self.status, self.failure) == (other.status, other.failure)

    __hash__ = object.__hash__


class Judge:
    """Watches the answer to one stream until it can be told how it was answered.

    ``muxHTTP`` gives a head where there is no answer as well, and the failure behind it: with errors one event more is waited for.
    """

    __slots__ = ("_status", "decided")

    def __init__(self) -> None:
        self._status = 0
        self.decided = False

    def look(self, event: Event) -> Outcome | None:
        """The next event of the answer. Gives the outcome, once, when it is known."""
        if self.decided:
            return None
        if type(event) is Data and not event.payload:
            return None
        if not self._status and type(event) is MessageStart:
            self._status = status_of(event.head)
            if self._status >= SERVER_ERROR:
                return None
        self.decided = True
        return Outcome(self._status, event.error if type(event) is StreamEnd else Failure.NONE)


def status_of(head: Head | None) -> int:
    """The status in the head of a response; 0 if there is none."""
    status = head.get("status") if head is not None else None
    return int(status) if isinstance(status, int | float) and not isinstance(status, bool) else 0


def method_of(head: Head | None) -> str:
    """The method in the head of a request; the usual one if there is none."""
    method = head.get("method") if head is not None else None
    return method if isinstance(method, str) else "GET"
