"""One TCP connection: what is read becomes events, what is written leaves in one ``send`` a turn.

A persistent io watcher reads in its callback and switches to the connection's greenlet with the data; that greenlet runs the turn
and waits when it fed something that is too full. Knows nothing of pipelines: it feeds a function.
"""

import os
import socket
from collections.abc import Callable
from typing import Any, Final

from greenlet import greenlet

from pipy_core.events import Data, Event, Failure, StreamEnd
from pipy_core.net.reactor import Reactor, ReactorTimer
from pipy_core.turn import Valve

READ: Final = 1
WRITE: Final = 2
#: Bytes per read: grows while reads come back full, shrinks when they do not. A TCP relay needs large reads to keep up with nginx.
MIN_READ: Final = 16 * 1024
MAX_READ: Final = 256 * 1024
#: Unsent bytes at which whoever feeds a connection has to wait, and at which it may go on. nginx's proxy_buffers hold 64 KiB.
HIGH_WATER: Final = 256 * 1024
LOW_WATER: Final = 64 * 1024
#: Unsent bytes that end a connection whose feeders cannot wait (timers, scripts that make up data).
HARD_LIMIT: Final = 32 * 1024 * 1024
#: After the last byte is sent, how long and how much is still read and thrown away, so that the peer gets to read the answer
#: instead of a reset (nginx: lingering_time 30 s, lingering_timeout 5 s).
LINGER_SECONDS: Final = 5.0
LINGER_BYTES: Final = 4 * 1024 * 1024

Receive = Callable[[Event], None]

#: What a connection's greenlet is doing: running a turn, waiting for data, waiting for a closed valve.
RUNNING, READING, HELD = range(3)


