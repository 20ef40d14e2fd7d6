"""Do normal clients notice when others attack? Their p99, the memory, and what the metrics say of each attack.

    python contrib/bench/abuse.py [--pipy COMMAND] [--threads 2] [--seconds 15] [--only slowloris,idle,...] [--memory-limit 1024]

Starts Pipy on free ports of the loopback. A client in a process of its own asks a hundred times a second, a tenth of that on new
connections, first alone, then during each attack, and tells how long the answers took. The attackers would have machines of
their own: here they have the lowest priority (nice 19), so that what is measured is what they cost Pipy. Before Pipy and the
client come the other programs of the machine: measure when it is quiet, or as root, when both get a higher priority than usual.
The attacks are bounded in count and time:

    slowloris   5,000 connections whose request never ends, a line every two seconds; all are dropped at once in the end
    idle        10,000 connections that have asked once and stay; they too
    upload      eight uploads without end to an upstream that reads next to nothing
    header      request heads of 128 KiB, 200 a second
    bomb        compressed bodies, 1 MiB of zeros for each KiB, 20 a second
    reset       HTTP/2 streams that are opened and reset as fast as they are taken

Ends with 1 if during an attack the p99 was more than twice that of before (and more than 5 ms), if a normal request failed, if the
memory went beyond its limit, or if an attack left no trace in /metrics.
"""

import argparse
import asyncio
import contextlib
import json
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hpack
from hyperframe.frame import HeadersFrame, RstStreamFrame, SettingsFrame

PATIENCE: Final = 30.0
#: Priorities: of the program and the normal client, where that is allowed, and of the attackers.
HURRY: Final = ("nice", "-n", "-10")
YIELD: Final = ("nice", "-n", "19")
#: Seconds that the normal client goes on when an attack has ended; seconds between two looks at the metrics.
AFTER: Final = 2.0
LOOK: Final = 2.0
#: Requests a second of the normal client.
RATE: Final = 100
#: Connections that an attacker opens in a second, and at once; seconds between two lines of a slow request.
NEW: Final = 1000
BURST: Final = 10
PACE: Final = 2.0
#: Seconds below which a p99 is never a reason to complain.
NOISE: Final = 0.005

SCRIPT: Final = """pipy({{ _path: '' }})
  .listen('127.0.0.1:{port}').demuxHTTP('request')
  .listen('127.0.0.1:{backend}').serveHTTP(new Message('hello'))
  .listen('127.0.0.1:{zip}').demuxHTTP('unpack')
  .pipeline('request')
    .handleMessageStart(msg => _path = msg.head.path)
    .link('slow', () => _path === '/slow', 'fast')
  .pipeline('fast').muxHTTP('backend', '')
  .pipeline('backend').connect('127.0.0.1:{backend}')
  .pipeline('slow').muxHTTP('snail', () => ({{}}))
  .pipeline('snail').connect('127.0.0.1:{snail}')
  .pipeline('unpack').decompressHTTP().muxHTTP('backend', '')
"""


@dataclass(frozen=True)
class Targets:
    """What there is to attack.

    :ivar port: a proxy. :ivar zip: one that decompresses bodies.
    """

    port: int
    zip: int


class Site:
    """The program, its ports, and a server that hardly reads."""

    def __init__(self, command: list[str], folder: Path, memory_limit: int, threads: int) -> None:
        self.port, backend, self.zip, self.admin = _free_ports(4)
        self.snail = socket.create_server(("127.0.0.1", 0), backlog=64)
        ports = {"port": self.port, "backend": backend, "zip": self.zip, "snail": self.snail.getsockname()[1]}
        (folder / "main.js").write_text(SCRIPT.format(**ports))
        options = [f"--admin-port={self.admin}", f"--memory-limit={memory_limit}", "--header-timeout=5", "--log-level=error"]
        options.append(f"--threads={threads}")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            words = [*HURRY, *command, *options, str(folder / "main.js")]
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                if self.figures()["pipy_ready"]:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pipy did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def memory(self) -> int:
        """Resident bytes of the largest of its processes: each has the limit."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text()) for each in (pid, *children)]
        return max(int(each[1]) * 1024 for each in found if each)

    def figures(self) -> dict[str, float]:
        """Its metrics, by name and labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


