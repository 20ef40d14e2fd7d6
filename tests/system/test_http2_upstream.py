"""muxHTTP with version 2 on real sockets: a server of another library, plain and over TLS, with clients of HTTP/1."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from tests.system.certificates import authority
from tests.system.clients import connect, read_head, resident, serving
from tests.system.pipy_process import PATIENCE, PipyProcess, free_port

MEGABYTE = 1 << 20
PROXY = """
pipy()
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('session', '', {{ version: {version} }})
  .pipeline('session')
    {way}
  .pipeline('connection')
    .connect('127.0.0.1:{server}')
"""
#: What may be in the memory of the proxy that was not before.
ALLOWANCE = 60 * MEGABYTE


class Answers:
    """A server: ``/echo`` gives back what it got, ``/size/N`` N bytes; everything else nothing. ``x-path`` is path and scheme.

    :ivar connections: how many there have been. :ivar sent: bytes of bodies.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.sent = 0

    def handle(self, sock: socket.socket) -> None:
        self.connections += 1
        if isinstance(sock, ssl.SSLSocket) and sock.selected_alpn_protocol() != "h2":
            while sock.recv(65536):
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
            return
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        connection.initiate_connection()
        streams: dict[int, Stream] = {}
        while True:
            sock.sendall(connection.data_to_send())
            data = sock.recv(65536)
            if not data:
                return
            for event in connection.receive_data(data):
                take(event, connection, streams)
            for number in list(streams):
                self.sent += streams[number].send(connection, number)
                if streams[number].done:
                    del streams[number]


class Stream:
    """One request and its response."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        self.body = b""
        self.sent = 0
        self.responding = self.done = False

    def begin(self, connection: h2.connection.H2Connection, number: int) -> None:
        path = self.headers[":path"]
        connection.send_headers(number, [(":status", "200"), ("x-path", f"{path} {self.headers[':scheme']}")])
        if path.startswith("/size/"):
            self.body = bytes(int(path[6:]))
        self.responding = True

    def send(self, connection: h2.connection.H2Connection, number: int) -> int:
        """What the window lets pass."""
        if not self.responding:
            return 0
        room = min(connection.local_flow_control_window(number), len(self.body) - self.sent)
        for start in range(self.sent, self.sent + room, 16384):
            connection.send_data(number, self.body[start : min(start + 16384, self.sent + room)])
        self.sent += room
        if self.sent == len(self.body):
            connection.end_stream(number)
            self.done = True
        return room


def take(event: h2.events.Event, connection: h2.connection.H2Connection, streams: dict[int, Stream]) -> None:
    """Deal with what a client has sent."""
    if isinstance(event, h2.events.RequestReceived):
        streams[event.stream_id] = Stream(dict(event.headers))
    elif isinstance(event, h2.events.DataReceived):
        streams[event.stream_id].body += event.data
        connection.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
    elif isinstance(event, h2.events.StreamEnded):
        streams[event.stream_id].begin(connection, event.stream_id)
    elif isinstance(event, h2.events.StreamReset):
        streams.pop(event.stream_id, None)


@contextlib.contextmanager
def proxied(
    directory: Path, *, version: str = "2", way: str = ".link('connection')", context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, Answers, PipyProcess]]:
    """A proxy and a server behind it."""
    answers = Answers()

    def handle(sock: socket.socket) -> None:
        if context is None:
            answers.handle(sock)
        else:
            with context.wrap_socket(sock, server_side=True) as secure:
                answers.handle(secure)

    port = free_port()
    with serving(handle) as server:
        script = PROXY.format(port=port, server=server, version=version, way=way)
        with PipyProcess(script, directory=directory, ports=[port]) as pipy:
            yield port, answers, pipy
            assert "Traceback" not in pipy.log


def ask(connection: http.client.HTTPConnection, path: str, body: bytes | None = None) -> tuple[int, str | None, bytes]:
    connection.request("GET" if body is None else "POST", path, body)
    response = connection.getresponse()
    return response.status, response.getheader("x-path"), response.read()


@contextlib.contextmanager
def client(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        yield connection


def test_one_connection_for_many_clients(tmp_path: Path) -> None:
    with proxied(tmp_path) as (port, answers, _):

        def talk(number: int) -> None:
            with client(port) as connection:
                for turn in range(20):
                    assert ask(connection, f"/{number}/{turn}") == (200, f"/{number}/{turn} http", b"")
                    body = b"%d" % number * (turn * 1000)
                    assert ask(connection, "/echo", body) == (200, "/echo http", body)

        with ThreadPoolExecutor(16) as pool:
            for result in [pool.submit(talk, number) for number in range(32)]:
                result.result(PATIENCE)
        assert answers.connections == 1


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 5_000_000])
def test_bodies_of_any_size(tmp_path: Path, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with proxied(tmp_path) as (port, _, _), client(port) as connection:
        assert ask(connection, "/echo", body)[2] == body
        assert len(ask(connection, f"/size/{size}")[2]) == size


def test_a_slow_client_holds_up_nobody_else(tmp_path: Path) -> None:
    """Nor does what it does not read pile up in the proxy."""
    with proxied(tmp_path) as (port, answers, pipy), client(port) as quick:
        assert ask(quick, "/first")[0] == 200
        before = resident(pipy.pid)
        with connect(port) as slow:
            slow.sendall(b"GET /size/200000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_head(slow)[0].endswith("200 OK")
            for turn in range(10):
                assert ask(quick, f"/{turn}")[0] == 200
                assert len(ask(quick, "/size/1000000")[2]) == 1_000_000
            assert answers.sent < 100 * MEGABYTE
            assert resident(pipy.pid) - before < ALLOWANCE
        assert ask(quick, "/last")[0] == 200
        assert answers.connections == 1


def certificate(directory: Path, *protocols: str) -> ssl.SSLContext:
    """A server's context that knows these protocols."""
    authority().issue("server", ["localhost"]).write(directory, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server-cert.pem", directory / "server-key.pem")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@pytest.mark.parametrize(
    ("knows", "expected"),
    [(("h2", "http/1.1"), (200, "/x https", b"")), (("http/1.1",), (200, None, b"old")), ((), (200, None, b"old"))],
)
def test_tls_decides(tmp_path: Path, knows: tuple[str, ...], expected: tuple[int, str | None, bytes]) -> None:
    way = ".connectTLS('connection', { alpn: ['h2', 'http/1.1'] })"
    with proxied(tmp_path, version="'auto'", way=way, context=certificate(tmp_path, *knows)) as (port, answers, _):
        with client(port) as connection:
            for _ in range(3):
                assert ask(connection, "/x") == expected
        assert answers.connections == 1


