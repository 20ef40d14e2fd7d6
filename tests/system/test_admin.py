"""The admin port: metrics of a running program, through reloads, until its end."""

import http.client
import re
import signal
import time

import pytest

from tests.system.clients import ask, connect
from tests.system.pipy_process import PATIENCE, free_port, free_ports

#: Connections that end with the test.
OPEN = []

SCRIPT = """
((hits) => pipy()
  .listen({port})
  .serveHTTP(() => (hits.increase(), new Message('{text}')))
)(new stats.Counter('hits'))
"""


class Client:
    """One connection, kept alive."""

    def __init__(self, port, host="127.0.0.1"):
        self.connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        OPEN.append(self.connection)

    def ask(self, path, method="GET"):
        self.connection.request(method, path)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read().decode()


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPEN:
        OPEN.pop().close()


def metrics(client):
    status, _, text = client.ask("/metrics")
    assert status == 200
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def wait_for(client, name, value):
    """Look again and again until a figure is *value*."""
    deadline = time.monotonic() + PATIENCE
    while metrics(client)[name] != value:
        assert time.monotonic() < deadline


@pytest.fixture
def site(start_pipy):
    port, admin = free_ports(2)
    process = start_pipy(SCRIPT.format(port=port, text="one"), options=[f"--admin-port={admin}"], ports=[port, admin])
    return process, Client(port), Client(admin), port


def test_figures(site):
    _, client, admin, port = site
    assert client.ask("/")[2] == "one"
    found = metrics(admin)
    assert found["hits"] == "1"
    assert found["pipy_inb_cnt"] == "2"
    assert found[f'pipy_inb_cnt{{listen="{port}@0.0.0.0"}}'] == "1"
    assert found[f'pipy_inb_cnt{{listen="{port}@0.0.0.0",peer="127.0.0.1"}}'] == "1"
    assert found['pipy_inb_cnt{listen="Admin Service"}'] == "1"
    assert found["pipy_out_cnt"] == "0"
    assert found["pipy_ppl_cnt"] == "1"
    client.connection.close()
    wait_for(admin, "pipy_inb_cnt", "1")
    wait_for(admin, "pipy_ppl_cnt", "0")


def test_outbound_connections(start_pipy):
    server, proxy, admin = free_ports(3)
    start_pipy(
        f"pipy().listen({server}).serveHTTP(new Message('up')).listen({proxy}).connect('127.0.0.1:{server}')",
        options=[f"--admin-port={admin}"],
        ports=[server, proxy, admin],
    )
    client, looker = Client(proxy), Client(admin)
    assert client.ask("/")[2] == "up"
    assert metrics(looker)[f'pipy_out_cnt{{peer="[127.0.0.1]:{server}"}}'] == "1"
    client.connection.close()
    wait_for(looker, "pipy_out_cnt", "0")


def test_pages_and_methods(site):
    _, _, admin, _ = site
    status, fields, body = admin.ask("/metrics", "HEAD")
    assert (status, body) == (200, "")
    assert int(fields["content-length"]) > 100
    assert admin.ask("/nowhere")[0] == 404
    assert admin.ask("/metrics?x=y")[0] == 200


def test_reloads_leave_it_alone(site, tmp_path):
    process, client, admin, port = site
    client.ask("/")
    assert metrics(admin)["hits"] == "1"
    (tmp_path / "main.js").write_text("new stats.Counter('hits').increase(99), oops(")
    process.signal(signal.SIGHUP)
    process.wait_for_log("Failed reloading")
    client.ask("/")
    assert metrics(admin)["hits"] == "2"
    (tmp_path / "main.js").write_text(SCRIPT.format(port=port, text="two"))
    process.signal(signal.SIGHUP)
    process.wait_for_log("Codebase reloaded")
    client.connection.close()
    assert client.ask("/")[2] == "two"
    assert metrics(admin)["hits"] == "1"


def test_it_does_not_keep_the_program_from_ending(site):
    process, client, admin, _ = site
    client.ask("/")
    metrics(admin)
    assert process.stop() == 0
    assert "Traceback" not in process.log


def test_a_port_that_is_taken(start_pipy):
    port, admin = free_ports(2)
    start_pipy(SCRIPT.format(port=port, text="one"), options=[f"--admin-port={admin}"], ports=[admin])
    second = start_pipy(SCRIPT.format(port=free_port(), text="two"), options=[f"--admin-port={admin}"])
    assert second.wait() == 1
    assert re.search(rf"Cannot start listening on port {admin} at 127.0.0.1", second.log)


def test_an_address(start_pipy):
    port, admin = free_ports(2)
    start_pipy(SCRIPT.format(port=port, text="one"), options=[f"--admin-port=127.0.0.2:{admin}"], ports=[admin])
    assert metrics(Client(admin, "127.0.0.2"))
    with pytest.raises(OSError, match="refused"):
        Client(admin).ask("/metrics")


@pytest.mark.parametrize("options", [[], ["--threads=2"]])
def test_it_tells_of_the_end_while_connections_finish(start_pipy, options):
    port, admin = free_ports(2)
    pipy = start_pipy(f"pipy().listen({port})", options=[*options, f"--admin-port={admin}"], ports=[port, admin])
    with connect(port) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        pipy.signal(signal.SIGTERM)
        pipy.wait_for_log("Waiting for remaining 1 connections")
        assert ask(admin, "/readyz")[0] == "503 Service Unavailable"
        assert ask(admin, "/healthz")[0] == "200 OK"
    assert pipy.wait() == 0
