"""A gigabyte through the proxy with somebody slow at one end: what is not read there is not read here, and not kept in between."""

import queue
import socket

import pytest

from tests.system.clients import ask, connect, descriptors, read_head, resident, serving
from tests.system.pipy_process import PATIENCE, free_ports

GIGABYTE = 1 << 30
MEGABYTE = 1 << 20
#: What may be under way: the buffers of two connections in the kernel, and those of the proxy.
UNDER_WAY = 64 * MEGABYTE
#: What the proxy may use above what it uses when it has nothing to do.
ALLOWANCE = 60 * MEGABYTE
#: More than is held back of a body while its length, or all of it, could still come.
OPENING = bytes(256 * 1024)
#: Seconds without room for a byte after which a sender has been throttled.
STALLED = 0.5

TCP = "pipy().listen({port}).connect('127.0.0.1:{backend}')"
HTTP = (
    "pipy().listen({port}).demuxHTTP('request').pipeline('request').muxHTTP('up', '').pipeline('up').connect('127.0.0.1:{backend}')"
)
SCRIPTED = HTTP.replace(".muxHTTP", ".handleMessageStart(msg => (msg.head.headers['x-seen'] = '1')).muxHTTP")
ALIVE = ".listen({other}).serveHTTP(new Message('alive'))"


def push(sock: socket.socket) -> int:
    """Send until there has been no room for a while; give how much was sent."""
    piece = bytes(MEGABYTE)
    sent = sock.send(piece)  # as soon as there is room
    sock.settimeout(STALLED)
    try:
        while sent < GIGABYTE:
            sent += sock.send(piece)
    except TimeoutError:
        pass
    sock.settimeout(PATIENCE)
    return sent


def pull(sock: socket.socket, size: int) -> None:
    """Read *size* bytes."""
    while size > 0:
        piece = sock.recv(min(size, MEGABYTE))
        assert piece, "closed too early"
        size -= len(piece)


class Relay:
    """The proxy between a client and a backend that the test plays; both have sent and got their heads."""

    def __init__(self, start_pipy, script, accepted, backend, download):
        port, self.other = free_ports(2)
        text = (script + ALIVE).format(port=port, backend=backend, other=self.other)
        self.pipy = start_pipy(text, ports=[port, self.other])
        assert ask(self.other) == ("200 OK", b"alive")
        self.idle = resident(self.pipy.pid)
        self.descriptors = descriptors(self.pipy.pid)
        self.client = connect(port)
        body = b"" if download else b"Content-Length: %d\r\n" % GIGABYTE
        self.client.sendall(b"%s / HTTP/1.1\r\nHost: h\r\n%s\r\n" % (b"GET" if download else b"PUT", body))
        if not download:
            self.client.sendall(OPENING)
        self.backend = accepted.get(timeout=PATIENCE)
        read_head(self.backend)
        if download:
            self.backend.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (GIGABYTE, OPENING))
            read_head(self.client)
        self.sender, self.receiver = (self.backend, self.client) if download else (self.client, self.backend)

    @property
    def growth(self):
        return resident(self.pipy.pid) - self.idle


@pytest.fixture
def relay(start_pipy, script, download):
    accepted: queue.Queue[socket.socket] = queue.Queue()
    done: queue.Queue[None] = queue.Queue()

    def handle(sock):
        accepted.put(sock)
        done.get()

    with serving(handle) as backend:
        relay = Relay(start_pipy, script, accepted, backend, download)
        with relay.client, relay.backend:
            yield relay
        done.put(None)


@pytest.mark.parametrize("download", [True, False], ids=["download", "upload"])
@pytest.mark.parametrize("script", [TCP, HTTP, SCRIPTED], ids=["tcp", "http", "scripted"])
def test_the_sender_is_throttled_and_the_proxy_keeps_little(relay):
    sent = push(relay.sender)
    assert sent < UNDER_WAY
    assert relay.growth < ALLOWANCE
    assert ask(relay.other) == ("200 OK", b"alive")

    pull(relay.receiver, sent - 4096)  # the last bytes may be waiting for a full segment
    more = push(relay.sender)
    assert 0 < more < UNDER_WAY
    assert relay.growth < ALLOWANCE

    relay.receiver.close()
    with pytest.raises(OSError):  # noqa: PT011  # reset or broken pipe, as the kernel likes
        while True:
            relay.sender.sendall(bytes(MEGABYTE))
    relay.sender.close()
    assert relay.growth < ALLOWANCE
    assert ask(relay.other) == ("200 OK", b"alive")
    assert "Traceback" not in relay.pipy.log


@pytest.mark.parametrize("download", [True, False], ids=["download", "upload"])
@pytest.mark.parametrize("script", [HTTP], ids=["http"])
def test_what_comes_slowly_is_passed_on_as_it_comes(relay):
    for number in range(1, 20):
        piece = bytes([number + 100]) * number
        relay.sender.sendall(piece)
        received = b""
        while piece not in received:
            more = relay.receiver.recv(MEGABYTE)
            assert more, "closed too early"
            received += more
    assert relay.growth < ALLOWANCE


#: Their answers together are twice what may be unsent on a connection.
PIPELINED = 64
BODY = "(body => pipy().listen({port}).%s)(new Data('x'.repeat(1 << 20)))"
CONSTANT = BODY % ("serveHTTP(new Message(body))" + ALIVE)
SERVED = BODY % ("serveHTTP(() => new Message(body))" + ALIVE)
DEMUXED = BODY % ("demuxHTTP('r')" + ALIVE + ".pipeline('r').replaceMessage(() => new Message(body))")
ENCODED = BODY % ("decodeHTTPRequest().replaceMessage(() => new Message(body)).encodeHTTPResponse()" + ALIVE)
PROGRAMS = {"constant": CONSTANT, "served": SERVED, "demuxed": DEMUXED, "encoded": ENCODED}


@pytest.mark.parametrize("half_closed", [False, True], ids=["open", "half-closed"])
@pytest.mark.parametrize("script", PROGRAMS.values(), ids=PROGRAMS)
def test_answers_to_requests_that_came_together_wait_for_the_client(start_pipy, script, half_closed):
    """Other clients do not; nothing of the answers is lost, and only a few are made before they can be sent."""
    port, other = free_ports(2)
    pipy = start_pipy(script.format(port=port, other=other), ports=[port, other])
    with connect(port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_answer(sock) == MEGABYTE
        idle = resident(pipy.pid)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * PIPELINED)
        if half_closed:
            sock.shutdown(socket.SHUT_WR)
        for _ in range(20):
            assert ask(other) == ("200 OK", b"alive")
        assert resident(pipy.pid) - idle < PIPELINED * MEGABYTE / 4
        for _ in range(PIPELINED):
            assert read_answer(sock) == MEGABYTE
        if half_closed:
            assert sock.recv(1) == b""
    assert "unsent" not in pipy.log


def read_answer(sock: socket.socket) -> int:
    """The size of the body of the next answer, byte by byte up to its end and no further."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += take(sock, 1)
    if b"chunked" not in head:
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return len(take(sock, length))
    size = 0
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            line += take(sock, 1)
        length = int(line, 16)
        size += length
        take(sock, length + 2)
        if length == 0:
            return size


def take(sock: socket.socket, size: int) -> bytes:
    """*size* bytes."""
    pieces, left = [], size
    while left:
        piece = sock.recv(min(left, MEGABYTE))
        assert piece, "closed too early"
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
