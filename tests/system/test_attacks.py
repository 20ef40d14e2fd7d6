"""Clients, servers and visitors of the admin port that mean harm: what becomes of them, that others are served, and what is kept."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import hpack
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.system.clients import ask, connect, get, read_all, read_head, resident, serving
from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports
from tests.system.test_workers import wait_until

MIB = 1024 * 1024
#: What an attack may leave behind in the memory of the program, or cost it while it goes on.
ROOM = 48 * MIB
SCRIPT = """
pipy({{ _path: '' }})
  .listen({hello}, {{ headerTimeout: 30 }}).serveHTTP(new Message('hi'))
  .listen({large}, {{ writeTimeout: 1 }}).serveHTTP(new Message('x'.repeat(1 << 20)))
  .listen({proxy}).demuxHTTP('request')
  .listen({hasty}).demuxHTTP('hasty request')
  .listen({keys}).demuxHTTP('by key')
  .pipeline('request').muxHTTP('server', () => ({{}}))
  .pipeline('hasty request').muxHTTP('server', () => ({{}}), {{ responseTimeout: 1 }})
  .pipeline('server').connect('127.0.0.1:{evil}')
  .pipeline('by key').handleMessageStart(msg => _path = msg.head.path).limitRate('a key', () => _path, {{ rate: 1 }})
  .pipeline('a key').muxHTTP('itself', () => _path)
  .pipeline('itself').connect('127.0.0.1:{hello}')
"""
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame().serialize()
FIELDS = [(":method", "POST"), (":scheme", "http"), (":authority", "h"), (":path", "/")]


class Site:
    """A running program, and the ports of it."""

    def __init__(self, pipy: PipyProcess, ports: dict[str, int]) -> None:
        self.pipy = pipy
        self.hello, self.large, self.proxy, self.keys, self.admin = (
            ports[name] for name in ("hello", "large", "proxy", "keys", "admin")
        )
        self.ports = ports

    def refused(self, cause: str) -> int:
        """How often something was refused or cut because of *cause*."""
        page = ask(self.admin, "/metrics")[1].decode()
        return sum(
            int(n) for n in re.findall(rf'^pipy_connections_refused_total\{{.*cause="{cause}".*\}} (\d+)', page, re.MULTILINE)
        )

    def others_are_served(self) -> bool:
        """Whether a client that means no harm has its answer, and so has the admin port's."""
        return ask(self.hello) == ("200 OK", b"hi") and ask(self.admin, "/healthz")[0] == "200 OK"


