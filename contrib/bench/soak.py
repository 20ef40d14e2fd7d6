"""Mixed load for a long time: does the memory stay flat, is every answer right?

    python contrib/bench/soak.py [--seconds 600] [--clients 8] [--warm-up 60]

Starts a backend and a proxy with scripts of its own on free ports of the loopback, and lets clients of all kinds at the proxy:
keep-alive, closing, in a hurry, slow, with large bodies, and some that leave in the middle. Prints the memory of both programs
every few seconds. Ends with 1, and a reason, if an answer was wrong, if memory or descriptors grew after the warm-up, or if
something was logged that should not be.
"""
# ruff: noqa: S311  # chance decides what clients do next

import argparse
import hashlib
import http.client
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Growth that is not a leak: fragments of freed memory, caches of the interpreter and of V8. Bytes, and descriptors.
ALLOWANCE: Final = 24 * 1024 * 1024
SPARE_DESCRIPTORS: Final = 200
#: Seconds for one answer.
PATIENCE: Final = 30.0
#: What the log may say when clients and servers leave in the middle.
HARMLESS: Final = re.compile(r"\[(INF|WRN|DBG)\]")
LARGE: Final = bytes(range(256)) * 16 * 1024  # 4 MiB

BACKEND: Final = """pipy({{ _n: 0 }})
  .listen('127.0.0.1:{backend}')
  .serveHTTP(msg => (
    _n++, new Message({{ headers: {{ 'x-n': String(_n) }} }}, msg.body.size ? msg.body : new Data('hello ' + msg.head.path))
  ))
"""
PROXY: Final = """pipy({{
  _target: '',
  _router: new algo.URLRouter({{ '/a/*': '127.0.0.1:{backend}', '/b/*': '127.0.0.1:{backend}' }}),
}})
  .listen('127.0.0.1:{proxy}').demuxHTTP('request')
  .listen('127.0.0.1:{tcp}').connect('127.0.0.1:{backend}')
  .pipeline('request')
    .handleMessageStart(msg => (_target = _router.find(msg.head.headers.host, msg.head.path), msg.head.headers['x-seen'] = 'yes'))
    .link('forward', () => Boolean(_target), 'lost')
  .pipeline('forward').muxHTTP('upstream', () => _target)
  .pipeline('upstream').connect(() => _target)
  .pipeline('lost').replaceMessage(msg => new Message({{ status: 404 }}, 'no route for ' + msg.head.path))
"""


class Program:
    """A pipy with a script, its memory and its log."""

    def __init__(self, name: str, script: str, folder: Path, port: int) -> None:
        self.name = name
        path = folder / f"{name}.js"
        path.write_text(script)
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "pipy_core", str(path)], stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE
        while f"Listening on port {port} " not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def memory(self) -> int:
        """Bytes that it shares with nobody."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return 1024 * sum(int(kilobytes) for kilobytes in re.findall(r"^Private_(?:Dirty|Clean):\s+(\d+)", rollup, re.MULTILINE))

    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def complaints(self) -> list[str]:
        """What it has logged that it should not have."""
        return [line for line in self.log.read_text().splitlines() if line and not HARMLESS.search(line)]

    def stop(self) -> int:
        """End it; the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


# -- what clients do: each function is one visit; it raises what it does not like ---------------------------------------


def polite(port: int) -> None:
    """Several requests on one connection."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for number in range(random.randint(1, 10)):
        client.request("GET", f"/a/{number}")
        expect(client.getresponse(), 200, f"hello /a/{number}".encode())
    client.close()


def closing(port: int) -> None:
    """One request with ``connection: close``."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    client.request("GET", "/b/once", headers={"connection": "close"})
    expect(client.getresponse(), 200, b"hello /b/once")
    client.close()


def lost(port: int) -> None:
    """A path that nobody serves."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    client.request("GET", "/nowhere")
    expect(client.getresponse(), 404, b"no route for /nowhere")
    client.close()


def large(port: int) -> None:
    """A large body there and back; now and then in chunks."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    body = LARGE[: random.randint(1, len(LARGE))]
    if random.random() < 0.5:
        client.request("POST", "/a/large", body)
    else:
        client.request("POST", "/a/large", pieces(body), encode_chunked=True, headers={"transfer-encoding": "chunked"})
    expect(client.getresponse(), 200, body)
    client.close()


