"""One TCP connection: what is read becomes events; the sending half is ``Writer``.

A persistent io watcher reads in its callback and switches to the connection's greenlet with the data; that greenlet runs the turn
and waits when it fed something that is too full. Knows nothing of pipelines: it feeds a function.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from greenlet import greenlet

from pipy_core.counters import Tally
from pipy_core.events import EOS, Data, Event, Failure, StreamEnd
from pipy_core.net.alarm import Alarm
from pipy_core.net.reactor import Reactor
from pipy_core.net.writer import Writer
from pipy_core.turn import Valve

READ: Final = 1
#: Bytes per read: grows while reads come back full, shrinks when they do not. A TCP relay needs large reads to keep up with nginx.
MIN_READ: Final = 16 * 1024
MAX_READ: Final = 256 * 1024
#: After the last byte is sent, how long and how much is still read and thrown away, so that the peer gets to read the answer
#: instead of a reset (nginx: lingering_time 30 s, lingering_timeout 5 s).
LINGER_SECONDS: Final = 5.0
LINGER_BYTES: Final = 4 * 1024 * 1024

Receive = Callable[[Event], None]

#: What a connection's greenlet is doing: running a turn, waiting for data, waiting for a closed valve.
RUNNING, READING, HELD = range(3)


class Connection(Writer):
    """A connected, non-blocking TCP socket.

    :param receive: gets a Data for each read, and one StreamEnd when nothing more will come; called in a turn.
    :param on_close: called once, in a turn, when the socket is closed.
    :param read_timeout: seconds without a byte after which it ends with ``ReadTimeout``; 0 is never.
    :param write_timeout: see ``Writer``.
    :param tally: where bytes are counted; with those of all outbound connections unless given.
    """

    __slots__ = (
        "_ended",
        "_greenlet",
        "_lingered",
        "_on_close",
        "_read_alarm",
        "_read_size",
        "_reader",
        "_receive",
        "_state",
    )

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        receive: Receive,
        on_close: Callable[[], None],
        read_timeout: float = 0.0,
        write_timeout: float = 0.0,
        tally: Tally | None = None,
    ) -> None:
        super().__init__(reactor, sock, write_timeout, tally or reactor.book.upstream)
        self._receive = receive
        self._on_close = on_close
        self._read_alarm = Alarm(reactor, read_timeout, self.time_out) if read_timeout else None
        self._read_size = MIN_READ
        self._state = RUNNING
        self._ended = False  # a StreamEnd has been received
        self._lingered = 0
        self._reader = reactor.loop.io(sock.fileno(), READ)
        self._greenlet: greenlet | None = greenlet(self._run, reactor.hub)

    def start(self) -> None:
        """Begin to read; call it from the hub, to which the connection's greenlet gives the thread back when it waits."""
        if self._greenlet is not None and not self._closed:
            self._greenlet.switch()

    # -- reading ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        reactor = self._reactor
        hub_switch = partial(greenlet.switch, reactor.hub)  # gevent's own looks for things that plain greenlets do not have
        receive, finish = self._receive, reactor.turn.finish
        self._reader.start(self._readable)
        self._arm_read_timer()
        try:
            while True:
                self._state = READING
                event: Event | None = hub_switch()
                self._state = RUNNING
                if event is None:
                    break
                receive(event)
                held = finish()
                if type(event) is StreamEnd:
                    break
                if held:
                    self._wait(held)
                if self._ended:
                    break
        except Exception as error:  # noqa: BLE001  # the outermost boundary of a connection
            reactor.report(error, "connection")
            self.abort()
            reactor.finish()
        finally:
            self._greenlet = None

    def _wait(self, held: list[Valve]) -> None:
        """Back-pressure: read no more until everything that this connection fed has room again."""
        self._reader.stop()
        self._disarm_read_timer()
        for valve in held:
            while valve.closed and not self._ended:
                valve.when_open(self._wake)
                self._state = HELD
                self._reactor.hub.switch()
                self._state = RUNNING
        if not self._ended:
            self._reader.start(self._readable)
            self._arm_read_timer()

    def _wake(self) -> None:
        """A valve has opened: go on, but not in the middle of somebody else's turn."""
        self._reactor.loop.run_callback(self._resume, HELD)

    def _readable(self) -> None:
        """Runs in the hub."""
        size = self._read_size
        try:
            payload = self.sock.recv(size)
        except BlockingIOError:
            return
        except OSError:
            self._fail(Failure.READ_ERROR)
            return
        count = len(payload)
        if count == size:
            if size < MAX_READ:
                self._read_size = size * 2
        elif size > MIN_READ and count < size >> 2:
            self._read_size = size >> 1
        if self._ending and self._ended:
            self._discard(count)
        elif count:
            self.tally.bytes_in += count
            if self._read_alarm is not None:
                self._read_alarm.set()
            self._resume(READING, Data(payload))
        elif not self._ended:
            self._ended = True
            self._reader.stop()
            self._disarm_read_timer()
            self._resume(READING, EOS)

    def _resume(self, state: int, event: Event | None = None) -> None:
        if self._state == state and self._greenlet is not None:
            self._greenlet.switch(event)

    def _arm_read_timer(self) -> None:
        if self._read_alarm is not None:
            self._read_alarm.set()

    def _disarm_read_timer(self) -> None:
        if self._read_alarm is not None:
            self._read_alarm.cancel()

    @property
    def held(self) -> bool:
        """Whether nothing is read because something that was fed is too full."""
        return self._state == HELD

    # -- ending -----------------------------------------------------------------------------------------------------

    def time_out(self) -> None:
        """The peer has kept us waiting for too long."""
        self._fail(Failure.READ_TIMEOUT)

    def abort(self) -> None:
        """Close at once; what is unsent is lost."""
        self._close()

    def _finish_sending(self) -> None:
        if self._ended:
            self._close()
            return
        # the peer may still be sending: closing now would reset the connection before it has read the answer
        self._ended = True
        if not self._shutdown():
            return
        self._disarm_read_timer()
        self._read_alarm = Alarm(self._reactor, LINGER_SECONDS, self._close)
        self._read_alarm.set()
        self._reader.start(self._readable)
        self._resume_later()

    def _discard(self, count: int) -> None:
        self._lingered += count
        if count == 0 or self._lingered > LINGER_BYTES:
            self._reactor.run(self._close)

    def _fail(self, failure: Failure) -> None:
        """End with *failure*: no more output is possible, the input ends with the error."""
        if self._closed:
            return
        ended, self._ended = self._ended, True
        self._reactor.loop.run_callback(self._report_failure, None if ended else StreamEnd(failure))
        self._shut()

    def _report_failure(self, end: StreamEnd | None) -> None:
        if end is not None:
            self._reactor.run(self._receive, end)
        self._reactor.run(self._notify_closed)

    def _close(self) -> None:
        if not self._closed:
            self._shut()
            self._notify_closed()

    def _notify_closed(self) -> None:
        on_close, self._on_close = self._on_close, _nothing
        self._receive = _nothing
        on_close()

    def _shut(self) -> None:
        """Close the socket and stop everything that watches it."""
        self._closed = self._ended = True
        self._reader.stop()
        self._reader.close()
        self._disarm_read_timer()
        self._drop_unsent()
        self.sock.close()
        self._resume_later()

    def _resume_later(self) -> None:
        """Let the greenlet end if it waits for something; it may be the one that is running now."""
        if self._greenlet is not None:
            self._reactor.loop.run_callback(self._resume, READING)
            self._reactor.loop.run_callback(self._resume, HELD)


def _nothing(*_args: object) -> None:
    """A closed connection has nobody to tell."""
