"""One accepted connection and the run of a pipeline that serves it.

Knows nothing of scripts: its context comes from a function.
"""

import itertools
import math
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from pipy_core.context import Context
from pipy_core.counters import Tally
from pipy_core.events import EOS, Data, Event, StreamEnd
from pipy_core.layout import Layout
from pipy_core.limits import Limits
from pipy_core.net import transparent
from pipy_core.net.connection import Connection
from pipy_core.net.reactor import Reactor, Way
from pipy_core.pipeline import Pipeline

#: Seconds that a client which has closed its sending side is given until its pipeline has answered (HAProxy: timeout client-fin).
HALF_CLOSED_LIMIT: Final = 60.0

_numbers = itertools.count(1)

#: Makes the context of a connection; gets what scripts see as ``__inbound``.
NewContext = Callable[[tuple[Any, ...]], Context]
#: Tells the script that the connection a context began with is gone.
Gone = Callable[[Context], None]


class Acceptor(Protocol):
    """What has accepted the connection: see ``Listener``."""

    reactor: Reactor
    layout: Layout
    options: Mapping[str, Any]
    limits: Limits
    new_context: NewContext
    gone: Gone
    generation: int
    tally: Tally

    def forget(self, inbound: "Inbound") -> None:
        """The connection is closed."""


class Inbound:
    """See the module.

    :param local: where it was to go to; where *sock* says unless given.
    :ivar generation: number of the program that it runs in. :ivar asked: when it was last asked to come to its end; -inf: never.
    """

    __slots__ = (
        "_answered",
        "_connection",
        "_deadline",
        "_ended",
        "_gone",
        "_listener",
        "_pipeline",
        "_reactor",
        "asked",
        "generation",
        "group",
        "peer",
    )

    def __init__(
        self, listener: Acceptor, sock: socket.socket, peer: tuple[Any, ...], local: tuple[str, int] | None = None
    ) -> None:
        self._listener = listener
        self._reactor = listener.reactor
        self.peer: str = peer[0]
        self.generation = listener.generation
        self.asked = -math.inf
        self._gone = listener.gone
        self._answered = False  # the pipeline has ended its output
        self._ended = False  # the pipeline has got its StreamEnd
        self._deadline: Any = None
        local = local or sock.getsockname()
        options = listener.options
        origin = (next(_numbers), peer[0], peer[1], local[0], local[1])
        context = listener.new_context(origin + transparent.destination(sock) if options.get("transparent") else origin)
        group = self.group = context.group
        group.tally = listener.tally
        limits = group.limits = listener.limits
        self._pipeline: Pipeline | None = Pipeline(listener.layout, context, self._output)
        self._connection = Connection(
            self._reactor, sock, self._receive, self.release, limits.read_timeout, limits.write_timeout, listener.tally
        )
        self._connection.start()

    def _receive(self, event: Event) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        if type(event) is StreamEnd:
            self._ended = True
            pipeline.feed(event)
            if not self._answered:
                self._end_unanswered(pipeline)
        else:
            pipeline.feed(event)

    def _end_unanswered(self, pipeline: Pipeline) -> None:
        """The client has ended its side and the pipeline has not: wait for what it may still say, if it may."""
        if pipeline.busy():
            self._deadline = self._reactor.after(HALF_CLOSED_LIMIT, self._connection.abort)
        else:
            self._output(EOS)

    def _output(self, event: Event) -> None:
        kind = type(event)
        if kind is Data:
            if event.payload and not self._answered:  # type: ignore[union-attr]  # mypy does not follow type()
                self._connection.write(event.payload)  # type: ignore[union-attr]
        elif kind is StreamEnd and not self._answered:
            self._answered = True
            self._connection.end()
            self._reactor.turn.dirty.append(self)  # the pipeline is released when this turn is done with it

    def flush(self) -> None:
        """See ``turn.Sink``: the pipeline has ended its output."""
        if self._pipeline is not None:
            if not self._ended:
                self._ended = True
                self._pipeline.feed(EOS)
            self._release_pipeline()

    def release(self) -> None:
        """The connection is closed, or must be."""
        self._release_pipeline()
        self._listener.forget(self)

    def abort(self) -> None:
        """Cut the connection."""
        self._connection.abort()

    def time_out(self) -> None:
        """The client has kept us waiting for too long: end with ``ReadTimeout``."""
        self._connection.time_out()

    @property
    def held(self) -> bool:
        """Whether nothing is read from the client because what it has sent has not found its place."""
        return self._connection.held

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.unsent

    @property
    def busy(self) -> bool:
        """Whether it has something to finish; if not, it only waits for the client to close."""
        return self._pipeline is not None or self._connection.unsent > 0

    @property
    def way(self) -> Way | None:
        """From where it comes and to where, while there is a pipeline."""
        if self._pipeline is None:
            return None
        _, client, client_port, _, port, *_ = self._pipeline.context.inbound
        return client, client_port, port

    def drain(self) -> None:
        """The program is about to end or to be replaced: ask the pipeline to finish what it is doing. See ``Filter.drain``.

        It is not asked again before it has got what has come: a process that was held up would find a client idle that has asked.
        """
        again = self.asked > -math.inf
        if self._pipeline is not None and not self._ended and not (again and _has_unread(self._connection.sock)):
            self.asked = self._reactor.now()
            self._pipeline.drain()

    def _release_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if self._deadline is not None:
            self._deadline.cancel()
        if pipeline is not None:
            context = pipeline.context
            pipeline.close()
            self._gone(context)


def _has_unread(sock: socket.socket) -> bool:
    """Whether something has come on *sock* that is not read yet."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