# -- the normal client, in a process of its own ---------------------------------------------------------------------------


async def _ask(port: int, seconds: float) -> tuple[list[float], int]:
    """Ask on a new connection every now and then; give the times, and how many requests failed."""
    times: list[float] = []
    failed = 0
    reader = writer = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            if reader is None or writer is None or len(times) % 10 == 0:
                if writer is not None:
                    writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"hello"), PATIENCE)
            failed += not answer.startswith(b"HTTP/1.1 200")
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            failed += 1
            reader = writer = None
        times.append(time.monotonic() - begun)
        await asyncio.sleep(max(0.0, 1 / RATE - times[-1]))
    return times, failed


def measure(port: int, seconds: float) -> subprocess.Popen[str]:
    """Start the normal client."""
    words = [*HURRY, sys.executable, __file__, f"--ask={port}", f"--seconds={seconds}"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


# -- the attacks ------------------------------------------------------------------------------------------------------------


async def _hold(port: int, count: int, first: bytes, then: bytes, seconds: float) -> None:
    """Open *count* connections, send *first* on each, and *then* every two seconds; drop them all at once in the end."""
    end = time.monotonic() + seconds
    opened: list[socket.socket] = []
    loop = asyncio.get_running_loop()
    try:
        for number in range(count):
            sock = socket.socket()
            sock.setblocking(False)
            opened.append(sock)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            sock.send(first)
            if number % BURST == BURST - 1:
                await asyncio.sleep(BURST / NEW)
        while time.monotonic() < end:
            for number, sock in enumerate(opened):
                with contextlib.suppress(OSError):
                    sock.send(then)
                if number % BURST == BURST - 1:
                    await asyncio.sleep(PACE * BURST / count)
            if not then:
                await asyncio.sleep(PACE)
    finally:
        for sock in opened:
            sock.close()


async def slowloris(site: Targets, seconds: float) -> None:
    """Requests that never end."""
    await _hold(site.port, 5000, b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n", seconds)


async def idle(site: Targets, seconds: float) -> None:
    """Connections that have asked once."""
    await _hold(site.port, 10_000, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"", seconds)


async def upload(site: Targets, seconds: float) -> None:
    """Bodies without end for a server that does not read."""

    async def one() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(8))), seconds)


async def _repeat(rate: float, seconds: float, once: Callable[[], Awaitable[None]]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await once()
        await asyncio.sleep(1 / rate)


async def _send(port: int, content: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def header(site: Targets, seconds: float) -> None:
    """Heads that are far too large."""
    head = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"y" * 1000) for n in range(128)) + b"\r\n"
    await _repeat(200, seconds, lambda: _send(site.port, head))


async def bomb(site: Targets, seconds: float) -> None:
    """Small bodies that become large ones."""
    squeeze = zlib.compressobj(wbits=31)
    body = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(256)) + squeeze.flush()
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    await _repeat(20, seconds, lambda: _send(site.zip, head + body))


async def reset(site: Targets, seconds: float) -> None:
    """HTTP/2 streams that are reset as soon as they are there."""
    fields = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")]

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame().serialize())
        encoder = hpack.Encoder()
        for stream in range(1, 20_001, 2):
            writer.write(
                HeadersFrame(stream, encoder.encode(fields), flags=["END_HEADERS", "END_STREAM"]).serialize()
                + RstStreamFrame(stream).serialize()
            )
            await writer.drain()
        await reader.read()

    await _repeat(5, seconds, one)