FEW_DESCRIPTORS = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
runpy.run_module("pipy_core", run_name="__main__", alter_sys=True)
"""
#: What a server sends, by path: once, and then without end.
ENDLESS = {
    b"/headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 1000),
    b"/interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    b"/line": (b"", b"x" * 1000),
    b"/large": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", bytes(65536)),
    b"/extensions": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", b";a=b" * 1000),
}


def evil(sock: socket.socket) -> None:
    """A server that does what the path says."""
    request = b""
    while b"\r\n\r\n" not in request:
        piece = sock.recv(65536)
        if not piece:
            return
        request += piece
    path = request.split()[1]
    first, again = ENDLESS.get(path, (b"", b""))
    sock.sendall(first)
    while again:
        sock.sendall(again)
    sock.recv(1)  # says nothing


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    names = ("hello", "large", "proxy", "hasty", "keys", "admin")
    with serving(evil) as server:
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        with PipyProcess(
            SCRIPT.format(**ports, evil=server),
            directory=tmp_path_factory.mktemp("attacks"),
            options=[f"--admin-port={ports['admin']}"],
            ports=list(ports.values()),
        ) as pipy:
            yield Site(pipy, ports)


def send_until_closed(sock: socket.socket, piece: bytes, most: int) -> bytes:
    """Send *piece* again and again, at most so many times, until nobody listens; give what was answered."""
    received = b""
    with contextlib.suppress(ConnectionError):
        sock.settimeout(PATIENCE)
        for _ in range(most):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError):
        while block := sock.recv(65536):
            received += block
    return received


@pytest.mark.parametrize(
    ("begin", "piece", "status", "cause"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: " + b"y" * 1000 + b"\r\n", b"431", "header size", id="endless head"),
        pytest.param(b"GET /", b"y" * 1000, b"414", "header size", id="endless line"),
        pytest.param(CHUNKED + b"1", b";a=b" * 250, b"400", "protocol", id="endless chunk extension"),
        pytest.param(CHUNKED, b"1;" + b"a" * 100 + b"\r\nx\r\n", b"400", "protocol", id="many chunk extensions"),
        pytest.param(CHUNKED + b"0\r\n", b"X: " + b"y" * 1000 + b"\r\n", b"400", "protocol", id="endless trailers"),
        pytest.param(b"", b"\r\n" * 500, b"400", "protocol", id="empty lines"),
    ],
)
def test_requests_without_end(site: Site, begin: bytes, piece: bytes, status: bytes, cause: str) -> None:
    before = site.refused(cause)
    with closing(connect(site.hello)) as client:
        client.sendall(begin)
        answer = send_until_closed(client, piece, 1000)
    assert answer[9:12] in (status, b"")  # a client that goes on sending may be reset before it has read the answer
    assert site.refused(cause) == before + 1
    assert site.others_are_served()


def test_a_body_of_tiny_chunks_takes_little_memory(site: Site) -> None:
    before = resident(site.pipy.pid)
    with closing(connect(site.hello)) as client:
        client.sendall(CHUNKED)
        for _ in range(1000):
            client.sendall(b"1\r\nx\r\n" * 1000)
        assert resident(site.pipy.pid) - before < ROOM
        client.sendall(b"0\r\n\r\n")
        assert read_head(client)[0] == "HTTP/1.1 200 OK"


def test_pipelined_requests_whose_answers_nobody_reads(site: Site) -> None:
    """They are not read either, and the connection is cut in its time."""
    before, refused = resident(site.pipy.pid), site.refused("write timeout")
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", site.large))
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(GET * 1000)
                assert resident(site.pipy.pid) - before < ROOM
        assert site.others_are_served()
    assert site.refused("write timeout") == refused + 1
    assert site.refused("unsent") == 0


def headers(stream: int, encoder: hpack.Encoder, *flags: str) -> bytes:
    return HeadersFrame(stream, encoder.encode(FIELDS), flags=["END_HEADERS", *flags]).serialize()


def resets() -> bytes:
    encoder = hpack.Encoder()
    return b"".join(headers(stream, encoder, "END_STREAM") + RstStreamFrame(stream).serialize() for stream in range(1, 20_001, 2))


def repeated(frame: Frame, count: int = 20_000) -> bytes:
    return headers(1, hpack.Encoder()) + frame.serialize() * count


def bomb() -> bytes:
    """One field of 4,000 bytes, and thousands of references to it."""
    encoder = hpack.Encoder()
    encoder.encode(FIELDS)
    first = hpack.Encoder().encode([*FIELDS, ("x", "y" * 4000)])
    return HeadersFrame(1, first + b"\xbe" * 10_000, flags=["END_HEADERS"]).serialize()


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(resets(), id="rapid reset"),
        pytest.param(repeated(PingFrame(0)), id="ping"),
        pytest.param(repeated(SettingsFrame()), id="settings"),
        pytest.param(repeated(PriorityFrame(3, depends_on=0, stream_weight=1)), id="priority"),
        pytest.param(repeated(WindowUpdateFrame(0, window_increment=1)), id="window updates"),
        pytest.param(repeated(DataFrame(1)), id="empty data"),
        pytest.param(HeadersFrame(1, b"").serialize() + ContinuationFrame(1, b"").serialize() * 20_000, id="continuations"),
        pytest.param(bomb(), id="header bomb"),
    ],
)
def test_floods_of_frames(site: Site, flood: bytes) -> None:
    before, refused = resident(site.pipy.pid), site.refused("flood")
    with closing(connect(site.hello)) as client:
        send_until_closed(client, PREFACE + flood, 1)
    assert site.refused("flood") == refused + 1
    assert site.others_are_served()
    assert resident(site.pipy.pid) - before < ROOM


def test_a_body_in_frames_of_a_byte(site: Site) -> None:
    before = resident(site.pipy.pid)
    with closing(connect(site.hello)) as client:
        client.sendall(PREFACE + headers(1, hpack.Encoder()) + DataFrame(1, b"x").serialize() * 60_000)
        assert site.others_are_served()
        assert resident(site.pipy.pid) - before < ROOM


@pytest.mark.parametrize(
    ("port", "path", "status"),
    [("proxy", "/headers", "502"), ("proxy", "/interim", "502"), ("proxy", "/line", "502"), ("hasty", "/silent", "504")],
)
def test_servers_without_an_answer(site: Site, port: str, path: str, status: str) -> None:
    before = resident(site.pipy.pid)
    with closing(connect(site.ports[port])) as client:
        client.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % path.encode())
        assert f"HTTP/1.1 {status}".encode() in read_all(client)
    assert site.others_are_served()
    assert resident(site.pipy.pid) - before < ROOM


def test_chunk_extensions_of_a_server_without_end(site: Site) -> None:
    with closing(connect(site.proxy)) as client:
        client.sendall(b"GET /extensions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not read_all(client).endswith(b"0\r\n\r\n")
    assert site.others_are_served()


def test_a_large_response_for_a_client_that_does_not_read(site: Site) -> None:
    before = resident(site.pipy.pid)
    with ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(closing(connect(site.proxy)))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_head(client)[0] == "HTTP/1.1 200 OK"
        assert all(site.others_are_served() for _ in range(20))
        assert resident(site.pipy.pid) - before < ROOM


def test_a_key_for_each_request(site: Site) -> None:
    with closing(connect(site.keys)) as client:
        assert all(get(client, f"/{number}")[0] == "200 OK" for number in range(300))
    assert site.others_are_served()
    assert len(ask(site.admin, "/metrics")[1]) < MIB


def test_the_admin_port_is_slow_to_nobody(site: Site) -> None:
    """Health checks are answered while others hold connections to it."""
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(closing(connect(site.admin)))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert ask(site.hello) == ("200 OK", b"hi")
        with closing(connect(site.admin)) as probe:
            assert get(probe, "/healthz")[0] == "200 OK"
        assert read_all(client).startswith(b"HTTP/1.1 408")  # they have their time


def test_all_connections_are_dropped_at_once(site: Site) -> None:
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(closing(connect(site.hello))).sendall(GET[:-2])
        assert site.others_are_served()
    assert site.others_are_served()
    deadline = time.monotonic() + PATIENCE
    while b'pipy_connections_open{listener="0.0.0.0:%d"} 0' % site.hello not in ask(site.admin, "/metrics")[1]:
        assert time.monotonic() < deadline


def test_descriptors_run_out(tmp_path, start_pipy) -> None:
    port, server = free_ports(2)
    pipy = start_pipy(
        f"pipy().listen({port}).demuxHTTP('r').listen({server}).serveHTTP(new Message('hi'))"
        f".pipeline('r').muxHTTP('c', () => ({{}})).pipeline('c').connect('127.0.0.1:{server}')",
        ports=[port, server],
        program=(
            "-c",
            FEW_DESCRIPTORS,
        ),
        options=["--max-connections=1000"],
    )
    with ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(closing(connect(port)))
            client.sendall(GET)
        pipy.wait_for_log("Too many open files")
    wait_until(lambda: ask(port) == ("200 OK", b"hi"), "it has not recovered")
    suppressed = sum(map(int, re.findall(r"Cannot accept.* \(and (\d+) more such lines\)", pipy.log)))
    # twice a second on each port, for as long as it takes, and when a connection has ended; not all the time
    assert pipy.log.count("Cannot accept") + suppressed < 1000
