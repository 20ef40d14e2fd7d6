"""Servers that die and come back, names with a dead address, clients that ask too often: what clients of a proxy see of it."""

import signal
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.system.clients import KEEP_ALIVE, ask, connect, get, read_all, read_head, read_response, serving
from tests.system.pipy_process import PATIENCE, free_port, free_ports

#: A retry may choose a dead server again until that is left out, which is after three bad answers: so there are more tries.
PROXY = """
((
  targets = {targets},
  health = new algo.Health(targets, {{ name: 'service', failures: 3, fall: 2, rise: 2 }}),
  balancer = new algo.RoundRobinLoadBalancer(targets, health),
) => pipy({{ _target: '' }})
  .listen({port})
  .demuxHTTP('request')
  .task('0.2s')
  .checkHealth(health, {{ path: '/ping', timeout: '{check}' }})
  .pipeline('request')
  .retryHTTP('try', {{ attempts: 5, budget: {{ percent: 100, minPerSecond: 100 }}, name: 'service' }})
  .pipeline('try')
  .handleMessageStart(() => _target = balancer.select())
  .observeHealth('send', health, () => _target, {{ timeout: '{patience}' }})
  .pipeline('send')
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)
)()
"""
SERVER = "pipy().listen({port}).serveHTTP(() => new Message('{port}'))"


class Load:
    """Clients that ask one request after the other until they are told to stop, *of_connection* of them over a connection."""

    of_connection = 5_000  # fewer than after which the proxy closes it

    def __init__(self, port, clients=8):
        self.port = port
        self.answers = Counter()
        self.recent = Counter()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        try:
            while not self.stopped.is_set():
                with connect(self.port) as sock:
                    for _ in range(self.of_connection):
                        answer = get(sock)
                        self.answers[answer] += 1
                        self.recent[answer] += 1
                        if self.stopped.is_set():
                            break
        except OSError as error:
            self.answers["lost", repr(error)] += 1

    def wait_for(self, condition):
        """Until *condition* is true of the answers that have come since this was asked for."""
        self.recent = Counter()
        deadline = time.monotonic() + PATIENCE
        while not condition(self.recent):
            assert time.monotonic() < deadline, f"only: {self.answers}"
            time.sleep(0.01)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        return self.answers


@pytest.fixture
def service(start_pipy, tmp_path):
    """A proxy with two servers: ``start(port)`` starts one of them."""

    class Service:
        port, *servers = free_ports(3)

        def start(self, server):
            directory = tmp_path / f"{server}-{time.monotonic_ns()}"
            directory.mkdir()
            return start_pipy(SERVER.format(port=server), directory=directory, ports=[server])

    service = Service()
    service.first, service.second = (service.start(server) for server in service.servers)
    targets = [f"localhost:{server}" for server in service.servers]
    script = PROXY.format(port=service.port, targets=targets, check="30s", patience="30s")
    service.proxy = start_pipy(script, ports=[service.port])
    return service


def from_server(port):
    return ("200 OK", str(port).encode())


def test_servers_die_and_come_back_and_no_client_notices(service):
    first, second = service.servers
    load = Load(service.port)
    load.wait_for(lambda recent: recent[from_server(first)] > 50 and recent[from_server(second)] > 50)
    for _ in range(2):
        service.first.kill()
        load.wait_for(lambda recent: recent[from_server(second)] > 100)
        service.first = service.start(first)
        load.wait_for(lambda recent: recent[from_server(first)] > 50)
    service.second.kill()
    load.wait_for(lambda recent: recent[from_server(first)] > 100)
    answers = load.stop()
    assert set(answers) == {from_server(first), from_server(second)}
    service.proxy.wait_for_log(r"\[WRN\] \[health\] service: localhost:\d+ is (down|left out)")
    assert "Traceback" not in service.proxy.log