def test_a_handshake_that_fails(tmp_path: Path) -> None:
    way = ".connectTLS('connection', { alpn: ['h2'], minVersion: 'TLSv1.3' })"
    context = certificate(tmp_path, "h2")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with proxied(tmp_path, version="'auto'", way=way, context=context) as (port, _, _), client(port) as connection:
        assert ask(connection, "/x")[0] == 502


def test_an_upload_over_tls(tmp_path: Path) -> None:
    way = ".connectTLS('connection', { alpn: ['h2'] })"
    body = bytes(range(256)) * 8000
    with proxied(tmp_path, way=way, context=certificate(tmp_path, "h2")) as (port, _, _), client(port) as connection:
        assert ask(connection, "/echo", body)[2] == body


def serve_ten(sock: socket.socket) -> None:
    """Answer ten requests, then those that have begun, and go away in order."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    answered = 0
    begun: set[int] = set()
    leaving = False
    while True:
        sock.sendall(connection.data_to_send())
        data = sock.recv(65536)
        if not data:
            return
        for event in connection.receive_data(data) if not leaving else ():
            if isinstance(event, h2.events.RequestReceived):
                begun.add(event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answered += 1
                begun.remove(event.stream_id)
                connection.send_headers(event.stream_id, [(":status", "200"), ("content-length", "2")])
                connection.send_data(event.stream_id, b"ok", end_stream=True)
                if answered >= 10 and not begun:
                    leaving = True
                    connection.close_connection(last_stream_id=event.stream_id)
                    break


def test_a_server_that_restarts(tmp_path: Path) -> None:
    """GOAWAY in the middle of what clients do: nobody notices."""
    connections: list[int] = []

    def handle(sock: socket.socket) -> None:
        connections.append(1)
        serve_ten(sock)

    port = free_port()
    with serving(handle) as server:
        script = PROXY.format(port=port, server=server, version="2", way=".link('connection')")
        with PipyProcess(script, directory=tmp_path, ports=[port]):

            def talk() -> None:
                with client(port) as connection:
                    for _ in range(20):
                        assert ask(connection, "/x", b"body") == (200, None, b"ok")

            with ThreadPoolExecutor(4) as pool:
                for result in [pool.submit(talk) for _ in range(4)]:
                    result.result(PATIENCE)
    assert len(connections) > 1
