"""The upstream of the corpus: keeps every byte it gets, and reads them with a parser that is not ours."""

import re
import selectors
import socket
import threading
from typing import Final, Self

import h11

#: The request that ends every case, sent on a connection of its own.
CANARY: Final = b"GET /canary HTTP/1.1\r\nHost: canary\r\n\r\n"
_CANARY: Final = re.compile(rb"GET /canary .*?\r\n\r\n", re.DOTALL)
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_REFUSAL: Final = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 2\r\n\r\nno"
_SIZE: Final = 256 * 1024


class Upstream:
    """A server on a port of its own; a context manager. One thread reads all connections, so bytes are kept in their order.

    :ivar respond: what the next request is answered with, before the connection is closed; None: every request gets 200 and ``ok``.
    """

    def __init__(self) -> None:
        self.respond: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._readers: list[_Reader] = []
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._wake.close()
        self._thread.join()
        for reader in self._readers:
            reader.sock.close()
        for sock in (self._listener, self._woken):
            sock.close()
        self._selector.close()

    def take(self) -> tuple[bytes, list[bytes], list[str]]:
        """What has come since the last time, without the canary; the targets of complete requests; what the other parser could not read.

        Call it when the canary has been answered: then everything that was sent before it is here.
        """
        received = b"".join(reader.take() for reader in self._readers)
        targets = [target for reader in self._readers for target in reader.targets if target != b"/canary"]
        faults = [fault for reader in self._readers for fault in reader.faults]
        for reader in self._readers:
            reader.targets, reader.faults = [], []
        self._readers = [reader for reader in self._readers if not reader.ended]
        return _CANARY.sub(b"", received), targets, faults

    def _run(self) -> None:
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            if self._woken in ready:
                return
            # what came first is read first: the canary is on a younger connection than what it has to come behind
            for reader in [reader for reader in self._readers if reader.sock in ready]:
                self._read(reader)
            if self._listener in ready:
                sock, _ = self._listener.accept()
                self._readers.append(_Reader(sock))
                self._selector.register(sock, selectors.EVENT_READ)

    def _read(self, reader: "_Reader") -> None:
        for request in reader.read():
            if self.respond is None or request.target == b"/canary":
                reader.answer(_answer(request))
            else:
                reader.answer(self.respond)
                self.respond = None
                reader.finish()
                break
        if reader.ended:
            self._selector.unregister(reader.sock)
            reader.sock.close()


def _answer(request: h11.Request) -> bytes:
    if request.method == b"CONNECT":
        return _REFUSAL
    return _ANSWER.removesuffix(b"ok") if request.method == b"HEAD" else _ANSWER


class _Reader:
    """One connection.

    :ivar targets: those of the requests that were complete.
    :ivar faults: what the other parser said, and what else was wrong.
    :ivar ended: nothing more is to be read.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.targets: list[bytes] = []
        self.faults: list[str] = []
        self.ended = False
        self._received = b""
        self._parser = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None

    def take(self) -> bytes:
        """The bytes since the last time."""
        received, self._received = self._received, b""
        return received

    def read(self) -> list[h11.Request]:
        """The requests that are complete now."""
        try:
            content = self.sock.recv(_SIZE)
        except ConnectionResetError:
            content = b""
        self._received += content
        complete: list[h11.Request] = []
        if not content:
            self.ended = True
            return complete
        try:
            self._parser.receive_data(content)
            while self._next(complete):
                pass
        except h11.RemoteProtocolError as error:
            self.faults.append(str(error))
            self.ended = True
        self.targets += [request.target for request in complete]
        return complete

    def _next(self, complete: list[h11.Request]) -> bool:
        event = self._parser.next_event()
        if isinstance(event, h11.Request):
            self._request = event
        elif isinstance(event, h11.EndOfMessage):
            assert self._request is not None
            complete.append(self._request)
            # what is told to the parser only has to end the exchange; 200 would make a tunnel of CONNECT
            self._parser.send(h11.Response(status_code=405, headers=[("Content-Length", "0")]))
            self._parser.send(h11.EndOfMessage())
            if self._parser.our_state is not h11.DONE:
                return False
            self._parser.start_next_cycle()
        return event not in (h11.NEED_DATA, h11.PAUSED)

    def answer(self, content: bytes) -> None:
        """Send *content*; the other side may be gone."""
        try:
            self.sock.sendall(content)
        except OSError:
            self.ended = True

    def finish(self) -> None:
        """Close in order: read on until the other side has closed as well, since a close with unread bytes is a reset."""
        self.ended = True
        self.sock.settimeout(5)
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while content := self.sock.recv(_SIZE):
                self._received += content
        except OSError as error:  # a reset is as good; the other side may have had enough
            if isinstance(error, TimeoutError):
                self.faults.append(repr(error))
