"""Does anybody notice when the program changes under load? Reloads, killed workers, the end.

    python contrib/bench/upheaval.py [--threads 4] [--connections 64] [--times 20] [--scenario hello|script|proxy]

Starts Pipy on free ports of the loopback, lets wrk at it while the script is reloaded again and again, and while workers are
killed (SIGKILL), and a client of its own while the program is told to end (SIGTERM): wrk does not tell refused connections from
broken ones. Prints what was counted. Ends with 1 if a reload or the end lost a request (an answer that is not 2xx or 3xx, a
connection that broke before its answer), or if a kill lost more than the connections that its worker can have had.

Needs wrk.
"""
# ruff: noqa: S311  # chance decides who is killed

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

#: Seconds for anything that is waited for.
PATIENCE: Final = 30.0
#: Seconds between two events.
PAUSE: Final = 0.4

SCRIPTS: Final = {
    "hello": "pipy().listen('127.0.0.1:{port}').serveHTTP(new Message('hello'))",
    "script": "pipy().listen('127.0.0.1:{port}').serveHTTP(msg => new Message('hello ' + msg.head.path))",
    "proxy": """pipy()
  .listen('127.0.0.1:{port}').demuxHTTP('request')
  .pipeline('request').muxHTTP('upstream', '')
  .pipeline('upstream').connect('127.0.0.1:{backend}')""",
}


@dataclass(frozen=True)
class Count:
    """What wrk has seen."""

    requests: int
    broken: int
    bad: int
    timeouts: int

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.broken} broken connections, {self.bad} bad answers, {self.timeouts} timeouts"

    @property
    def lost(self) -> int:
        """Requests without a good answer."""
        return self.broken + self.bad + self.timeouts


class Pipy:
    """The program, on one port, with several workers; and a second one as its backend."""

    def __init__(self, command: Sequence[str], folder: Path, scenario: str, threads: int) -> None:
        self.port, self._admin, backend = _free_ports(3)
        self._threads = threads
        self._log = folder / "log"
        self._backend = self._start(command, folder / "backend.js", SCRIPTS["hello"].format(port=backend))
        script = SCRIPTS[scenario].format(port=self.port, backend=backend)
        options = [f"--threads={threads}", f"--admin-port={self._admin}", "--log-level=error"]
        self.process = self._start([*command, *options], folder / "main.js", script)
        self._wait(self._ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in (self.process, self._backend):
            if process.poll() is None:
                process.kill()
            process.wait()

    def reload(self) -> None:
        """Load the script again, and wait until it is there."""
        before = self._status()["reload"]["good"]
        self.process.send_signal(signal.SIGHUP)
        self._wait(lambda: self._status()["reload"]["good"] > before)

    def kill(self) -> None:
        """End one of the workers the hard way, and wait for another in its place."""
        victim = random.choice([worker["pid"] for worker in self._status()["workers"]])
        os.kill(victim, signal.SIGKILL)
        self._wait(lambda: self._ready() and victim not in [worker["pid"] for worker in self._status()["workers"]])

    def _start(self, command: Sequence[str], path: Path, script: str) -> subprocess.Popen[bytes]:
        path.write_text(script)
        with self._log.open("ab") as log:
            return subprocess.Popen([*command, str(path)], stdout=log, stderr=subprocess.STDOUT)

    def _status(self) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}/status", timeout=PATIENCE) as answer:
            return json.load(answer)

    def _ready(self) -> bool:
        try:
            return [worker["state"] for worker in self._status()["workers"]] == ["running"] * self._threads
        except OSError:
            return False

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pipy is not as it should be; its log:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.02)


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def load(pipy: Pipy, connections: int, seconds: float, meanwhile: Callable[[], None]) -> Count:
    """Let wrk at the port for some seconds, and do something meanwhile."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", f"http://127.0.0.1:{pipy.port}/"]
    wrk = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    meanwhile()
    printed, _ = wrk.communicate()

    def number(pattern: str) -> int:
        found = re.search(pattern, printed)
        return int(found[1]) if found else 0

    broken = number(r"read (\d+)") + number(r"write (\d+)")
    return Count(number(r"(\d+) requests in"), broken, number(r"Non-2xx or 3xx responses: (\d+)"), number(r"timeout (\d+)"))


async def ending(pipy: Pipy, connections: int) -> Count:
    """Ask on many connections, tell the program to end after a second, go on until connections are refused."""
    requests = broken = bad = 0

    async def ask() -> None:
        nonlocal requests, broken, bad
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", pipy.port)
            except OSError:
                return
            try:
                last = False
                while not last:
                    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
                    requests += 1
                    bad += not head.startswith(b"HTTP/1.1 2")
                    last = b"connection: close" in head
            except (OSError, asyncio.IncompleteReadError):
                broken += 1
            writer.close()

    clients = asyncio.gather(*(ask() for _ in range(connections)))
    await asyncio.sleep(1)
    pipy.process.terminate()
    await asyncio.wait_for(clients, PATIENCE)
    return Count(requests, broken, bad, 0)


def main() -> int:
    """Run all three; 1 if something was lost that must not be."""
    parser = argparse.ArgumentParser(description="reloads, killed workers and the end, under load")
    parser.add_argument("--pipy", default=f"{sys.executable} -m pipy_core", help="the command")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--times", type=int, default=20, help="reloads, and kills")
    parser.add_argument("--scenario", choices=SCRIPTS, default="hello")
    wanted = parser.parse_args()

    def repeat(act: Callable[[], None]) -> None:
        for _ in range(wanted.times):
            act()
            time.sleep(PAUSE)

    failed = False
    seconds = 3 + wanted.times * (PAUSE + 1.2)
    with tempfile.TemporaryDirectory() as folder, Pipy(wanted.pipy.split(), Path(folder), wanted.scenario, wanted.threads) as pipy:
        reloaded = load(pipy, wanted.connections, seconds, lambda: repeat(pipy.reload))
        print(f"{wanted.times} reloads: {reloaded}", flush=True)
        failed |= reloaded.lost > 0
        if wanted.threads > 1:
            killed = load(pipy, wanted.connections, seconds, lambda: repeat(pipy.kill))
            print(f"{wanted.times} killed workers: {killed}", flush=True)
            failed |= killed.lost > wanted.times * wanted.connections
        ended = asyncio.run(ending(pipy, wanted.connections))
        code = pipy.process.wait(PATIENCE)
        print(f"SIGTERM: {ended}; exit code {code}", flush=True)
        failed |= ended.lost > 0 or code != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
