"""What a stream of a pipeline has to do with its request to a server, whatever version of HTTP carries that: the way back."""

from abc import ABC, abstractmethod
from typing import Any, Final, Protocol

from pipy_core.api import EOS, Emit, Event, Failure, Host, MessageStart, StreamEnd, deliver
from pipy_plugins.http.heads import FailureHead, Relay
from pipy_plugins.http.pool import failed

#: Sessions that may be lost under a request that was not sent.
MAX_MOVES: Final = 3


class User(Protocol):
    """The filter that a request came through."""

    emit: Emit
    host: Host

    def carry(self, exchange: Any) -> None:
        """Find a session for *exchange* and submit it there."""


class Claim(ABC):
    """A request that waits for its response. What goes wrong in the stream that gets it stays there.

    What it knows is kept by those who mix it in. :ivar carrier: the session it waits for or is sent by.
    :ivar started: the response has begun.
    """

    __slots__ = ()

    _moves: int
    _relay: Relay | None
    _user: User | None
    carrier: Any
    started: bool

    @abstractmethod
    def _drop(self) -> None:
        """Nothing more is sent."""

    def move(self, failure: Failure, counts: bool) -> None:
        """Its session was lost before it was looked at: go to another one, or fail if that *counts* and was often enough."""
        self.carrier = None
        self._moves += counts  # type: ignore[misc]  # a slot of those who mix it in
        if self._moves > MAX_MOVES:
            self.fail(failure)
        else:
            self._carry()

    def _carry(self) -> None:
        user = self._user
        if user is not None:
            try:
                user.carry(self)
            except Exception as error:  # noqa: BLE001  # of this stream, perhaps while another one's event is being handled
                self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        user = self._user
        self.release()
        if user is not None:
            user.host.report(error)
            deliver(user.emit, StreamEnd(Failure.RUNTIME_ERROR), user.host)

    def give(self, event: Event) -> None:
        """Hand a part of the response to the stream, if it still exists."""
        user = self._user
        if user is not None:
            deliver(user.emit, event, user.host)

    def fail(self, failure: Failure) -> None:
        """There will be no more of a response."""
        failed(self._user)
        self.release()
        if not self.started:
            self.give(MessageStart(FailureHead(failure)))
        self.give(StreamEnd(failure) if failure is not Failure.NONE else EOS)

    def release(self) -> None:
        """The session has done its part."""
        self.carrier = None
        self._drop()