class Connection:
    """A connected, non-blocking TCP socket.

    :param receive: gets a Data for each read, and one StreamEnd when nothing more will come; called in a turn.
    :param read_timeout: seconds without a byte after which it ends with ``ReadTimeout``; 0 is never.
    :param write_timeout: seconds a write may take before it ends with ``WriteTimeout``; 0 is for ever.
    :param on_close: called once, in a turn, when the socket is closed.
    """

    __slots__ = (
        "_closed",
        "_ended",
        "_ending",
        "_finished",
        "_greenlet",
        "_half_ending",
        "_lingered",
        "_on_close",
        "_out",
        "_reactor",
        "_read_size",
        "_read_timer",
        "_reader",
        "_receive",
        "_rest",
        "_state",
        "_write_timer",
        "_writer",
        "read_timeout",
        "sock",
        "unsent",
        "valve",
        "write_timeout",
    )

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        receive: Receive,
        on_close: Callable[[], None],
        read_timeout: float = 0.0,
        write_timeout: float = 0.0,
    ) -> None:
        self._reactor = reactor
        self.sock = sock
        self._receive = receive
        self._on_close = on_close
        self.read_timeout = read_timeout
        self.write_timeout = write_timeout
        self.valve: Valve | None = None  # made when it is first needed
        self.unsent = 0
        self._out: list[bytes] = []
        self._rest: memoryview | None = None  # what the kernel did not take
        self._writer: Any = None
        self._read_timer: ReactorTimer | None = None
        self._write_timer: ReactorTimer | None = None
        self._read_size = MIN_READ
        self._state = RUNNING
        self._ended = False  # a StreamEnd has been received
        self._ending = False  # everything to be sent has been written
        self._half_ending = False  # everything to be sent has been written, but the peer may go on
        self._finished = False  # everything to be sent has been sent
        self._closed = False
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
        hub_switch = reactor.hub.switch
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
        except OSError as error:
            self._broken(error, Failure.READ_ERROR)
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
            if self.read_timeout:
                self._arm_read_timer()
            self._resume(READING, Data(payload))
        else:
            self._end_of_input(Failure.NONE)

    def _resume(self, state: int, event: Event | None = None) -> None:
        if self._state == state and self._greenlet is not None:
            self._greenlet.switch(event)

    def _end_of_input(self, failure: Failure) -> None:
        if not self._ended:
            self._ended = True
            self._reader.stop()
            self._disarm_read_timer()
            self._resume(READING, StreamEnd(failure))

    def _arm_read_timer(self) -> None:
        if self.read_timeout:
            self._disarm_read_timer()
            self._read_timer = self._reactor.after(self.read_timeout, self._read_timed_out)

    def _disarm_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _read_timed_out(self) -> None:
        self._fail(Failure.READ_TIMEOUT)

    # -- writing ----------------------------------------------------------------------------------------------------

    def write(self, payload: bytes) -> None:
        """Send *payload* at the end of the turn. The reader that brought this turn's input waits if too much is unsent."""
        if self._closed or self._ending:
            return
        out = self._out
        if not out:
            self._reactor.turn.dirty.append(self)
        out.append(payload)
        self.unsent += len(payload)
        if self.unsent > HIGH_WATER:
            self._press()

    def _press(self) -> None:
        if self.unsent > HARD_LIMIT:
            self._fail(Failure.BUFFER_OVERFLOW)
            return
        if self.valve is None:
            self.valve = Valve()
        self.valve.close()
        self._reactor.turn.held.append(self.valve)

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
            except OSError as error:
                self._broken(error, Failure.WRITE_ERROR)
                return
            self.unsent -= sent
            if sent < len(payload):
                self._stall(memoryview(payload)[sent:])
        if self.unsent == 0:
            self._all_sent()

    def _all_sent(self) -> None:
        if self.valve is not None and self.valve.closed:
            self.valve.open()
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
        if self.write_timeout:
            self._write_timer = self._reactor.after(self.write_timeout, self._write_timed_out)

    def _writable(self) -> None:
        """Runs in the hub."""
        rest = self._rest
        assert rest is not None
        try:
            sent = self.sock.send(rest)
        except BlockingIOError:
            return
        except OSError as error:
            self._broken(error, Failure.WRITE_ERROR)
            return
        self.unsent -= sent
        if sent < len(rest):
            self._rest = rest[sent:]
        else:
            self._unstall()
            self.flush()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = self._reactor.after(self.write_timeout, self._write_timed_out)
        if self.valve is not None and self.valve.closed and self.unsent <= LOW_WATER:
            self.valve.open()

    def _unstall(self) -> None:
        self._rest = None
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _write_timed_out(self) -> None:
        self._fail(Failure.WRITE_TIMEOUT)

    # -- ending -----------------------------------------------------------------------------------------------------

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
        self._read_timer = self._reactor.after(LINGER_SECONDS, self._close)
        self._reader.start(self._readable)
        self._resume_later()

    def _shutdown(self) -> bool:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:  # the peer has gone already
            self._broken(error, Failure.WRITE_ERROR)
            return False
        return True

    def _discard(self, count: int) -> None:
        self._lingered += count
        if count == 0 or self._lingered > LINGER_BYTES:
            self._reactor.run(self._close)

    def _broken(self, error: OSError, failure: Failure) -> None:
        """The socket failed, in the hub or in the middle of a flush."""
        del error  # which of ECONNRESET, EPIPE, ... it was makes no difference to what happens next
        self._fail(failure)

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
        self._out.clear()
        self.unsent = 0
        self._reader.stop()
        self._reader.close()
        self._disarm_read_timer()
        self._unstall()
        self.sock.close()
        if self.valve is not None and self.valve.closed:
            self.valve.open()
        self._resume_later()

    def _resume_later(self) -> None:
        """Let the greenlet end if it waits for something; it may be the one that is running now."""
        if self._greenlet is not None:
            self._reactor.loop.run_callback(self._resume, READING)
            self._reactor.loop.run_callback(self._resume, HELD)


def _nothing(*_args: object) -> None:
    """A closed connection has nobody to tell."""


def reason(error: OSError) -> str:
    """The system's words for *error*: ``Connection refused``."""
    return os.strerror(error.errno) if error.errno else str(error)
