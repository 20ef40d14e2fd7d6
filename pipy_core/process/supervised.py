"""The worker's end of the channel to its supervisor: the conductor of a worker that does what it is told.

See ``conductor``. Signals that come to such a process itself are ignored: those of a terminal come to all processes, and
the supervisor passes on what is meant for the script. A worker that loses its supervisor ends in order.
"""

import os
import socket
from pathlib import Path
from typing import Any, Final

import msgspec.json

from pipy_core import faults, figures
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import PipyError, ProtocolError, StartError
from pipy_core.logs import get_logger
from pipy_core.net.opening import Address
from pipy_core.pages import Pages
from pipy_core.process import control
from pipy_core.process.channel import Channel
from pipy_core.process.control import Frames, Message, Welcome
from pipy_core.process.generations import openings, signals_of
from pipy_core.process.worker import Worker
from pipy_core.process.worker import run as run_worker
from pipy_core.registry import Registry

#: Seconds between two signs of life.
BEAT_EVERY: Final = 1.0
#: Seconds that the supervisor may take to say who we are.
PATIENCE: Final = 30.0

_log = get_logger("")


def welcome(sock: socket.socket) -> Welcome:
    """Wait for the first message.

    :raises ProtocolError: there is none.
    """
    frames = Frames()
    sock.settimeout(PATIENCE)
    while True:
        received = sock.recv(1)  # not a byte more: what comes behind it may have sockets beside it
        if not received:
            raise ProtocolError("the supervisor has gone")
        for message in frames.feed(received):
            if isinstance(message, Welcome):
                return message
            raise ProtocolError("the supervisor did not say who we are")


def run(sock: socket.socket, told: Welcome, registry: Registry, hooks: Any) -> int:
    """Do what the supervisor says until it is over.

    :returns: the exit code.
    """
    return run_worker(told.settings, registry, hooks, lambda worker: Supervised(worker, sock, told.number))


class Supervised:
    """The conductor. Its methods named ``_on_`` deal with the message of that name."""

    def __init__(self, worker: Worker, sock: socket.socket, number: int) -> None:
        self._worker = worker
        self._number = number
        self._prepared = 0
        self._asked_to_end = False  # by the script
        self._sockets: dict[Address, socket.socket] = {}  # come, and not used yet
        self._deal = {
            control.Load: self._on_load,
            control.Sockets: self._on_sockets,
            control.Commit: self._on_commit,
            control.Abandon: self._on_abandon,
            control.Signal: self._on_signal,
            control.Stop: self._on_stop,
            control.Ask: self._on_ask,
        }
        self._channel = Channel(worker.reactor, sock, self._receive, self._lost)
        self._pages = Pages(self)

    # -- as conductor -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """See ``Conductor``: whatever there is to load is sent."""
        self._worker.tell(self._worker.hooks.pipy_register_pages, pages=self._pages)
        self._worker.sources += self._pages.sources
        self._channel.send(control.Ready())
        self._beat()

    def signalled(self, name: str) -> None:
        """See ``Conductor``, and the module."""

    def restart(self) -> None:
        """See ``Conductor``."""
        self._channel.send(control.Restart())

    def exit(self, code: int) -> None:
        """See ``Conductor``."""
        self._channel.send(control.Exit(code, self._asked_to_end))
        self._asked_to_end = True

    def finish(self) -> None:
        """See ``Conductor``."""
        self._channel.close()

    # -- what is said -----------------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        self._deal[type(message)](message)  # type: ignore[operator]  # what only workers say does not come

    def _on_load(self, order: control.Load) -> None:
        self._prepared = order.generation
        snapshot = Snapshot(Path(order.root), order.main, order.version, order.pinned)
        try:
            program = self._worker.generations.prepare(snapshot, order.generation, tell=order.first)
        except PipyError as error:
            self._channel.send(control.Failed(order.generation, *faults.explain(error)))
            return
        except Exception as error:  # noqa: BLE001  # a bug of ours: whoever waits must hear of it
            self._channel.send(control.Failed(order.generation, "bug", faults.render_bug(error, "reload")))
            return
        addresses = [
            control.Address(*address, transparent=bool(port.options.get("transparent")))
            for address, port in openings(program).items()
        ]
        self._answer_load(control.Loaded(order.generation, addresses, signals_of(program)), dict(program.codebase.seen))

    def _answer_load(self, answer: control.Loaded, seen: dict[str, bytes | None]) -> None:
        answer.seen = seen
        try:
            self._channel.send(answer)
        except ProtocolError as error:
            self._worker.generations.abandon()
            self._channel.send(control.Failed(answer.generation, "", str(error)))

    def _on_sockets(self, message: control.Sockets) -> None:
        received = self._channel.take_sockets(len(message.addresses))
        for each, sock in zip(message.addresses, received, strict=True):
            sock.setblocking(False)
            self._sockets[each.host, each.port] = sock

    def _on_commit(self, order: control.Commit) -> None:
        sockets, self._sockets = self._sockets, {}
        text = ""
        if self._worker.stopping:  # nobody new is to be served
            self._drop(sockets)
            self._channel.send(control.Committed(order.generation, text))
            return
        try:
            self._worker.take_over(sockets)
        except StartError as error:
            text = str(error)
            self._drop(sockets)
        self._channel.send(control.Committed(order.generation, text))

    def _on_abandon(self, order: control.Abandon) -> None:
        if order.generation == self._prepared:
            self._worker.generations.abandon()
        self._drop(self._sockets)
        self._sockets = {}

    def _on_signal(self, message: control.Signal) -> None:
        self._worker.generations.signalled(message.name)

    def _on_stop(self, order: control.Stop) -> None:
        if order.force or not self._worker.stopping:
            self._worker.stop()

    def _on_ask(self, message: control.Ask) -> None:
        status = msgspec.json.encode(self.status())
        self._channel.send(control.Told(message.question, figures.encode(self._worker.figures.collect()), status))

    # -- as Instance, for plugins -----------------------------------------------------------------------------------

    def figures(self) -> list[figures.Family]:
        """See ``Instance``: of this worker alone."""
        return self._worker.figures.collect()

    def status(self) -> dict[str, Any]:
        """See ``Instance``: of this worker alone."""
        return msgspec.to_builtins(self._worker.status(self._number))  # type: ignore[no-any-return]

    # -- by itself --------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if self._channel.is_open:
            self._channel.send(control.Beat())
            self._worker.reactor.after(BEAT_EVERY, self._beat)

    def _lost(self) -> None:
        if not self._worker.stopping:
            _log.error(f"process {os.getpid()} has lost its supervisor: it ends")
            self._worker.stop()

    def _drop(self, sockets: dict[Address, socket.socket]) -> None:
        for sock in sockets.values():
            sock.close()
