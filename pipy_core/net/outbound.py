"""Outbound TCP connections: resolve, try every address, retry, then be a ``Connection`` whose input is the reply.

Speaks to its filter as a ``Branch``; everything that goes wrong is replied as one ``StreamEnd`` (spec: filters.md, ``connect``).
"""

import itertools
import socket
from collections.abc import Mapping
from typing import Any

from gevent.timeout import Timeout
from greenlet import greenlet

from pipy_core.events import Data, Event, Failure, StreamEnd
from pipy_core.filter import Emit, ignore
from pipy_core.logs import get_logger
from pipy_core.net.attempts import counted
from pipy_core.net.connection import Connection
from pipy_core.net.dial import Race, dial, reason, resolve
from pipy_core.net.reactor import Reactor, Way
from pipy_core.net.writer import HARD_LIMIT, HIGH_WATER
from pipy_core.turn import Valve

_numbers = itertools.count(1)


class Outbound:
    """One outbound connection, from the first event to its StreamEnd.

    :param address: host name or IP address, and port.
    :param options: ``bufferLimit`` bytes (0: ``HARD_LIMIT``), ``retryCount`` (negative: for ever), ``retryDelay``,
        ``connectTimeout``, ``readTimeout``, ``writeTimeout`` in seconds (0: off, but for the first). What the process's limits say
        applies where ``connectTimeout`` is 0 or ``writeTimeout`` is None.
    :param reply: gets Data and one StreamEnd, in turns.
    """

    __slots__ = (
        "_address",
        "_connection",
        "_ended",
        "_greenlet",
        "_limit",
        "_local",
        "_number",
        "_options",
        "_overflowed",
        "_pending",
        "_pending_size",
        "_reactor",
        "_remote",
        "_reply",
        "_valve",
    )

    def __init__(self, reactor: Reactor, address: tuple[str, int], options: Mapping[str, Any], reply: Emit) -> None:
        self._reactor = reactor
        self._address = address
        self._options = options
        self._reply = reply
        self._limit = options["bufferLimit"] or HARD_LIMIT
        self._connection: Connection | None = None
        self._pending: list[bytes] = []  # what came before the connection did
        self._pending_size = 0
        self._ended = False  # the stream towards the peer has ended
        self._overflowed = False
        self._valve: Valve | None = None
        self._number = next(_numbers)
        self._local: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104  # not bound yet; for the log, as is the next
        self._remote = address
        self._greenlet: greenlet | None = reactor.spawn(self._establish)  # until it is connected, or has given up

    # -- as a branch ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        if type(event) is Data:
            if event.payload and not self._ended:
                self._write(event.payload)
        elif type(event) is StreamEnd and not self._ended:
            self._ended = True
            self._end()

    def drain(self) -> None:
        """See ``Branch``. What was begun here is somebody else's to finish."""

    def busy(self) -> bool:
        """See ``Branch``: until the StreamEnd has been replied."""
        return self._reply is not ignore

    def close(self) -> None:
        """See ``Branch``: the connection is cut."""
        self._reply = ignore
        self._ended = True
        self._pending.clear()
        self._open_valve()
        if self._greenlet is not None:
            self._reactor.loop.run_callback(self._greenlet.throw)
        if self._connection is not None:
            self._connection.abort()

    @property
    def peer(self) -> tuple[str, int]:
        """Who it is connected to."""
        return self._remote

    @property
    def way(self) -> Way:
        """From where it comes and to where."""
        return *self._local, self._remote[1]

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.unsent if self._connection is not None else self._pending_size

    def _write(self, payload: bytes) -> None:
        connection = self._connection
        if self._overflowed:
            return
        if (connection.unsent if connection is not None else self._pending_size) >= self._limit:
            self._log().error(f"{self._name()} buffer overflow: {self._limit} bytes are unsent, the rest is dropped")
            self._overflowed = True
            self._end()
        elif connection is not None:
            connection.write(payload)
        else:
            self._pending.append(payload)
            self._pending_size += len(payload)
            if self._pending_size > HIGH_WATER:
                self._valve = self._valve or Valve()
                self._valve.close()
                self._reactor.turn.held.append(self._valve)

    def _end(self) -> None:
        """Nothing more comes from the filter: send what there is, then end the sending side; the answer is still awaited."""
        if self._connection is not None:
            end = self._connection.end if self._overflowed else self._connection.end_output
            end()

    def _log(self) -> Any:
        return get_logger(f"outbound {self._number}")

    def _name(self) -> str:
        (here, own), (there, port) = self._local, self._remote
        return f"[{here}]:{own} -> [{there}]:{port} ({self._address[0]})"

    # -- connecting, in a greenlet of its own -----------------------------------------------------------------------

    def _establish(self) -> None:
        try:
            self._try_and_retry()
        finally:
            self._greenlet = None

    def _try_and_retry(self) -> None:
        retries = self._options["retryCount"]
        attempt = 0
        while self._reply is not ignore:
            failure = counted(self._reactor, self._address, self._attempt)
            if failure is None or self._reply is ignore:
                return
            if 0 <= retries <= attempt:
                self._reactor.run(self._failed, failure)
                return
            attempt += 1
            self._reactor.wait(self._reactor.loop.timer(self._options["retryDelay"]))
            self._log().warning(f"{self._name()} retry connecting... (retries = {attempt})")

    def _attempt(self) -> Failure | None:
        """One try at every address; None when connected."""
        try:
            with Timeout(self._options["connectTimeout"] or self._reactor.limits.connect_timeout):
                outcome = self._reach()
        except Timeout:
            self._log().error(f"{self._name()} cannot connect: Connection timed out")
            return Failure.CONNECTION_TIMEOUT
        if isinstance(outcome, Failure):
            return outcome
        self._reactor.run(self._connected, outcome)
        return None

    def _reach(self) -> socket.socket | Failure:
        try:
            addresses = resolve(self._reactor, *self._address)
        except (OSError, ValueError) as error:  # ValueError: it cannot be a name
            self._log().error(f"{self._name()} cannot resolve hostname: {getattr(error, 'strerror', None) or error}")
            return Failure.CANNOT_RESOLVE
        if len(addresses) > 1:
            return Race(self._reactor, addresses, self._trying, self._cannot).run() or Failure.CONNECTION_REFUSED
        family, address = addresses[0]
        self._trying(address)
        try:
            return dial(self._reactor, family, address)
        except OSError as error:
            self._cannot(address, error)
        return Failure.CONNECTION_REFUSED

    def _trying(self, address: tuple[Any, ...]) -> None:
        self._remote = address[:2]

    def _cannot(self, address: tuple[Any, ...], error: OSError) -> None:
        latest, self._remote = self._remote, address[:2]
        self._log().error(f"{self._name()} cannot connect: {reason(error)}")
        self._remote = latest

    # -- in turns ---------------------------------------------------------------------------------------------------

    def _failed(self, failure: Failure) -> None:
        self._pending.clear()
        self._ended = True
        self._open_valve()
        self._received(StreamEnd(failure))

    def _connected(self, sock: socket.socket) -> None:
        if self._reply is ignore:
            sock.close()
            return
        self._local = sock.getsockname()[:2]
        options = self._options
        patience = self._reactor.limits.upstream_write_timeout if options["writeTimeout"] is None else options["writeTimeout"]
        silence = options["readTimeout"]
        connection = self._connection = Connection(self._reactor, sock, self._received, self._gone, silence, patience)
        self._reactor.outbounds.add(self)
        pending, self._pending, self._pending_size = self._pending, [], 0
        for payload in pending:
            connection.write(payload)
        self._open_valve()
        if self._ended or self._overflowed:
            self._end()
        self._reactor.loop.run_callback(connection.start)

    def _received(self, event: Event) -> None:
        if type(event) is StreamEnd and event.error is Failure.READ_ERROR:
            self._log().warning(f"{self._name()} error reading from peer: Connection reset by peer")
        self._reply(event)
        if type(event) is StreamEnd:
            self._reply = ignore
            if self._connection is not None:
                self._connection.end()

    def _gone(self) -> None:
        """The socket is closed; say so if the filter does not know yet."""
        self._reply(StreamEnd(Failure.BUFFER_OVERFLOW if self._overflowed else Failure.NONE))
        self._reply = ignore
        self._connection = None
        self._reactor.outbounds.discard(self)

    def _open_valve(self) -> None:
        if self._valve is not None:
            self._valve.open()
