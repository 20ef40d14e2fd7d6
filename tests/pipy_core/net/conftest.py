"""Connections of a reactor, and peers on loopback sockets that share its hub: waiting for one lets the other run."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.socket
import pytest

from pipy_core.context import Context, Group
from pipy_core.events import Data, Event, StreamEnd
from pipy_core.filter import Make
from pipy_core.layout import Layout, Use
from pipy_core.net.connection import Connection
from tests.reactor import PATIENCE, Bench

#: Bytes that the kernel keeps on the way to a peer, on either side, and at most about three times as much: systems differ.
KERNEL = 256 * 1024


class Counted(socket.socket):
    """The socket of a connection under test; counts its system calls. ``send_limit``: what a send takes at most."""

    send_limit = 1 << 30

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self.setblocking(False)
        self.sent: list[int] = []
        self.asked: list[int] = []

    def send(self, payload: Any, *args: Any) -> int:
        if self.send_limit == 0:
            raise BlockingIOError
        count = super().send(payload[: self.send_limit], *args)
        self.sent.append(count)
        return count

    def recv(self, size: int, *args: Any) -> bytes:
        self.asked.append(size)
        return super().recv(size, *args)


class Line:
    """A connection under test and its peer.

    :ivar events: what was received; Data joined by ``received``.
    :ivar peer: a cooperative socket.
    :ivar on_event: called in the turn of each event.
    """

    def __init__(self, reactor: Bench, **settings: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.peer = gevent.socket.create_connection(server.getsockname(), PATIENCE)
            self.sock = Counted(server.accept()[0])
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        self.events: list[Event] = []
        self.closings = 0
        self.on_event: Callable[[Event], None] = lambda _event: None
        self.reactor = reactor
        self.connection = Connection(reactor, self.sock, self._receive, self._close, **settings)
        reactor.loop.run_callback(self.connection.start)

    def _receive(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def _close(self) -> None:
        self.closings += 1

    @property
    def received(self) -> bytes:
        return b"".join(event.payload for event in self.events if isinstance(event, Data))

    @property
    def end(self) -> StreamEnd | None:
        ends = [event for event in self.events if isinstance(event, StreamEnd)]
        assert len(ends) <= 1
        return ends[0] if ends else None

    @property
    def closed(self) -> bool:
        assert self.closings <= 1
        return self.closings == 1

    def write(self, *payloads: bytes) -> None:
        """Write *payloads* in one turn."""

        def step() -> None:
            for payload in payloads:
                self.connection.write(payload)

        self.reactor.later(step)

    def read_all(self) -> bytes:
        """What the peer gets until the connection ends."""
        return b"".join(iter(lambda: self.peer.recv(1 << 16), b""))


class Services:
    """What the pipelines of a listener under test see of the world."""

    def __init__(self, reactor: Bench) -> None:
        self.turn = reactor.turn
        self.after = reactor.after
        self.now = reactor.now
        self.book = reactor.book
        self.report = reactor.report

    def layout(self, *makes: Make, kind: str = "listen") -> Layout:
        layout = Layout("main", "/main.js", kind)
        layout.complete(tuple(Use("stage", make) for make in makes), self)  # type: ignore[arg-type]  # it lends no script
        return layout


class Contexts:
    """Makes contexts and counts what becomes of them."""

    def __init__(self) -> None:
        self.inbounds: list[Any] = []
        self.released: list[int] = []
        self.gone_ones: list[int] = []

    def new(self, inbound: tuple[Any, ...] | None = None) -> Context:
        self.inbounds.append(inbound)
        return Context(len(self.inbounds), Group(), inbound, self.released.append)

    def gone(self, context: Context) -> None:
        self.gone_ones.append(context.number)


@pytest.fixture
def services(reactor: Bench) -> Services:
    return Services(reactor)


@pytest.fixture
def contexts() -> Contexts:
    return Contexts()


@pytest.fixture
def make_line(reactor: Bench) -> Iterator[Callable[..., Line]]:
    lines: list[Line] = []

    def make(**settings: Any) -> Line:
        lines.append(Line(reactor, **settings))
        return lines[-1]

    yield make
    for line in lines:
        line.peer.close()
        line.connection.abort()
    reactor.pass_by()


@pytest.fixture
def line(make_line: Callable[..., Line]) -> Line:
    return make_line()
