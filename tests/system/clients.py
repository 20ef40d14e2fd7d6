"""Clients and servers for system tests: plain sockets, so that a test sees every byte and decides when to read."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.system.pipy_process import PATIENCE

KEEP_ALIVE = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(port: int) -> socket.socket:
    """A connection to a port of the loopback."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def read_head(sock: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """The start line, the fields and what came behind them."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError(f"closed in the middle of a head: {received!r}")
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return start, {name.lower(): value for name, value in fields.items()}, rest


def read_body(sock: socket.socket, fields: dict[str, str], body: bytes) -> bytes:
    """All of a body with a length, of which *body* has come with the head."""
    size = int(fields.get("content-length", 0))
    while len(body) < size:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError(f"closed in the middle of a body: {body!r}")
        body += piece
    return body


def read_response(sock: socket.socket) -> tuple[str, bytes]:
    """The status line without the version, and a body with a length."""
    start, fields, body = read_head(sock)
    return start.partition(" ")[2], read_body(sock, fields, body)


def get(sock: socket.socket, path: str = "/") -> tuple[str, bytes]:
    """One exchange on a connection that stays open."""
    sock.sendall(KEEP_ALIVE % path.encode())
    return read_response(sock)


def ask(port: int, path: str = "/") -> tuple[str, bytes]:
    """One exchange on a connection of its own."""
    with connect(port) as sock:
        return get(sock, path)


def read_all(sock: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a free port: *handle* runs in a thread of its own for each connection. Gives the port."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    accepted: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                sock = server.accept()[0]
            except OSError:  # the test is over
                return
            accepted.append(sock)
            threading.Thread(target=run, args=(sock,), daemon=True).start()

    def run(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:  # the test is over, or the proxy has gone
            handle(sock)

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for sock in accepted:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        acceptor.join(PATIENCE)


def resident(pid: int) -> int:
    """Bytes of physical memory of a process that it shares with nobody."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    return 1024 * sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(("Private_Dirty", "Private_Clean")))


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
