"""The story Pipy is accepted by: the proxy that the tutorial ends with, on real sockets."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.pipy_process import PATIENCE, PipyProcess, free_port
from tests.tutorial.workspace import Workspace

PROXY = "09-connection-pool"
SERVICES = "02-echo/hello.js"
HI = b"Hi, there!\n"
HI_FROM_THE_OTHER = b"You are requesting /hi from 127.0.0.1\n"


class Site:
    """The proxy, the services behind it, and clients; all end with the test."""

    def __init__(self, directory: Path) -> None:
        self._running = ExitStack()
        self.workspace = Workspace(directory)

    def start_proxy(self) -> PipyProcess:
        return self._running.enter_context(self.workspace.start(f"{PROXY}/proxy.js", 8000))

    def start_services(self) -> PipyProcess:
        return self._running.enter_context(self.workspace.start(SERVICES, 8080, 8081, 8082))

    def client(self) -> "Client":
        client = Client(self.workspace.ports[8000])
        self._running.callback(client.close)
        return client

    def set_targets(self, **services: list[str]) -> None:
        path = self.workspace.directory / "tutorial" / PROXY / "config" / "balancer.json"
        config = json.loads(path.read_text("utf-8"))
        config["services"].update(services)
        path.write_text(json.dumps(config), "utf-8")

    def close(self) -> None:
        self._running.close()


class Client:
    """One connection to the proxy, kept alive: if the proxy closed it the next request would fail."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._connection.connect()
        self._connection.auto_open = 0

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Status, reason and body."""
        self._connection.request("GET" if body is None else "POST", path, body)
        response = self._connection.getresponse()
        return response.status, response.reason, response.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def test_a_path_nobody_handles(site):
    site.start_proxy()
    assert site.client().ask("/") == (404, "Not Found", b"No handler found")


def test_nobody_behind_the_proxy(site):
    proxy = site.start_proxy()
    client = site.client()
    for path in ("/hi", "/echo", "/ip/a"):
        assert client.ask(path) == (502, "Connection Refused", b"")
    assert client.ask("/") == (404, "Not Found", b"No handler found")
    assert "Traceback" not in proxy.log


def test_every_route_answers(site):
    site.start_services()
    site.start_proxy()
    client = site.client()
    assert client.ask("/hi")[2] in {HI, HI_FROM_THE_OTHER}
    assert client.ask("/echo", b"Anybody home?") == (200, "OK", b"Anybody home?")
    assert client.ask("/ip") == (200, "OK", b"You are requesting /ip from 127.0.0.1\n")
    assert client.ask("/ip/a?b=c") == (200, "OK", b"You are requesting /ip/a?b=c from 127.0.0.1\n")
    assert client.ask("/echo/") == (404, "Not Found", b"No handler found")


def test_a_large_body_comes_back_as_it_was(site):
    site.start_services()
    site.start_proxy()
    body = bytes(range(256)) * 4096
    assert site.client().ask("/echo", body) == (200, "OK", body)


def test_clients_take_turns_and_keep_their_target(site):
    site.start_services()
    site.start_proxy()
    seen = []
    for _ in range(4):
        client = site.client()
        first, second = client.ask("/hi")[2], client.ask("/hi")[2]
        assert first == second
        seen.append(first)
    assert seen == [HI, HI_FROM_THE_OTHER, HI, HI_FROM_THE_OTHER]


def test_services_that_come_back_are_found_again(site):
    services = site.start_services()
    site.start_proxy()
    client = site.client()
    assert client.ask("/ip")[0] == 200
    assert services.stop() == 0
    assert client.ask("/ip") == (502, "Connection Refused", b"")
    site.start_services()
    assert client.ask("/ip")[0] == 200


def test_changed_targets_count_from_the_next_start(site):
    site.start_services()
    proxy = site.start_proxy()
    site.set_targets(hi=[f"localhost:{site.workspace.ports[8081]}"])
    assert site.client().ask("/hi", b"before")[2] in {HI, HI_FROM_THE_OTHER}
    assert proxy.stop() == 0
    site.start_proxy()
    for _ in range(3):
        assert site.client().ask("/hi", b"after") == (200, "OK", b"after")


def test_connections_are_private_while_used_and_pooled_afterwards(site, start_pipy):
    port = free_port()
    start_pipy(f"pipy().listen({port}).serveHTTP(() => new Message(String(__inbound.id)))", ports=[port])
    site.set_targets(hi=[f"localhost:{port}"])
    site.start_proxy()
    together = [site.client() for _ in range(3)]
    used = [client.ask("/hi")[2] for client in together]
    assert len(set(used)) == 3
    assert [client.ask("/hi")[2] for client in together] == used
    for client in together:
        client.close()
    afterwards = set()
    for _ in range(10):
        client = site.client()
        afterwards.add(client.ask("/hi")[2])
        client.close()
    assert afterwards <= set(used)


def test_the_proxy_ends_well_while_clients_are_connected(site):
    site.start_services()
    proxy = site.start_proxy()
    client = site.client()
    assert client.ask("/hi")[0] == 200
    assert proxy.stop() == 0
    assert "Traceback" not in proxy.log
