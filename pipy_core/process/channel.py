"""The channel between a supervisor and one worker: messages in order, and sockets beside them, over a pair of Unix sockets.

Both ends are this class. What is said is in ``control``.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from pipy_core.errors import ProtocolError
from pipy_core.net.reactor import Reactor
from pipy_core.process.control import MAX_MESSAGE, MAX_SOCKETS, Frames, Message, encode

READ, WRITE = 1, 2
#: Bytes per read.
READ_SIZE: Final = 64 * 1024
#: Bytes that may wait for the other end to read them. One that does not read its messages is of no use.
MAX_UNSENT: Final = 2 * MAX_MESSAGE


class Channel:
    """One end.

    :param sock: one of a pair of Unix sockets.
    :param receive: gets every message, in order, in a greenlet of its own: it may wait, and the next one waits for it.
    :param closed: called once, there too, when the other end is gone and all it said has been received.
    """

    def __init__(
        self, reactor: Reactor, sock: socket.socket, receive: Callable[[Message], None], closed: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self._sock: socket.socket | None = sock
        self._receive = receive
        self._closed = closed
        self._frames = Frames()
        self._inbox: deque[Message] = deque()
        self._sockets: deque[int] = deque()  # received, and not taken
        self._unsent: deque[tuple[memoryview, list[int]]] = deque()
        self._size = 0
        self._dealing = False
        self._over = False
        sock.setblocking(False)
        self._reader: Any = reactor.loop.io(sock.fileno(), READ)
        self._writer: Any = reactor.loop.io(sock.fileno(), WRITE)
        self._reader.start(self._readable)

    @property
    def is_open(self) -> bool:
        """Whether the other end is there."""
        return self._sock is not None

    def send(self, message: Message, sockets: Sequence[socket.socket] = ()) -> None:
        """Send *message*, now or as soon as the other end has room. Nothing happens when it is gone.

        :param sockets: up to ``MAX_SOCKETS`` that go with it; the caller keeps its own.
        :raises ProtocolError: the message is too long.
        """
        payload = encode(message)
        if self._sock is None:
            return
        if self._size + len(payload) > MAX_UNSENT:
            self.close()
            return
        self._unsent.append((memoryview(payload), [os.dup(each.fileno()) for each in sockets]))
        self._size += len(payload)
        if len(self._unsent) == 1:
            self._flush()

    def take_sockets(self, count: int) -> list[socket.socket]:
        """The next *count* sockets that have come.

        :raises ProtocolError: there are fewer.
        """
        if count > len(self._sockets):
            raise ProtocolError(f"{count} sockets are announced, and {len(self._sockets)} have come")
        return [socket.socket(fileno=self._sockets.popleft()) for _ in range(count)]

    def close(self) -> None:
        """Close this end; ``closed`` is called all the same."""
        if self._sock is None:
            return
        for watcher in (self._reader, self._writer):
            watcher.stop()
            watcher.close()
        for descriptors in [[*self._sockets], *(each for _, each in self._unsent)]:
            for descriptor in descriptors:
                os.close(descriptor)
        self._sockets.clear()
        self._unsent.clear()
        self._sock.close()
        self._sock = None
        self._deal_soon()

    # -- in the hub -------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        assert self._sock is not None
        try:
            received, descriptors, _, _ = socket.recv_fds(self._sock, READ_SIZE, MAX_SOCKETS)
        except BlockingIOError:
            return
        except OSError:
            received, descriptors = b"", []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._sockets += descriptors
        try:
            self._inbox += self._frames.feed(received)
        except ProtocolError as error:
            self._reactor.report(error, "control channel")
            received = b""
        if received:
            self._deal_soon()
        else:
            self.close()

    def _flush(self) -> None:
        while self._unsent and self._sock is not None:
            payload, descriptors = self._unsent[0]
            try:
                sent = socket.send_fds(self._sock, [payload], descriptors) if descriptors else self._sock.send(payload)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            self._size -= sent
            for descriptor in descriptors:  # they went with the first byte
                os.close(descriptor)
            if sent < len(payload):
                self._unsent[0] = (payload[sent:], [])
            else:
                self._unsent.popleft()
        if self._sock is not None:
            self._watch_writer(bool(self._unsent))

    def _watch_writer(self, wanted: bool) -> None:
        if wanted and not self._writer.active:
            self._writer.start(self._flush)
        elif not wanted and self._writer.active:
            self._writer.stop()

    # -- in a greenlet ----------------------------------------------------------------------------------------------

    def _deal_soon(self) -> None:
        if not self._dealing:
            self._dealing = True
            self._reactor.spawn(self._deal)

    def _deal(self) -> None:
        try:
            while self._inbox:
                message = self._inbox.popleft()
                try:
                    self._receive(message)
                except Exception as error:  # noqa: BLE001  # the outermost boundary: the next message may be dealt with
                    self._reactor.report(error, "control channel")
        finally:
            self._dealing = False
        if self._sock is None and not self._over:
            self._over = True
            self._closed()
