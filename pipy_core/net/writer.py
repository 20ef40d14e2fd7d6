"""The sending half of a connection: what is written leaves in one ``send`` a turn; what the kernel does not take waits for it.

Decides when whoever feeds it has to wait. Knows no events and no reading.
"""

import socket
from abc import ABC, abstractmethod
from typing import Any, Final

from pipy_core.counters import Tally
from pipy_core.events import Failure
from pipy_core.net.alarm import Alarm
from pipy_core.net.reactor import Reactor
from pipy_core.turn import Valve

WRITE: Final = 2
#: Unsent bytes at which whoever feeds a connection has to wait, and at which it may go on. nginx's proxy_buffers hold 64 KiB.
HIGH_WATER: Final = 256 * 1024
LOW_WATER: Final = 64 * 1024
#: Unsent bytes that are sent at the end of their own turn: so many gain nothing by waiting for others.
EAGER: Final = 16 * 1024
#: Unsent bytes that end a connection whose feeders cannot wait (timers, scripts that make up data).
HARD_LIMIT: Final = 32 * 1024 * 1024


class Writer(ABC):
    """What is to be sent on a connected, non-blocking socket. A ``turn.Sink``.

    :param write_timeout: seconds one write may take before the connection ends with ``WriteTimeout``; 0 is for ever.
    :param tally: where bytes are counted.
    """

    __slots__ = (
        "_closed",
        "_ending",
        "_finished",
        "_half_ending",
        "_out",
        "_reactor",
        "_rest",
        "_valve",
        "_write_alarm",
        "_write_timeout",
        "_writer",
        "sock",
        "tally",
        "unsent",
    )

    def __init__(self, reactor: Reactor, sock: socket.socket, write_timeout: float, tally: Tally) -> None:
        self._reactor = reactor
        self.sock = sock
        self.tally = tally
        self.unsent = 0
        self._write_timeout = write_timeout
        self._out: list[bytes] = []
        self._rest: memoryview | None = None  # what the kernel did not take
        self._valve: Valve | None = None  # made when it is first needed
        self._writer: Any = None
        self._write_alarm: Alarm | None = None  # made when it is first needed
        self._ending = False  # everything to be sent has been written
        self._half_ending = False  # the same, but the peer may go on
        self._finished = False  # it has been sent
        self._closed = False

    @abstractmethod
    def _finish_sending(self) -> None:
        """All is sent, and nothing more will be written: close in order."""

    @abstractmethod
    def _fail(self, failure: Failure) -> None:
        """Nothing more can be sent."""

    def write(self, payload: bytes) -> None:
        """Send *payload* at the end of the turn. The reader that brought this turn's input waits if too much is unsent."""
        if self._closed or self._ending:
            return
        out = self._out
        if not out:
            self._reactor.turn.dirty.append(self)
        out.append(payload)
        self.unsent += len(payload)
        if self.unsent > EAGER:
            self._reactor.turn.eager = True
            if self.unsent > HIGH_WATER:
                self._press()

    def _press(self) -> None:
        if self.unsent > HARD_LIMIT:
            self.tally.refuse("unsent")
            self._fail(Failure.BUFFER_OVERFLOW)
            return
        if self._valve is None:
            self._valve = Valve()
        self._valve.close()
        self._reactor.turn.held.append(self._valve)

    def end(self) -> None:
        """Close the connection in order once everything written has been sent. Nothing can be written any more."""
        if not self._ending:
            self._ending = True
            self._reactor.turn.dirty.append(self)

    def end_output(self) -> None:
        """Close the sending side once everything written has been sent, and go on reading."""
        self._half_ending = True
        self._reactor.turn.dirty.append(self)

    def flush(self) -> None:
        """See ``turn.Sink``."""
        if self._closed:
            return
        if self._rest is None and self._out:
            out = self._out
            payload = out[0] if len(out) == 1 else b"".join(out)
            self._out = []
            try:
                sent = self.sock.send(payload)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._fail(Failure.WRITE_ERROR)
                return
            self.unsent -= sent
            self.tally.bytes_out += sent
            if sent < len(payload):
                self._stall(memoryview(payload)[sent:])
        if self.unsent == 0:
            self._all_sent()

    def _all_sent(self) -> None:
        if self._valve is not None and self._valve.closed:
            self._valve.open()
        if self._ending:
            if not self._finished:  # this may be the second flush of the turn
                self._finished = True
                self._finish_sending()
        elif self._half_ending:
            self._half_ending = False
            self._shutdown()

    def _stall(self, rest: memoryview) -> None:
        """The kernel's buffer is full: finish when it has room."""
        self._rest = rest
        self._writer = self._reactor.loop.io(self.sock.fileno(), WRITE)
        self._writer.start(self._writable)
        if self._write_timeout:
            if self._write_alarm is None:
                self._write_alarm = Alarm(self._reactor, self._write_timeout, self._write_timed_out)
            self._write_alarm.set()

    def _writable(self) -> None:
        """Runs in the hub."""
        rest = self._rest
        assert rest is not None
        try:
            sent = self.sock.send(rest)
        except BlockingIOError:
            return
        except OSError:
            self._fail(Failure.WRITE_ERROR)
            return
        self.unsent -= sent
        self.tally.bytes_out += sent
        if sent < len(rest):
            self._rest = rest[sent:]
            if self._write_alarm is not None:
                self._write_alarm.set()
        else:
            self._unstall()
            self._reactor.run(self.flush)
        if self._valve is not None and self._valve.closed and self.unsent <= LOW_WATER:
            self._valve.open()

    def _unstall(self) -> None:
        self._rest = None
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None
        if self._write_alarm is not None:
            self._write_alarm.rest()

    def _write_timed_out(self) -> None:
        self.tally.refuse("write timeout")
        self._fail(Failure.WRITE_TIMEOUT)

    def _shutdown(self) -> bool:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the peer has gone already
            self._fail(Failure.WRITE_ERROR)
            return False
        return True

    def _drop_unsent(self) -> None:
        """The socket is being closed: forget what is unsent, let the feeders go on."""
        self._out.clear()
        self.unsent = 0
        self._unstall()
        if self._write_alarm is not None:
            self._write_alarm.cancel()
        if self._valve is not None and self._valve.closed:
            self._valve.open()
