"""Listening ports: every accepted connection gets a context, a run of the port's layout, and a greenlet.

Knows nothing of scripts: contexts come from a function.
"""

import errno
import itertools
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipy_core.context import Context
from pipy_core.errors import StartError
from pipy_core.events import EOS, Data, Event, StreamEnd
from pipy_core.layout import Layout
from pipy_core.logs import get_logger
from pipy_core.net import transparent
from pipy_core.net.connection import READ, Connection
from pipy_core.net.reactor import Reactor
from pipy_core.pipeline import Pipeline

#: Connections accepted in one go, so that those already there get their turn.
ACCEPT_BATCH: Final = 64
#: Connections that wait to be accepted (the kernel may allow fewer). nginx has 511.
BACKLOG: Final = 4096
#: Seconds before accepting is tried again when the process is out of descriptors (nginx: 0.5 s).
ACCEPT_PAUSE: Final = 0.5
#: Seconds that a client which has closed its sending side is given until its pipeline has answered (HAProxy: timeout client-fin).
HALF_CLOSED_LIMIT: Final = 60.0

_log = get_logger("listener")
_numbers = itertools.count(1)

#: Makes the context of a connection; gets what scripts see as ``__inbound``.
NewContext = Callable[[tuple[Any, ...]], Context]
#: Tells the script that the connection a context began with is gone.
Gone = Callable[[Context], None]


class Inbound:
    """One accepted connection and its pipeline."""

    __slots__ = ("_answered", "_connection", "_deadline", "_ended", "_listener", "_pipeline", "_reactor", "peer")

    def __init__(self, listener: "Listener", sock: socket.socket, peer: tuple[Any, ...]) -> None:
        self._listener = listener
        self._reactor = listener.reactor
        self.peer: str = peer[0]
        self._answered = False  # the pipeline has ended its output
        self._ended = False  # the pipeline has got its StreamEnd
        self._deadline: Any = None
        local = sock.getsockname()
        options = listener.options
        origin = (next(_numbers), peer[0], peer[1], local[0], local[1])
        context = listener.new_context(origin + transparent.destination(sock) if options.get("transparent") else origin)
        self._pipeline: Pipeline | None = Pipeline(listener.layout, context, self._output)
        self._connection = Connection(
            self._reactor, sock, self._receive, self.release, options["readTimeout"], options["writeTimeout"]
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

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.unsent

    @property
    def busy(self) -> bool:
        """Whether it has something to finish; if not, it only waits for the client to close."""
        return self._pipeline is not None or self._connection.unsent > 0

    def drain(self) -> None:
        """The program is about to end or to be replaced: ask the pipeline to finish what it is doing, and close."""
        if self._pipeline is not None and not self._ended:
            self._pipeline.drain()

    def _release_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if self._deadline is not None:
            self._deadline.cancel()
        if pipeline is not None:
            context = pipeline.context
            pipeline.close()
            self._listener.gone(context)


class Listener:
    """One listening port.

    :param options: ``maxConnections`` (-1: no limit), ``readTimeout``, ``writeTimeout``, ``transparent``.
    """

    def __init__(
        self,
        reactor: Reactor,
        address: tuple[str, int],
        layout: Layout,
        options: Mapping[str, Any],
        new_context: NewContext,
        gone: Gone,
    ) -> None:
        self.reactor = reactor
        self.address = address
        self.layout = layout
        self.options = options
        self.new_context = new_context
        self.gone = gone
        self.connections: set[Inbound] = set()
        self._sock: socket.socket | None = None
        self._watcher: Any = None
        self._accepting = False

    def open(self, *, reuse_port: bool = False) -> None:
        """Bind and listen.

        :raises StartError: the port is taken, or may not be used.
        """
        host, port = self.address
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if self.options.get("transparent"):
                transparent.allow(sock)
            sock.bind(self.address)
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            words = os.strerror(error.errno) if error.errno else str(error)
            raise StartError(f"Cannot start listening on port {port} at {host}: {words}") from error
        sock.setblocking(False)
        self._sock = sock
        self._watcher = self.reactor.loop.io(sock.fileno(), READ)
        _log.info(f"Listening on port {port} at {host}")

    def serve(self, layout: Layout, options: Mapping[str, Any], new_context: NewContext, gone: Gone) -> None:
        """From now on new connections run *layout*; those that are there keep theirs."""
        if self._sock is not None and options.get("transparent") and not self.options.get("transparent"):
            transparent.allow(self._sock)
        self.layout, self.options, self.new_context, self.gone = layout, options, new_context, gone
        self._update()

    def close(self) -> None:
        """Stop listening; connections go on."""
        if self._sock is not None:
            self._accepting = False
            self._watcher.stop()
            self._watcher.close()
            self._sock.close()
            self._sock = None
            _log.info(f"Stopped listening on port {self.address[1]} at {self.address[0]}")

    def drain(self) -> None:
        """Ask all connections to finish what they are doing, and close."""
        for inbound in list(self.connections):
            self.reactor.run(inbound.drain)

    def forget(self, inbound: Inbound) -> None:
        """The connection is closed: there may be room for another."""
        self.connections.discard(inbound)
        self._update()

    def _update(self) -> None:
        limit = self.options["maxConnections"]
        wanted = self._sock is not None and (limit < 0 or len(self.connections) < limit)
        if wanted and not self._accepting:
            self._accepting = True
            self._watcher.start(self._accept)
        elif self._accepting and not wanted:
            self._accepting = False
            self._watcher.stop()

    def _accept(self) -> None:
        """Runs in the hub."""
        for _ in range(ACCEPT_BATCH):
            if not self._accepting or self._sock is None:
                return
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._cannot_accept(error)
                return
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections.add(Inbound(self, sock, peer))
            except OSError:
                sock.close()  # the client was faster at leaving than we at greeting
            except Exception as error:  # noqa: BLE001  # a filter that cannot be made must not keep others from being accepted
                sock.close()
                self.reactor.report(error, self.layout.name)
            self._update()

    def _cannot_accept(self, error: OSError) -> None:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            _log.error(f"Cannot accept on port {self.address[1]}: {os.strerror(error.errno)}; trying again")
            self._accepting = False
            self._watcher.stop()
            self.reactor.after(ACCEPT_PAUSE, self._update)
