"""No request is lost when the script is loaded again, nor when the program ends: counted by clients of the test's own.

Lost is a request that was sent in full and got no complete answer. One that could not be sent because nobody listens any more is not.
"""

import contextlib
import signal
import socket
import threading
import time
from collections import Counter

import pytest
from hpack import Decoder, Encoder
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, PingFrame, SettingsFrame

from tests.system.clients import KEEP_ALIVE, connect, get, read_all, read_body, read_head, read_response, serving
from tests.system.pipy_process import PATIENCE, free_port, free_ports, patient

CONSTANT = "pipy().listen({port}).serveHTTP(new Message('hi'))"
FUNCTION = "pipy().listen({port}).serveHTTP(req => new Message(req.head.path == '/' ? 'hi' : '?'))"
ROUTE = "pipy().listen({port}).demuxHTTP('answer').pipeline('answer').replaceMessage(() => new Message('hi'))"
PROXY = "pipy().listen({port}).demuxHTTP('go').pipeline('go').muxHTTP('out', '').pipeline('out').connect('127.0.0.1:{upstream}')"


class Crowd:
    """Clients in threads of their own, which ask again and again until nobody listens any more.

    :ivar lost: what became of requests that were sent and not answered. :ivar answers: how many there were of each kind.
    """

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.lost: list[str] = []
        self.answers: Counter[object] = Counter()
        self._news = threading.Condition()
        self._over = False
        self._threads = [threading.Thread(target=self._live, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _live(self) -> None:
        while not self._over:
            try:
                sock = connect(self.port)
            except OSError:  # refused, or not heard: nothing was sent
                return
            with sock:
                self.visit(sock)

    def visit(self, sock: socket.socket) -> None:
        """Ask until the server wants no more."""
        goes_on = True
        while goes_on and not self._over:
            try:
                sock.sendall(KEEP_ALIVE % b"/")
                start, fields, body = read_head(sock)
                body = read_body(sock, fields, body)
            except OSError as error:
                self.lost.append(repr(error))
                return
            goes_on = fields["connection"] == "keep-alive"
            self.count((start, body, fields["connection"]))

    def count(self, *answers: object) -> None:
        """Some more that have come."""
        with self._news:
            self.answers.update(answers)
            self._news.notify_all()

    def wait_for(self, count: int) -> None:
        """Until there have been so many answers."""
        with self._news:
            assert self._news.wait_for(lambda: self.answers.total() >= count, PATIENCE), self.lost

    def leave(self) -> None:
        """Let them finish."""
        self._over = True
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


class Hasty(Crowd):
    """Clients that make a connection for each request."""

    def visit(self, sock: socket.socket) -> None:
        """See ``Crowd``."""
        try:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            received = read_all(sock)
        except OSError as error:
            self.lost.append(repr(error))
            return
        if received.endswith(b"\r\n\r\nhi"):
            self.count(received.partition(b"\r\n")[0])
        else:
            self.lost.append(repr(received))


class Streams:
    """One connection over HTTP/2.

    :ivar waiting: streams that are not answered. :ivar told: GOAWAY has come. :ivar statuses: what came.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._encoder, self._decoder = Encoder(), Decoder()
        self._following = 1
        self._received = b""
        self.waiting: set[int] = set()
        self.told = False
        self.statuses: list[str] = []
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize())

    def ask(self) -> None:
        """Begin one more."""
        block = self._encoder.encode([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")])
        self._sock.sendall(HeadersFrame(self._following, block, flags=["END_STREAM", "END_HEADERS"]).serialize())
        self.waiting.add(self._following)
        self._following += 2

    def read(self) -> None:
        """What comes next, and what is complete of it."""
        self._received += self._sock.recv(65536) or fail()
        while len(self._received) >= 9:
            frame, size = Frame.parse_frame_header(memoryview(self._received[:9]))
            if len(self._received) < 9 + size:
                break
            frame.parse_body(memoryview(self._received[9 : 9 + size]))
            self._received = self._received[9 + size :]
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, GoAwayFrame):
            self.told = True
            self.waiting = {number for number in self.waiting if number <= frame.last_stream_id}  # the others are not dealt with
        elif isinstance(frame, PingFrame) and "ACK" not in frame.flags:
            self._sock.sendall(PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize())
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self._sock.sendall(SettingsFrame(0, flags=["ACK"]).serialize())
        elif isinstance(frame, HeadersFrame):
            self.statuses.append(dict(self._decoder.decode(frame.data))[":status"])
        if "END_STREAM" in frame.flags:
            self.waiting.discard(frame.stream_id)


class Multiplexing(Crowd):
    """Clients that speak HTTP/2, with several streams at the same time."""

    def visit(self, sock: socket.socket) -> None:
        """See ``Crowd``. Streams that GOAWAY names as not dealt with are not lost."""
        streams = Streams(sock)
        try:
            while not streams.told and not self._over:
                while len(streams.waiting) < 4:
                    streams.ask()
                streams.read()
            while streams.waiting:
                streams.read()
        except OSError as error:
            self.lost += [f"{error!r}: {number}" for number in streams.waiting]
        self.count(*streams.statuses)


def fail() -> bytes:
    raise ConnectionError("closed before the answer was complete")


def reload(pipy, times: int) -> None:
    """Load the script again, again and again, and see that it has been."""
    for _ in range(times):
        done = pipy.log.count("Codebase reloaded")
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Codebase reloaded", times=done + 1)


def answer_all(sock: socket.socket) -> None:
    """A plain upstream."""
    received = b""
    while data := sock.recv(65536):
        *requests, received = (received + data).split(b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" * len(requests))


class TestUnderLoad:
    @pytest.mark.parametrize("script", [CONSTANT, FUNCTION, ROUTE, PROXY], ids=["constant", "function", "route", "proxy"])
    def test_reloads_and_the_end(self, start_pipy, script, tmp_path):
        port = free_port()
        with serving(answer_all) as upstream:
            pipy = start_pipy(script.format(port=port, upstream=upstream), ports=[port], environment=patient(tmp_path))
            crowd = Crowd(port, 8)
            reload(pipy, 6)
            pipy.signal(signal.SIGTERM)
            assert pipy.wait() == 0
            crowd.leave()
        assert crowd.lost == []
        assert {(start, body) for start, body, _ in crowd.answers} == {("HTTP/1.1 200 OK", b"hi")}
        assert crowd.answers["HTTP/1.1 200 OK", b"hi", "close"] >= 8
        assert "had to be cut" not in pipy.log

    def test_the_end_of_a_program_that_is_its_own_upstream(self, start_pipy, tmp_path):
        port, upstream = free_ports(2)
        script = PROXY.format(port=port, upstream=upstream) + f".listen({upstream}).serveHTTP(new Message('hi'))"
        pipy = start_pipy(script, ports=[port, upstream], environment=patient(tmp_path))
        crowd = Crowd(port, 8)
        crowd.wait_for(200)
        pipy.signal(signal.SIGTERM)
        assert pipy.wait() == 0
        crowd.leave()
        assert crowd.lost == []
        assert {(start, body) for start, body, _ in crowd.answers} == {("HTTP/1.1 200 OK", b"hi")}
        assert "had to be cut" not in pipy.log

    @pytest.mark.parametrize("options", [[], ["--threads=2"]], ids=["alone", "workers"])
    def test_a_new_connection_to_itself_while_it_ends(self, start_pipy, tmp_path, options):
        port, upstream = free_ports(2)
        script = PROXY.format(port=port, upstream=upstream) + f".listen({upstream}).serveHTTP(msg => new Message('hi' + msg.body))"
        pipy = start_pipy(script, ports=[port, upstream], options=options, environment=patient(tmp_path))
        with contextlib.ExitStack() as open_ones:
            clients = [open_ones.enter_context(connect(port)) for _ in range(8)]
            for client in clients:  # so it is busy; but there is nothing to be sent on yet
                client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
            pipy.signal(signal.SIGTERM)
            for number in (port, upstream):
                pipy.wait_for_log(f"Stopped listening on port {number}")
            for client in clients:
                client.sendall(b"!")
            for client in clients:
                assert read_response(client) == ("200 OK", b"hi!")
        assert pipy.wait() == 0
        assert "had to be cut" not in pipy.log
        assert "[ERR]" not in pipy.log

    def test_connections_that_are_made_while_the_port_is_closed(self, start_pipy, tmp_path):
        port = free_port()
        pipy = start_pipy(CONSTANT.format(port=port), ports=[port], environment=patient(tmp_path))
        crowd = Hasty(port, 16)
        crowd.wait_for(200)
        pipy.signal(signal.SIGTERM)
        assert pipy.wait() == 0
        crowd.leave()
        assert crowd.lost == []
        assert set(crowd.answers) == {b"HTTP/1.1 200 OK"}

    @pytest.mark.parametrize("script", [FUNCTION, ROUTE], ids=["function", "route"])
    def test_http2(self, start_pipy, script, tmp_path):
        port = free_port()
        pipy = start_pipy(script.format(port=port), ports=[port], environment=patient(tmp_path))
        crowd = Multiplexing(port, 4)
        reload(pipy, 5)
        pipy.signal(signal.SIGTERM)
        assert pipy.wait() == 0
        crowd.leave()
        assert crowd.lost == []
        assert set(crowd.answers) == {"200"}


class TestIdleClients:
    def test_one_that_asks_after_the_end_was_announced_is_answered(self, start_pipy, tmp_path):
        port = free_port()
        pipy = start_pipy(CONSTANT.format(port=port), ports=[port], environment=patient(tmp_path))
        with connect(port) as used, connect(port) as fresh:
            assert get(used) == ("200 OK", b"hi")
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 2 connections")
            for client in (used, fresh):
                client.sendall(KEEP_ALIVE % b"/")
                _, fields, _ = read_head(client)
                assert fields["connection"] == "close"
                assert read_all(client) == b""
        assert pipy.wait() == 0

    def test_those_that_ask_for_nothing_do_not_hold_it_up(self, start_pipy):
        port = free_port()
        pipy = start_pipy(ROUTE.format(port=port), ports=[port])
        with connect(port) as used, connect(port) as fresh:
            assert get(used) == ("200 OK", b"hi")
            begun = time.monotonic()
            pipy.signal(signal.SIGTERM)
            assert read_all(used) == read_all(fresh) == b""  # closed, not reset
            assert 0.9 < time.monotonic() - begun < 20  # those that are busy have 30 s
            assert pipy.wait() == 0

    def test_requests_that_were_sent_together_are_all_answered(self, start_pipy):
        port, seen = free_port(), threading.Event()

        def slow(sock: socket.socket) -> None:
            while sock.recv(65536):
                seen.set()
                release.wait(PATIENCE)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        release = threading.Event()
        with serving(slow) as upstream:
            pipy = start_pipy(PROXY.format(port=port, upstream=upstream), ports=[port])
            client = connect(port)
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" * 3)
            assert seen.wait(PATIENCE)
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 1 connections")
            release.set()
            received = read_all(client)
            assert received.count(b"\r\n\r\nhi") == 3
            assert received.count(b"connection: close") == 1
            client.close()
            assert pipy.wait() == 0


class TestWhatIsCut:
    """Nothing is waited for for ever."""

    def test_at_the_end(self, start_pipy):
        port, held = free_port(), threading.Event()
        with serving(lambda sock: (sock.recv(1000), held.set(), sock.recv(1000))) as upstream:
            pipy = start_pipy(PROXY.format(port=port, upstream=upstream), ports=[port], options=["--shutdown-timeout=1"])
            with connect(port) as client:
                client.sendall(KEEP_ALIVE % b"/")
                assert held.wait(PATIENCE)
                pipy.signal(signal.SIGTERM)
                pipy.wait(PATIENCE)
            pipy.wait_for_log(r"\[WRN\] \[shutdown\] 1 connections had to be cut")

    def test_of_an_older_generation(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", ports=[port], options=["--drain-timeout=1"])
        with connect(port) as old:
            old.sendall(b"x")
            assert old.recv(1) == b"x"
            reload(pipy, 1)
            with connect(port) as new:
                new.sendall(b"x")
                assert new.recv(1) == b"x"
                with contextlib.suppress(ConnectionResetError):
                    assert read_all(old) == b""
                pipy.wait_for_log(r"\[WRN\] \[listener\] 1 connections of generation \d+ had to be cut")
                new.sendall(b"y")
                assert new.recv(1) == b"y"
