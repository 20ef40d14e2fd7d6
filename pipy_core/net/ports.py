"""All listening ports of a worker: a new generation of the program takes them over together, or none of them.

Knows no scripts: what listens where comes as ``Opening``.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pipy_core.context import Context
from pipy_core.errors import StartError
from pipy_core.layout import Layout
from pipy_core.net.listener import Listener
from pipy_core.net.reactor import Reactor

Address = tuple[str, int]


class Generation(Protocol):
    """Whose pipelines run on new connections."""

    def new_context(self, inbound: tuple[Any, ...]) -> Context:
        """The context of a new connection."""

    def gone(self, context: Context) -> None:
        """The connection of *context* is closed."""


class Opening(Protocol):
    """A ``listen`` of the script: where, how, and what runs there."""

    address: Address
    options: dict[str, Any]
    layout: Layout


class Ports:
    """The listeners, by address."""

    def __init__(self, reactor: Reactor, *, reuse_port: bool) -> None:
        self._reactor = reactor
        self._reuse_port = reuse_port
        self._listeners: dict[Address, Listener] = {}
        self._closed: list[Listener] = []  # of older generations, while they have connections

    def take_over(self, openings: Mapping[Address, Opening], generation: Generation) -> None:
        """Listen on these ports and no others, with the layouts and options of *generation*.

        Connections that are there keep what they have; idle ones are asked to end.

        :raises StartError: a port cannot be opened; then nothing has changed.
        """
        opened: dict[Address, Listener] = {}
        for address, opening in openings.items():
            if address in self._listeners:
                continue
            listener = Listener(self._reactor, address, opening.layout, opening.options, generation.new_context, generation.gone)
            try:
                listener.open(reuse_port=self._reuse_port)
            except StartError:
                for other in opened.values():
                    other.close()
                raise
            opened[address] = listener
        self.drain()
        self._closed = [listener for listener in self._closed if listener.connections]
        for address in self._listeners.keys() - openings.keys():
            listener = self._listeners.pop(address)
            listener.close()
            self._closed.append(listener)
        self._listeners |= opened
        for address, opening in openings.items():
            self._listeners[address].serve(opening.layout, opening.options, generation.new_context, generation.gone)

    def drain(self) -> None:
        """Ask all connections to finish what they are doing, and close."""
        for listener in self.listeners:
            listener.drain()

    def close(self) -> None:
        """Stop listening; connections go on."""
        for listener in self._listeners.values():
            listener.close()

    def abort(self) -> None:
        """Stop listening and cut all connections."""
        self.close()
        for listener in self.listeners:
            for inbound in list(listener.connections):
                inbound.abort()

    @property
    def busy(self) -> int:
        """How many connections have something to finish."""
        return sum(inbound.busy for listener in self.listeners for inbound in listener.connections)

    @property
    def listeners(self) -> list[Listener]:
        """All there are, and those of older generations that still have connections."""
        return [*self._listeners.values(), *self._closed]
