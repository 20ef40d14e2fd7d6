"""Listening ports: every accepted connection gets a context, a run of the port's layout, and a greenlet.

Knows nothing of scripts: contexts come from a function.
"""

import errno
import os
import socket
from collections.abc import Mapping
from typing import Any, Final

from pipy_core.counters import Tally
from pipy_core.layout import Layout
from pipy_core.logs import get_logger
from pipy_core.net import transparent
from pipy_core.net.admission import Admission
from pipy_core.net.connection import READ
from pipy_core.net.inbound import Gone, Inbound, NewContext
from pipy_core.net.opening import Address, admit_again, open_socket, queued, refuse_new
from pipy_core.net.reactor import Reactor, ReactorTimer

#: Connections accepted in one go, and how urgent that is (0 is what everything else has): those already there get their turn first.
ACCEPT_BATCH: Final = 8
_LAST: Final = -1
#: Seconds in which the other processes that accept from the same socket may take their share of those who wait. Whoever wakes up
#: first would take all of a burst, and keep it (``contrib/decisions``).
SHARE_PAUSE: Final = 0.001
#: Seconds before accepting is tried again when the process is out of descriptors (nginx: 0.5 s).
ACCEPT_PAUSE: Final = 0.5
#: Seconds that a port goes on accepting, when it is to be closed, whoever was connecting to it then: a round trip.
CLOSING: Final = 0.2
_NEARLY: Final = 0.95  # timers fire a little early: this much of the time has passed then

_log = get_logger("listener")


