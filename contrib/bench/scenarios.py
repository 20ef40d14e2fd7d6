"""How often the scenarios of compare.py call into the script, and what one filter costs.

    python contrib/bench/scenarios.py [--requests 200]

Prints, for each scenario, crossings into V8 a request: figures that do not depend on the machine, unlike those of compare.py.
And microseconds that one event takes through one filter that only passes it on.
"""

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import compare
import gevent.socket

from pipy_core import app
from pipy_core.context import Context, Group
from pipy_core.events import Data, Event
from pipy_core.filter import Filter, ignore
from pipy_core.layout import Layout, Use
from pipy_core.pipeline import Pipeline
from pipy_core.process import worker
from pipy_core.settings import Settings

#: The most crossings a request may take.
LIMITS: Final = {"hello": 0, "script": 1, "route": 3, "proxy": 1}
ORIGIN: Final = ".listen('127.0.0.1:%(upstream)d').serveHTTP(new Message('Hi, there!\\n'))"
#: Requests over which nothing is counted: connections are made, contexts too.
WARM_UP: Final = 3


class Passing(Filter):
    """Does nothing, as fast as it can."""

    def process(self, event: Event) -> None:
        """Pass *event* on."""
        self.emit(event)


class CountedWorker(worker.Worker):
    """A worker that is its own client: asks, counts, prints, ends."""

    requests = 0
    asked: dict[str, int]

    def main(self) -> None:
        """See ``Worker``."""
        super().main()
        if self.error is None:
            self.reactor.spawn(self._measure)

    def _measure(self) -> None:
        try:
            for name, port in self.asked.items():
                crossings = self._crossings(name, port)
                verdict = "" if crossings <= LIMITS[name] else f"  more than {LIMITS[name]}"
                self.exit_code |= bool(verdict)
                print(f"{name:9} {crossings:6.2f} crossings a request{verdict}", flush=True)
        except Exception as error:  # noqa: BLE001  # raised again on the first thread
            self.error = error
        self.finish()

    def _crossings(self, name: str, port: int) -> float:
        request = f"GET {compare.PATHS.get(name, '/')} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        with gevent.socket.create_connection(("127.0.0.1", port), 10) as client:
            for _ in range(WARM_UP):
                ask(client, request)
            before = self.engine.isolate.calls
            for _ in range(self.requests):
                ask(client, request)
            return float(self.engine.isolate.calls - before) / self.requests


def ask(client: Any, request: bytes) -> None:
    """One exchange; the answer has a length and fits into one read."""
    client.sendall(request)
    answer = client.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"unexpected answer: {answer[:100]!r}")


def free_base() -> int:
    """What compare.py calls *base*: the first four digits of five free ports, and of two more."""
    for base in range(2000, 3200):
        with ExitStack() as stack:
            try:
                for digit in range(1, 8):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", base * 10 + digit))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")


def count_crossings(requests: int) -> int:
    """Print the table; 1 if a limit is passed."""
    base = free_base()
    values = {"base": base, "upstream": base * 10 + 6, "iperf": base * 10 + 7}
    CountedWorker.requests = requests
    CountedWorker.asked = {name: base * 10 + compare.PORTS[name] for name in LIMITS}
    worker.Worker = CountedWorker  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "main.js"
        script.write_text((compare.PIPY + ORIGIN) % values)
        settings = replace(Settings(), script=str(script), log_level="error")
        here = Path.cwd()
        try:
            return app.run(settings)
        finally:
            os.chdir(here)  # a worker goes where its script is


def microseconds_a_hop(hops: int, events: int) -> float:
    """What each of *hops* filters adds to an event."""

    def seconds(makes: Sequence[Callable[[], Filter]]) -> float:
        layout = Layout("bench", "/bench.js")
        layout.complete(tuple(Use("pass", make) for make in makes), None)  # type: ignore[arg-type]  # nothing is asked for
        feed = Pipeline(layout, Context(1, Group(), None, lambda _number: None), ignore).feed
        event = Data(b"x")
        runs = []
        for _ in range(5):
            begun = time.perf_counter()
            for _ in range(events):
                feed(event)
            runs.append(time.perf_counter() - begun)
        return min(runs)

    return (seconds([Passing] * (hops + 1)) - seconds([Passing])) / hops / events * 1e6


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200, help="per scenario")
    requests = parser.parse_args().requests
    code = count_crossings(requests)
    print(f"one filter {microseconds_a_hop(20, 20_000):5.3f} us an event")
    return code


if __name__ == "__main__":
    sys.exit(main())