def test_a_server_that_hangs_is_left_out(start_pipy):
    asked = []

    def hang(sock):
        asked.append(read_head(sock)[0].split()[1])
        threading.Event().wait(PATIENCE)

    def answer(sock):
        while True:
            read_head(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    with serving(hang) as hanging, serving(answer) as answering:
        port = free_port()
        targets = [f"localhost:{hanging}", f"localhost:{answering}"]
        start_pipy(PROXY.format(port=port, targets=targets, check="2s", patience="4s"), ports=[port])
        assert [ask(port) for _ in range(10)] == [("200 OK", b"hi")] * 10
    assert asked  # if only by the checks: they may have been faster
    assert asked.count("/") <= 3


class TestRate:
    def test_who_asks_too_often_is_told_when_to_come_again(self, start_pipy):
        port = free_port()
        start_pipy(
            f"pipy().listen({port}).demuxHTTP('limited')"
            ".pipeline('limited').limitRate('request', () => __inbound.remoteAddress, { rate: 5, per: '1m' })"
            ".pipeline('request').replaceMessage(new Message('hi'))",
            ports=[port],
        )
        with connect(port) as sock:
            assert [get(sock)[0] for _ in range(7)] == ["200 OK"] * 5 + ["429 Too Many Requests"] * 2
        with connect(port) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            start, fields, _ = read_head(sock)
            assert start == "HTTP/1.1 429 Too Many Requests"
            assert 1 <= int(fields["retry-after"]) <= 12
            assert get(sock)[0] == "429 Too Many Requests"

    def test_connections_too_many_are_closed(self, start_pipy):
        port = free_port()
        start_pipy(
            f"pipy().listen({port}).limitRate('echo', () => __inbound.remoteAddress, {{ rate: 2, per: '1m' }}).pipeline('echo')",
            ports=[port],
        )
        echoed = []
        for _ in range(3):
            with connect(port) as sock:
                sock.sendall(b"hi")
                echoed.append(sock.recv(10))
        assert echoed == [b"hi", b"hi", b""]


#: The program, but names are what the test says.
PROGRAM = """
import socket, sys
from pipy_core.net import dial
def choose(_reactor):
    return lambda host: ([(socket.AF_INET6, "::1", (0, 0)), (socket.AF_INET, "127.0.0.1", ())], 60.0)
dial.choose = choose
from pipy_core.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("manner", ["silent", "refuses"])
def test_a_dead_ipv6_address_costs_little(start_pipy, manner):
    with ExitStack() as stack:
        server = stack.enter_context(serving(lambda sock: sock.sendall(b"hello")))
        dead = stack.enter_context(socket.socket(socket.AF_INET6))
        try:
            dead.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            dead.bind(("::1", server))
        except OSError:
            pytest.skip("no IPv6 here")
        if manner == "silent":
            dead.listen(0)
            for _ in range(4):  # its backlog is full
                filler = stack.enter_context(socket.socket(socket.AF_INET6))
                filler.setblocking(False)
                filler.connect_ex(("::1", server))
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port}).connect('both.test:{server}')", program=("-c", PROGRAM), ports=[port])
        with connect(port) as sock:
            begun = time.monotonic()
            sock.sendall(b"x")
            assert sock.recv(10) == b"hello"
            assert time.monotonic() - begun < 20.0  # an attempt to connect has a minute
        if manner == "refuses":
            pipy.wait_for_log("cannot connect: Connection refused")
        else:
            assert "cannot connect: Connection refused" not in pipy.log


HELD_UP = """
((health) => pipy()
  .listen({retry}).demuxHTTP('retry')
  .listen({observe}).demuxHTTP('observe')
  .pipeline('retry').retryHTTP('send', {{ attempts: 1, perTryTimeout: '4s' }})
  .pipeline('observe').observeHealth('send', health, () => 'service', {{ timeout: '4s' }})
  .pipeline('send').muxHTTP('upstream', () => __inbound.localPort)
  .pipeline('upstream').connect('127.0.0.1:{server}')
)(new algo.Health(['service']))
"""


def test_an_answer_that_came_while_the_proxy_was_held_up_came_in_time(start_pipy):
    asked, paused = threading.Semaphore(0), threading.Event()

    def answer(sock):
        read_head(sock)
        asked.release()
        paused.wait(PATIENCE)
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        read_all(sock)

    ports = free_ports(2)
    with serving(answer) as server, ExitStack() as stack:
        pipy = start_pipy(HELD_UP.format(retry=ports[0], observe=ports[1], server=server), ports=ports)
        clients = [stack.enter_context(connect(port)) for port in ports]
        for client in clients:
            client.sendall(KEEP_ALIVE % b"/")
            assert asked.acquire(timeout=PATIENCE)
        pipy.signal(signal.SIGSTOP)
        paused.set()
        time.sleep(4.5)
        pipy.signal(signal.SIGCONT)
        assert [read_response(client) for client in clients] == [("200 OK", b"hi")] * 2
