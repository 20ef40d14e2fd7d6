"""The protocol of systemd's services: it is told when the program is ready, reloads, ends, and that it is alive.

See sd_notify(3). Where nobody asks to be told, nothing happens.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Final

from pipy_core.logs import get_logger
from pipy_core.net.reactor import Reactor, ReactorTimer

_log = get_logger("")
#: How many signs of life there are in the time within which one must come.
_BEATS: Final = 2.5


class Notifier:
    """Tells the manager of services how things are.

    :param address: path of its datagram socket, or ``@`` and a name without a file; empty: there is none.
    :param watchdog: seconds within which it wants a sign of life; 0: it wants none.
    """

    def __init__(self, address: str = "", watchdog: float = 0.0) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = watchdog
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        self._timer: ReactorTimer | None = None

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "Notifier":
        """The one that the environment names. Its variables are taken out: they are not meant for programs that we start."""
        address = environ.pop("NOTIFY_SOCKET", "")
        time_limit = environ.pop("WATCHDOG_USEC", "")
        meant = environ.pop("WATCHDOG_PID", "")
        if (meant and meant != str(os.getpid())) or not (time_limit.isascii() and time_limit.isdigit()):
            time_limit = "0"
        return cls(address if address[:1] in ("/", "@") else "", int(time_limit) / 1e6)

    def start(self, reactor: Reactor) -> None:
        """Give signs of life from now on, as long as the reactor runs."""
        if self._socket is not None and self._watchdog:
            self._reactor = reactor
            self._beat()

    def ready(self) -> None:
        """The program serves."""
        self._send("READY=1")

    def reloading(self, begins: bool) -> None:
        """A reload begins, or has ended."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}" if begins else "READY=1")

    def stopping(self) -> None:
        """The program is about to end."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _beat(self) -> None:
        self._send("WATCHDOG=1")
        self._timer = self._reactor.after(self._watchdog / _BEATS, self._beat)

    def _send(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            _log.warning(f"cannot tell the manager of services {text}: {error.strerror}")
