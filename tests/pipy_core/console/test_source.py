"""Asking the admin port: what comes of each kind of answer."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipy_core.console.source import Source, Unreachable
from pipy_core.errors import ArgumentError
from pipy_core.settings import Settings


class Handler(BaseHTTPRequestHandler):
    """Answers as the server says. :cvar protocol_version: connections are kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("authorization"), self.client_address))
        status, body = server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = server.closes  # without a word in front

    def log_message(self, *_args):
        """Nobody wants it."""


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer, server.closes = [], (200, b"{}"), False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def source(server):
    made = Source(Settings(admin_address=server.server_address[:2]))
    yield made
    made.close()


def test_answers(server, source):
    server.answer = (200, '{"a": "ä"}'.encode())
    assert source.json("/status") == {"a": "ä"}
    server.answer = (200, b"text\xff")
    assert source.text("/metrics") == "text\ufffd"
    assert [path for path, *_ in server.asked] == ["/status", "/metrics"]
    assert len({client for *_, client in server.asked}) == 1  # one connection


def test_a_connection_that_was_kept_for_too_long(server, source):
    server.closes = True
    for _ in range(3):
        assert source.text("/status") == "{}"
    assert len({client for *_, client in server.asked}) == 3


def test_the_token(server):
    source = Source(Settings(admin_address=server.server_address[:2], admin_token="secret"))
    source.text("/status")
    source.close()
    assert server.asked[0][1] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, b""), "wants a token: --admin-token=<token>, or PIPY_ADMIN_TOKEN"),
        ((503, b"{}"), "answers /status with 503"),
        ((200, b"<html>"), "is no admin port"),
        ((200, b"[]"), "is no admin port"),
        ((200, b""), "is no admin port"),
    ],
)
def test_other_answers(server, source, answer, message):
    server.answer = answer
    with pytest.raises(Unreachable, match=message) as caught:
        source.json("/status")
    assert f"127.0.0.1:{server.server_address[1]}" in str(caught.value)


def test_nobody_is_there():
    with socket.socket() as taken:  # nobody listens, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        address = taken.getsockname()
        with pytest.raises(Unreachable, match=f"cannot reach the admin port 127.0.0.1:{address[1]}: Connection refused"):
            Source(Settings(admin_address=address)).text("/status")


@pytest.mark.parametrize(("host", "name"), [("0.0.0.0", "127.0.0.1:1"), ("::", "[::1]:1"), ("::1", "[::1]:1")])
def test_where_one_can_connect_to(host, name):
    assert Source(Settings(admin_address=(host, 1)))._name() == name


def test_where_it_is_unless_anybody_says_so():
    assert Source(Settings())._name() == "127.0.0.1:6060"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tls_cert": "none", "tls_key": "none"}, "file or directory does not exist: "),
        ({"tls_trusted": "none"}, "file or directory does not exist: "),
        ({"tls_trusted": "file"}, "cannot use --tls-trusted="),
        ({"tls_cert": "file", "tls_key": "file"}, "cannot use --tls-cert="),
        ({"tls_cert": "file"}, "--tls-cert and --tls-key must be used"),
        ({"tls_key": "file"}, "--tls-cert and --tls-key must be used"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, settings, words):
    (tmp_path / "file").write_text("no certificate")
    with pytest.raises(ArgumentError, match=words):
        Source(Settings(**{name: str(tmp_path / file) for name, file in settings.items()}))