ATTACKS: Final = {attack.__name__: attack for attack in (slowloris, idle, upload, header, bomb, reset)}
#: What shows each attack in the metrics, and how much more of it there has to be at some time.
TRACES: Final = {
    "slowloris": ('pipy_connections_refused_total.*cause="header timeout"', 4000),
    "idle": ("pipy_connections_open", 9000),
    "upload": ('pipy_chk_size.*"Outbound"', 1024 * 1024),
    "header": ('pipy_connections_refused_total.*cause="header size"', 100),
    "bomb": ('pipy_connections_refused_total.*cause="decompression"', 10),
    "reset": ('pipy_connections_refused_total.*cause="flood"', 5),
}


def attack(name: str, site: Site, seconds: float) -> subprocess.Popen[bytes]:
    """Start an attack."""
    words = [*YIELD, sys.executable, __file__, f"--attack={name}", f"--ports={site.port},{site.zip}", f"--seconds={seconds}"]
    return subprocess.Popen(words)


def main() -> int:
    """Run the attacks one after the other."""
    parser = argparse.ArgumentParser(description="normal clients during attacks")
    parser.add_argument("--pipy", default=f"{sys.executable} -m pipy_core", help="the command")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each attack")
    parser.add_argument("--threads", type=int, default=1, help="workers")
    parser.add_argument("--only", default=",".join(ATTACKS), help="some of the attacks")
    parser.add_argument("--memory-limit", type=int, default=1024, help="megabytes")
    parser.add_argument("--ask", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--attack", choices=ATTACKS, help=argparse.SUPPRESS)
    parser.add_argument("--ports", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.ask:
        print(json.dumps(asyncio.run(_ask(wanted.ask, wanted.seconds))))
        return 0
    if wanted.attack:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        asyncio.run(ATTACKS[wanted.attack](Targets(*map(int, wanted.ports.split(","))), wanted.seconds))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        site = Site(wanted.pipy.split(), Path(folder), wanted.memory_limit, wanted.threads)
        try:
            return int(_attack(site, wanted.only.split(","), wanted.seconds, wanted.memory_limit * 1024 * 1024))
        finally:
            site.process.terminate()
            site.process.wait(PATIENCE + 30)


def _attack(site: Site, names: list[str], seconds: float, limit: int) -> bool:
    """Whether something was not as it should be."""
    measure(site.port, 2).communicate()  # everything has been used once
    alone, failed = _result(measure(site.port, seconds))
    print(f"{'alone':<10} p99 {alone * 1000:6.2f} ms  memory {site.memory() >> 20:4} MB", flush=True)
    wrong = failed > 0
    for name in names:
        pattern, enough = TRACES[name]
        before = _sum(site.figures(), pattern)
        client = measure(site.port, seconds + AFTER)
        attacker = attack(name, site, seconds)
        memory, grown = 0, 0.0
        while client.poll() is None:
            time.sleep(LOOK)
            memory = max(memory, site.memory())
            grown = max(grown, _sum(site.figures(), pattern) - before)
        attacker.wait(PATIENCE)
        p99, failed = _result(client)
        bad = failed > 0 or p99 > max(2 * alone, NOISE) or memory > limit or grown < enough
        wrong |= bad
        print(
            f"{name:<10} p99 {p99 * 1000:6.2f} ms  memory {memory >> 20:4} MB  failed {failed}  {pattern} +{grown:g}"
            f"{'  <-- not as it should be' if bad else ''}",
            flush=True,
        )
    return wrong


def _sum(figures: dict[str, float], pattern: str) -> float:
    return sum(value for name, value in figures.items() if re.match(pattern, name))


def _result(client: subprocess.Popen[str]) -> tuple[float, int]:
    printed, _ = client.communicate(timeout=10 * PATIENCE)
    times, failed = json.loads(printed)
    return sorted(times)[int(len(times) * 0.99)], failed


if __name__ == "__main__":
    sys.exit(main())
