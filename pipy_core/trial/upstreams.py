"""What a script connects to: servers that a test describes."""

from collections.abc import Callable
from typing import TypeAlias

from pipy_core.events import Failure, Message
from pipy_core.trial.exchange import Exchange
from pipy_core.trial.links import Link, Peer
from pipy_core.trial.manner import Manner

#: Called with what is asked; it calls ``Exchange.answer``, at once, later or never.
Answer: TypeAlias = Callable[[Exchange], None]


def silent(_exchange: Exchange) -> None:
    """What an upstream does that never answers."""


class Upstream:
    """A server that the script may connect to.

    :param answer: called with each request, or, if it is raw, with all bytes that come at a time. Calls ``Exchange.answer``.
    :param relay: makes what each connection is passed on to instead, a port of the script; see ``Trial.relay``.
    :ivar requests: the requests that have come, oldest first.
    :ivar links: all connections, oldest first, also those that have ended.
    """

    def __init__(
        self,
        address: str,
        answer: Answer = silent,
        manner: Manner | None = None,
        relay: Callable[[Link], Peer] | None = None,
    ) -> None:
        self.address = address
        self.answer = answer
        self.manner = manner or Manner()
        self.requests: list[Message] = []
        self.links: list[Link] = []
        self.relay = relay

    @property
    def received(self) -> bytes:
        """All bytes that have come, over all connections, in order of these."""
        return b"".join(bytes(link.received) for link in self.links)

    def send(self, payload: bytes) -> None:
        """Send *payload* over the newest connection, unasked.

        :raises TypeError: there is none, or it has ended.
        """
        if not self.links or self.links[-1].closed:
            raise TypeError(f"nothing is connected to {self.address}")
        self.links[-1].send(payload)

    def close(self, failure: Failure = Failure.NONE) -> None:
        """Close all connections; with ``ReadError`` as a reset does."""
        for link in self.links:
            link.end(failure)
