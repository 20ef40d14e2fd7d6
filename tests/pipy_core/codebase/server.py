"""A server of files that does what a test wants: validators or none, errors, answers cut short."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What is at a path.

    :ivar etag, modified: its validators; empty: it has none.
    :ivar cut: only so many bytes of the body are sent.
    :ivar fields: further header fields.
    """

    body: bytes = b""
    etag: str = ""
    modified: str = ""
    status: int = 200
    cut: int | None = None
    fields: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """:ivar files: what it has, by path. :ivar asked: methods and targets of all requests. :ivar posted: bodies of reports."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, Handler)
        self.files: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.fields: list[dict[str, str]] = []
        self.posted: list[bytes] = []
        self.report_status = 201
        self.heads = True  # whether HEAD is answered
        self.before: dict[str, Any] = {}  # called when a path is asked for
        self.connections = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def put(self, base: str = "/app/", etag: str = "", **files: str) -> None:
        """A codebase with a manifest, all of it at once; ``main`` is the main script, and each file is called ``NAME.js``."""
        manifest = Reply("".join(f"/{name}.js\n" for name in files).encode(), etag)
        self.files.update({base: manifest, **{f"{base}{name}.js": Reply(text.encode(), etag) for name, text in files.items()}})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.path}")
        self.server.posted.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.server.report_status)
        self.send_header("content-length", "0")
        self.end_headers()

    def answer(self) -> None:
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        server.fields.append(dict(self.headers))
        server.before.get(self.path, lambda: None)()
        reply = server.files.get(self.path, Reply(status=404))
        if self.command == "HEAD" and not server.heads:
            reply = Reply(status=501)
        self.send_response(reply.status)
        fields = {"content-length": str(len(reply.body)), "etag": reply.etag, "last-modified": reply.modified, **reply.fields}
        for name, value in fields.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def serving(server: Server, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """It runs on a thread of its own."""
    if context is not None:
        server.scheme = "https"
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