class Listener:
    """One listening port.

    :param options: ``maxConnections`` (-1: no limit), ``transparent``, and what ``Limits.with_options`` knows.
    :param admission: the one of all ports, unless another is given.
    :ivar generation: number of the program whose layout new connections run. :ivar connections: those that are open.
    :ivar tally: what is counted here; listeners of one address that follow on each other share it.
    """

    def __init__(
        self,
        reactor: Reactor,
        address: Address,
        layout: Layout,
        options: Mapping[str, Any],
        new_context: NewContext,
        gone: Gone,
        tally: Tally | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.reactor = reactor
        self._admission = admission or reactor.admission
        self.address = address
        self.layout = layout
        self.options = options
        self.limits = self._admission.limits.with_options(options)
        self.new_context = new_context
        self.gone = gone
        self.generation = 0
        host, port = address
        self.tally = tally or reactor.book.tally(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self.connections: set[Inbound] = set()
        self._sock: socket.socket | None = None
        self._watcher: Any = None
        self._accepting = self._pausing = self._shared = False
        self._sharers = 1
        self._closing: ReactorTimer | None = None

    def open(self, *, reuse_port: bool = False) -> None:
        """Bind and listen.

        :raises StartError: the port is taken, or may not be used.
        """
        self._take(open_socket(self.address, self.options, reuse_port=reuse_port))
        _log.info(f"Listening on port {self.address[1]} at {self.address[0]}")

    def adopt(self, sock: socket.socket, sharers: int) -> None:
        """Accept from *sock*, which is bound and listening already, together with other processes. It is closed by ``close``.

        :param sharers: how many processes there are with this one. It takes that part of those who wait, and then leaves the others
            some time (``SHARE_PAUSE``): so all get about as much, and one that is busy gets less.
        """
        self._shared = True
        self._sharers = sharers
        self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._watcher = self.reactor.loop.io(sock.fileno(), READ, priority=_LAST)
        self._admission.join(self._update)

    @property
    def is_open(self) -> bool:
        """Whether there is a socket; one that is being closed counts."""
        return self._sock is not None

    def serve(self, layout: Layout, options: Mapping[str, Any], new_context: NewContext, gone: Gone, generation: int = 0) -> None:
        """From now on new connections run *layout*; those that are there keep theirs. A port that is being closed stays open."""
        if self._sock is not None and options.get("transparent") and not self.options.get("transparent"):
            transparent.allow(self._sock)
        if self._closing is not None and self._sock is not None:
            self._closing.cancel()
            self._closing = None
            if not self._shared:
                admit_again(self._sock)
        self.layout, self.options, self.new_context, self.gone = layout, options, new_context, gone
        self.limits = self._admission.limits.with_options(options)
        self.generation = generation
        self._update()

    # -- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop listening; connections go on. Who is connected, or connecting, and not accepted yet is still served (``CLOSING``).

        The others who share a socket go on with it: whoever gave it to all of them lets nobody in any more (``refuse_new``) when
        all are to close it.
        """
        if self._sock is None or self._closing is not None:
            return
        if not self._shared:
            refuse_new(self._sock)
        self._closing = self.reactor.after(CLOSING, self._close_now)

    def _close_now(self) -> None:
        assert self._sock is not None
        self._go_on()
        if self._accepting:
            while self._accept_one():
                pass
        if self._accepting:
            self.abandon()
        else:  # there is no room for those who wait: as soon as there is
            self._closing = self.reactor.after(CLOSING, self._close_now)

    def abandon(self) -> None:
        """Stop listening now; who is not accepted yet is turned away."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._sock is not None:
            self._admission.leave(self._update)
            self._accepting = False
            self._watcher.stop()
            self._watcher.close()
            self._sock.close()
            self._sock = None
            if not self._shared:  # otherwise whoever shares it tells of it, once
                _log.info(f"Stopped listening on port {self.address[1]} at {self.address[0]}")

    def abort(self) -> None:
        """Stop listening now and cut all connections."""
        self.abandon()
        for inbound in list(self.connections):
            inbound.abort()

    def leaving(self, current: int = -1, grace: float = 0.0) -> tuple[list[Inbound], bool]:
        """The connections that it is time to ask to end, and whether there may be some later.

        :param current: connections of this generation may stay.
        :param grace: seconds that lie between asking one and asking it again, about.
        """
        latest = self.reactor.now() - _NEARLY * grace
        staying = [inbound for inbound in self.connections if inbound.generation != current and inbound.busy]
        return [inbound for inbound in staying if inbound.asked <= latest], bool(staying or self._closing)

    # -- accepting --------------------------------------------------------------------------------------------------

    def forget(self, inbound: Inbound) -> None:
        """The connection is closed: there may be room for another."""
        if inbound in self.connections:
            self.connections.discard(inbound)
            self._admission.quit()
        self._update()

    def _update(self) -> None:
        limit = self.options["maxConnections"]
        full = self._admission.full
        wanted = self._sock is not None and not (full or self._pausing) and (limit < 0 or len(self.connections) < limit)
        if wanted and not self._accepting:
            self._accepting = True
            self._watcher.start(self._accept)
        elif self._accepting and not wanted:
            self._accepting = False
            self._watcher.stop()
            if full:
                self.tally.refuse("connections")

    def _accept(self) -> None:
        """Runs in the hub."""
        share = ACCEPT_BATCH
        if self._sharers > 1 and self._sock is not None:
            share = min(share, -(-queued(self._sock) // self._sharers))
        for _ in range(share):
            if not self._accept_one():
                break
        if self._sharers > 1 and share:
            self._pausing = True
            self._update()
            self.reactor.after(SHARE_PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._pausing = False
        self._update()

    def _accept_one(self) -> bool:
        """Gives whether there may be more to accept."""
        if not self._accepting or self._sock is None:
            return False
        try:
            sock, peer = self._sock.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            self._cannot_accept(error)
            return False
        self.admit(sock, peer)
        return True

    def admit(self, sock: socket.socket, peer: tuple[Any, ...], local: Address | None = None) -> None:
        """Serve a connection; runs in the hub. :param local: see ``Inbound``."""
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            inbound = Inbound(self, sock, peer, local)
            self.connections.add(inbound)
            self.tally.accepted += 1
            self._admission.enter()
            if self._closing is not None and local is None:
                self.reactor.run(inbound.drain)
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