def slow(port: int) -> None:
    """A request that comes in drops, and an answer that is read in drops."""
    with connect(port) as sock:
        for drop in pieces(b"GET /a/slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 9):
            sock.sendall(drop)
            time.sleep(0.01)
        answer = b"".join(iter(lambda: sock.recv(16), b""))
    if not answer.endswith(b"hello /a/slow"):
        raise ValueError(f"slow: {answer!r}")


def pipelining(port: int) -> None:
    """All requests at once; the answers come in order."""
    with connect(port) as sock:
        sock.sendall(b"".join(b"GET /a/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(20)))
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    seen = re.findall(rb"hello /a/(\d+)", answer)
    if seen != [b"%d" % number for number in range(20)]:
        raise ValueError(f"pipelining: {answer!r}")


def runaway(port: int) -> None:
    """Leaves before the answer, or in the middle of the question."""
    with connect(port) as sock:
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n" + random.choice([b"half", b"ha"]))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fainting(port: int) -> None:
    """Asks for much and leaves when it begins to come."""
    with connect(port) as sock:
        sock.sendall(b"POST /a/faint HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
        sock.sendall(LARGE)
        sock.recv(65536)


def silent(port: int) -> None:
    """Says nothing."""
    connect(port).close()


Visit = Callable[[int], None]
VISITS: Final[tuple[Visit, ...]] = (polite, polite, closing, lost, large, slow, pipelining, runaway, fainting, silent)


def connect(port: int) -> socket.socket:
    """A connection to the loopback."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def pieces(body: bytes, size: int = 10_000) -> Iterator[bytes]:
    """*body* in pieces."""
    return (body[at : at + size] for at in range(0, len(body), size))


def expect(response: http.client.HTTPResponse, status: int, body: bytes) -> None:
    """The answer is the right one."""
    got = response.read()
    if response.status != status or got != body:
        raise ValueError(f"{response.status} with {len(got)} bytes, {hashlib.sha256(got).hexdigest()[:8]}: {got[:60]!r}")


class Soak:
    """The clients, and what they have seen.

    :ivar visits: how many of each kind there were. :ivar failures: what was wrong.
    """

    def __init__(self, ports: list[int], clients: int) -> None:
        self.visits: Counter[str] = Counter()
        self.failures: list[str] = []
        self._ports = ports
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def _run(self, number: int) -> None:
        chosen = random.Random(number)
        while not self._over.is_set():
            visit, port = chosen.choice(VISITS), chosen.choice(self._ports)
            if visit is lost:
                port = self._ports[0]  # only the HTTP proxy has routes
            try:
                visit(port)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a failure
                self.failures.append(f"{visit.__name__}: {error!r}")
            self.visits[visit.__name__] += 1

    def start(self) -> None:
        """Let the clients in."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish its visit."""
        self._over.set()
        for thread in self._threads:
            thread.join()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, below those that outgoing connections get."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


@contextmanager
def programs(folder: Path) -> Iterator[tuple[list[Program], list[int]]]:
    """The backend and the proxy, and the ports for clients."""
    ports = dict(zip(("backend", "proxy", "tcp"), free_ports(3), strict=True))
    running: list[Program] = []
    try:
        running.append(Program("backend", BACKEND.format(**ports), folder, ports["backend"]))
        running.append(Program("proxy", PROXY.format(**ports), folder, ports["tcp"]))
        yield running, [ports["proxy"], ports["tcp"]]
    finally:
        for program in running:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()


def watch(running: list[Program], soak: Soak, seconds: float, warm_up: float) -> list[str]:
    """Print what happens until the time is over; give what is wrong."""
    begun = time.monotonic()
    before: dict[str, tuple[int, int]] = {}
    interval = min(10.0, seconds / 10)
    while (passed := time.monotonic() - begun) < seconds and not soak.failures:
        now = {each.name: (each.memory(), each.descriptors()) for each in running}
        if warm_up <= passed < (seconds + warm_up) / 2:  # what is normal is seen in the first half
            before = {name: max(figures, before.get(name, figures)) for name, figures in now.items()}
        shown = "  ".join(f"{name} {memory / 1e6:6.1f} MB {files:4} files" for name, (memory, files) in now.items())
        print(f"{passed:6.0f} s  {sum(soak.visits.values()):8} visits  {shown}", flush=True)
        time.sleep(interval)
    soak.stop()
    return soak.failures[:10] + [complaint for each in running for complaint in growth(each, before.get(each.name))]


def growth(program: Program, before: tuple[int, int] | None) -> list[str]:
    """What has grown since *before*, after the last client has left."""
    if before is None:
        return []
    found = []
    memory, files = program.memory(), program.descriptors()
    if memory > before[0] + ALLOWANCE:
        found.append(f"{program.name}: memory grew from {before[0] / 1e6:.1f} to {memory / 1e6:.1f} MB")
    if files > before[1] + SPARE_DESCRIPTORS:
        found.append(f"{program.name}: descriptors grew from {before[1]} to {files}")
    return found


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--warm-up", type=float, default=None, help="seconds; a fifth of all unless given")
    arguments = parser.parse_args()
    warm_up = arguments.seconds / 5 if arguments.warm_up is None else arguments.warm_up
    with tempfile.TemporaryDirectory() as folder, programs(Path(folder)) as (running, ports):
        soak = Soak(ports, arguments.clients)
        soak.start()
        found = watch(running, soak, arguments.seconds, warm_up)
        for program in running:
            if (code := program.stop()) != 0:
                found.append(f"{program.name} ended with {code}")
            found += [f"{program.name} logged: {line}" for line in program.complaints()[:10]]
    print("visits:", ", ".join(f"{count} {name}" for name, count in sorted(soak.visits.items())))
    for each in found:
        print("FAILED:", each)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
