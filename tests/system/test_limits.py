"""The limits of a running program, with short ones: who is waited for no longer, who is refused, and that others are served meanwhile."""

import os
import re
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.system.clients import ask, connect, get, read_all, read_head
from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports

HELLO = """
pipy()
  .listen({port}, {options}).serveHTTP(new Message('hi'))
  .listen({relay}, {options}).demuxHTTP('request')
  .listen({silent}).dummy()
  .pipeline('request').muxHTTP('server', '', {{ responseTimeout: 0.4, maxPending: 2 }})
  .pipeline('server').connect('127.0.0.1:{silent}')
"""
#: Far below what the limits are by themselves: a minute and more.
SOON = 30.0
OPTIONS = "{ idleTimeout: 0.4, headerTimeout: 0.4, bodyTimeout: 0.4, writeTimeout: '0.4s', maxRequests: 5, maxHeaderCount: 5 }"


@pytest.fixture
def ports(start_pipy):
    port, relay, silent = free_ports(3)
    start_pipy(HELLO.format(port=port, relay=relay, silent=silent, options=OPTIONS), ports=[port, relay, silent])
    return port, relay


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nHo", b"408", id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", b"408", id="half a body"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"200", id="no further request"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", None, id="http2"),
    ],
)
def test_who_keeps_us_waiting_is_let_go(ports, sent, answer):
    begun = time.monotonic()
    with closing(connect(ports[0])) as client:
        client.sendall(sent)
        received = read_all(client)
        assert 0.3 < time.monotonic() - begun < SOON
        assert answer is None or received[9:12] == answer


def test_a_head_that_trickles_in_has_its_time_all_the_same(ports):
    with closing(connect(ports[0])) as client:
        begun = time.monotonic()
        client.settimeout(0.1)
        with pytest.raises((ConnectionError, TimeoutError)):
            for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 1000:
                client.sendall(bytes([byte]))
                try:
                    assert client.recv(100).startswith(b"HTTP/1.1 408")
                except TimeoutError:
                    continue
                break
            raise ConnectionError
        assert time.monotonic() - begun < SOON


def test_a_connection_has_so_many_requests(ports):
    with closing(connect(ports[0])) as client:
        assert [get(client)[0] for _ in range(5)] == ["200 OK"] * 5
        assert read_all(client) == b""


def test_a_head_has_so_many_fields(ports):
    with closing(connect(ports[0])) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"a: b\r\n" * 5 + b"\r\n")
        assert read_head(client)[0] == "HTTP/1.1 431 Request Header Fields Too Large"


def test_a_server_that_says_nothing(ports):
    begun = time.monotonic()
    assert ask(ports[1])[0] == "504 Gateway Timeout"
    assert 0.3 < time.monotonic() - begun < SOON


def test_requests_that_wait_for_one_server(ports):
    with closing(connect(ports[1])) as client:  # all at once: the first is not given up before the last has come
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" * 4)
        answers = b""
        while answers.count(b"\r\n\r\n") < 4:
            answers += client.recv(4096) or fail()
    assert re.findall(rb"^HTTP/1.1 (\d+)", answers, re.MULTILINE) == [b"504", b"504", b"504", b"503"]
    assert answers.count(b"retry-after: 5\r\n") == 1


def test_a_client_that_takes_nothing(start_pipy):
    port, admin = free_ports(2)
    script = f"pipy().listen({port}, {{ writeTimeout: 0.4 }}).serveHTTP(new Message('x'.repeat(8 << 20)))"
    start_pipy(script, ports=[port, admin], options=[f"--admin-port={admin}"])
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        deadline = time.monotonic() + PATIENCE
        while b'cause="write timeout"' not in metrics(admin) and time.monotonic() < deadline:
            time.sleep(0.1)
        with pytest.raises(ConnectionError):
            while client.recv(1 << 20):
                pass
            raise ConnectionError
    assert refusals(admin)["write timeout"] == 1


def fail() -> bytes:
    raise ConnectionError("closed too early")


def metrics(admin: int) -> bytes:
    return ask(admin, "/metrics")[1]


def refusals(admin: int) -> dict[str, int]:
    """How many were refused or cut, by cause."""
    found = re.findall(rb'^pipy_\w*refus\w*\{.*cause="([^"]+)".*\} (\d+)', metrics(admin), re.MULTILINE)
    return {cause.decode(): int(count) for cause, count in found}


def test_a_thousand_slow_clients_while_another_is_served(start_pipy):
    port, admin = free_ports(2)
    script = f"pipy().listen({port}, {{ headerTimeout: 2 }}).serveHTTP(new Message('hi'))"
    start_pipy(script, ports=[port, admin], options=[f"--admin-port={admin}"])
    with ExitStack() as stack:
        clients = []
        for _ in range(1000):
            clients.append(stack.enter_context(closing(connect(port))))
            clients[-1].sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        assert all(ask(port) == ("200 OK", b"hi") for _ in range(20))
        assert all(read_all(client).startswith(b"HTTP/1.1 408") for client in clients)
    assert refusals(admin)["header timeout"] == 1000


def test_no_more_connections_than_that(start_pipy):
    first, second = free_ports(2)
    script = f"pipy().listen({first}).serveHTTP(new Message('1')).listen({second}).serveHTTP(new Message('2'))"
    pipy = start_pipy(script, ports=[first, second], options=["--max-connections=3"])
    with ExitStack() as stack:
        one, two, three = [stack.enter_context(closing(connect(port))) for port in (first, second, first)]
        assert [get(client)[1] for client in (one, two, three)] == [b"1", b"2", b"1"]
        four = stack.enter_context(closing(connect(second)))
        four.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        four.settimeout(0.3)
        with pytest.raises(TimeoutError):
            four.recv(1)
        one.close()
        four.settimeout(PATIENCE)
        assert read_head(four)[0] == "HTTP/1.1 200 OK"
    pipy.wait_for_log("the process has 3 connections, all that it may have")


def test_memory_is_short(start_pipy):
    port, hog = free_ports(2)
    script = f"""
((kept = []) => pipy()
  .listen({port}).serveHTTP(new Message('hi'))
  .listen({hog}).replaceData(data => (kept.push(new Uint8Array(20 << 20).fill(1)), data))
)()
"""
    pipy = start_pipy(script, ports=[port, hog], options=["--memory-limit=400", "--heap-limit=1000", "--call-timeout=5"])
    with closing(connect(port)) as client, closing(connect(hog)) as pig:
        assert get(client)[0] == "200 OK"
        while memory(pipy.pid) < 0.86 * (400 << 20):
            pig.sendall(b"x")
            assert pig.recv(1) == b"x"
        pipy.wait_for_log("new requests are refused")
        with closing(connect(port)) as other:
            other.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            start, fields, _ = read_head(other)
        assert (start, fields["retry-after"]) == ("HTTP/1.1 503 Service Unavailable", "5")
        assert read_all(client) == b""  # it was idle


def memory(pid: int) -> int:
    """Bytes of physical memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_errors_that_repeat_are_counted(start_pipy):
    port, nobody = free_ports(2)
    script = f"pipy().listen({port}).demuxHTTP('r').pipeline('r').muxHTTP('c', '').pipeline('c').connect('127.0.0.1:{nobody}')"
    pipy = start_pipy(script, ports=[port], options=["--log-repeats=5"])
    assert isinstance(pipy, PipyProcess)
    for _ in range(40):
        assert ask(port)[0] == "502 Connection Refused"
    pipy.wait_for_log("more such lines")
    assert pipy.log.count("cannot connect: Connection refused") < 35
