"""The listening sockets of the program: opened here, kept here, and shared by all workers."""

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from pipy_core.errors import StartError
from pipy_core.logs import get_logger
from pipy_core.net.inherited import warn_of_unused
from pipy_core.net.opening import Address, admit_again, refuse_new
from pipy_core.net.reactor import Reactor
from pipy_core.process import control

#: Seconds that the socket of a port which is not wanted any more is kept: workers serve who is connected (``listener.CLOSING``).
LEAVING: Final = 1.0

#: Opens a port, or raises ``StartError``.
Open: TypeAlias = Callable[[control.Address], socket.socket]

_log = get_logger("listener")


class Sockets:
    """See the module.

    :param opened: how a port is opened.
    :param inherited: those that somebody else has opened for us, and keeps.
    """

    def __init__(self, reactor: Reactor, opened: Open, inherited: Mapping[Address, socket.socket]) -> None:
        self._reactor = reactor
        self._open = opened
        self._inherited = inherited
        self._sockets: dict[control.Address, socket.socket] = {}
        self._leaving: dict[Address, socket.socket] = {}
        self._added: list[socket.socket] = []  # wanted, and not kept yet
        self._over = False

    @property
    def addresses(self) -> list[control.Address]:
        """What is listened on."""
        return list(self._sockets)

    def want(self, addresses: Iterable[control.Address]) -> dict[control.Address, socket.socket]:
        """The sockets for *addresses*; those that are not there are opened. The others stay until ``keep``.

        :raises StartError: one cannot be opened, or the program is ending; then nothing has changed.
        """
        if self._over:
            raise StartError("The program is ending: nothing is listened on any more")
        known = {(each.host, each.port): sock for each, sock in self._sockets.items()}
        wanted: dict[control.Address, socket.socket] = {}
        added: list[socket.socket] = []
        for each in addresses:
            address = each.host, each.port
            try:
                if address not in known:
                    known[address] = self._find(each)
                    added.append(known[address])
            except StartError:
                for sock in added:
                    sock.close()
                raise
            wanted[each] = known[address]
        self._added = added
        return wanted

    def keep(self, wanted: dict[control.Address, socket.socket]) -> None:
        """Listen on these from now on, and let go of the others: their workers are closing them."""
        if self._over:  # it came to its end while the workers were changing
            wanted = {}
        else:
            warn_of_unused(self._inherited, {(each.host, each.port) for each in wanted})
        self._added = []
        kept = set(wanted.values())
        for each in wanted.keys() - self._sockets.keys():
            if wanted[each] not in self._sockets.values():
                given = ", which was opened by who started us" if (each.host, each.port) in self._inherited else ""
                _log.info(f"Listening on port {each.port} at {each.host}{given}")
        gone = {each: sock for each, sock in self._sockets.items() if sock not in kept}
        self._sockets = dict(wanted)
        for each, sock in gone.items():
            self._let_go(each, sock)

    def close(self) -> None:
        """Let nobody connect any more, from now on. Who is connected is served by the workers."""
        self._over = True
        for sock in self._added:
            sock.close()
        self.keep({})

    def _find(self, wanted: control.Address) -> socket.socket:
        address = wanted.host, wanted.port
        leaving = self._leaving.pop(address, None)
        if leaving is not None:
            admit_again(leaving)
            return leaving
        if address in self._inherited:
            return self._inherited[address].dup()
        return self._open(wanted)

    def _let_go(self, which: control.Address, sock: socket.socket) -> None:
        _log.info(f"Stopped listening on port {which.port} at {which.host}")
        address = which.host, which.port
        if address in self._inherited:  # who opened it goes on with it: connections wait there for the next start
            sock.close()
            return
        refuse_new(sock)
        self._leaving[address] = sock
        self._reactor.after(LEAVING, lambda: self._forget(address, sock))

    def _forget(self, address: Address, sock: socket.socket) -> None:
        if self._leaving.get(address) is sock:
            self._leaving.pop(address).close()
