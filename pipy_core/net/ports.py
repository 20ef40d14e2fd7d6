"""All listening ports of a worker: a new generation of the program takes them over together, or none of them.

Connections of older generations are asked to finish what they are doing, again and again, and cut when somebody says so.
Knows no scripts: what listens where comes as ``Opening``.
"""

import socket
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from pipy_core.context import Context
from pipy_core.errors import StartError
from pipy_core.layout import Layout
from pipy_core.logs import get_logger
from pipy_core.net.inbound import Inbound
from pipy_core.net.inside import connect_inside
from pipy_core.net.listener import Listener
from pipy_core.net.opening import Address
from pipy_core.net.reactor import Reactor, ReactorTimer, Way
from pipy_core.net.sweep import Sweep

#: Seconds that an idle connection of an older generation is kept after a reload: a request may be on its way.
#: Envoy's ``drain_timeout`` is 5 s; nginx and HAProxy close idle ones at once unless ``keepalive_min_timeout`` or
#: ``idle-close-on-response`` is set. See ``contrib/decisions``.
DRAIN_GRACE: Final = 5.0
#: The same when the program is to end: who has no request on the wire by then has none.
SHUTDOWN_GRACE: Final = 1.0
#: Connections that are asked in one go, so that many idle ones do not keep the others waiting.
DRAIN_BATCH: Final = 64

_log = get_logger("listener")
_NO_SOCKETS: Final[Mapping[Address, socket.socket]] = {}


class Generation(Protocol):
    """Whose pipelines run on new connections."""

    number: int

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

    def __init__(self, reactor: Reactor, *, reuse_port: bool, sharers: int = 1) -> None:
        self._reactor = reactor
        self._sharers = sharers
        self._reuse_port = reuse_port
        self._listeners: dict[Address, Listener] = {}
        self._closed: list[Listener] = []  # of older generations, while they are closing or have connections
        self._current = -1  # generation of connections that may stay
        self._grace = DRAIN_GRACE
        self._ending = False
        self._sweep: ReactorTimer | None = None
        self._watch = Sweep(reactor, self._inbounds)

    def take_over(
        self, openings: Mapping[Address, Opening], generation: Generation, sockets: Mapping[Address, socket.socket] = _NO_SOCKETS
    ) -> None:
        """Listen on these ports and no others, with the layouts and options of *generation*.

        Connections that are there keep what they have, and are asked to end when they have nothing to do.

        :param sockets: listening sockets that are shared with other processes; the ports that have none here are opened.
            What is not needed of them is left to the caller.
        :raises StartError: a port cannot be opened; then nothing has changed.
        """
        back = {each.address: each for each in self._closed if each.is_open and each.address in openings.keys() - sockets.keys()}
        opened: dict[Address, Listener] = {}
        for address, opening in openings.items():
            if address not in self._listeners and address not in back:
                try:
                    opened[address] = self._open(opening, generation, sockets.get(address))
                except StartError:
                    for other in opened.values():
                        other.abandon()
                    raise
        for listener in self._closed:
            if listener.address in opened:  # it has the same socket: who comes from now on is not for an older generation
                listener.abandon()
        self._current = generation.number
        for address in self._listeners.keys() - openings.keys():
            listener = self._listeners.pop(address)
            listener.close()
            self._closed.append(listener)
        self._closed = [listener for listener in self._closed if listener not in back.values()]
        self._listeners |= opened | back
        for address, opening in openings.items():
            listener = self._listeners[address]
            listener.serve(opening.layout, opening.options, generation.new_context, generation.gone, generation.number)
        self._watch.start([listener.limits for listener in self.listeners])
        self._drain()

    def _open(self, opening: Opening, generation: Generation, shared: socket.socket | None) -> Listener:
        listener = Listener(
            self._reactor, opening.address, opening.layout, opening.options, generation.new_context, generation.gone
        )
        if shared is None:
            listener.open(reuse_port=self._reuse_port)
        else:
            listener.adopt(shared, self._sharers)
        return listener

    # -- the end of connections -------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Ask all connections to finish what they are doing, and close: the program is to end.

        Those of the program to itself are not asked, since others may need them to the end, and can still be made; see ``inside``.
        """
        self._ending = True
        self._reactor.inside = partial(connect_inside, self._reactor, self._listeners.values())
        self._current = -1
        self._grace = SHUTDOWN_GRACE
        self._drain()

    def _drain(self) -> None:
        """Ask those that are to end, now and every time that their grace has passed."""
        self._closed = [listener for listener in self._closed if listener.is_open or listener.connections]
        leaving = [listener.leaving(self._current, self._grace) for listener in self.listeners]
        asked = [inbound for due, _ in leaving for inbound in due]
        if self._ending:
            own = self._own()
            asked = [inbound for inbound in asked if inbound.way not in own]
        self._ask(asked, any(later for _, later in leaving))

    def _ask(self, due: list[Inbound], later: bool) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for inbound in due[:DRAIN_BATCH]:
            self._reactor.run(inbound.drain)
        if len(due) > DRAIN_BATCH:
            self._sweep = self._reactor.after(0.0, partial(self._ask, due[DRAIN_BATCH:], later))
        elif later:
            self._sweep = self._reactor.after(self._grace, self._drain)

    def cut(self, generation: int) -> int:
        """Close the connections of *generation*, whatever they are doing; give how many, which is logged as well."""
        rest = [inbound for inbound in self._inbounds() if inbound.generation == generation]
        for inbound in rest:
            self._reactor.run(inbound.abort)
        if rest:
            _log.warning(f"{len(rest)} connections of generation {generation} had to be cut")
        return len(rest)

    def close(self) -> None:
        """Stop listening, as ``Listener.close`` does; connections go on."""
        for listener in self._listeners.values():
            listener.close()

    def abort(self) -> None:
        """Stop listening and cut all connections."""
        self._watch.stop()
        for listener in self.listeners:
            listener.abort()

    # -- figures ----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> int:
        """How many connections have something to finish; those of the program to itself do not count."""
        own = self._own()
        return sum(inbound.busy and inbound.way not in own for inbound in self._inbounds())

    def _own(self) -> set[Way]:
        """How the program connects, to itself or to others."""
        return {outbound.way for outbound in self._reactor.outbounds}

    @property
    def ended(self) -> bool:
        """Whether nothing is listened on any more, and no connection has anything to finish."""
        return not self.busy and not any(listener.is_open for listener in self.listeners)

    @property
    def generations(self) -> Counter[int]:
        """Open connections by the number of the generation that they run in."""
        return Counter(inbound.generation for inbound in self._inbounds())

    @property
    def accepting(self) -> set[int]:
        """Numbers of the generations that still get connections: the current one, and those whose ports are being closed."""
        return {listener.generation for listener in self.listeners if listener.is_open}

    @property
    def listeners(self) -> list[Listener]:
        """All there are, and those of older generations that still have connections."""
        return [*self._listeners.values(), *self._closed]

    def _inbounds(self) -> list[Inbound]:
        return [inbound for listener in self.listeners for inbound in listener.connections]
