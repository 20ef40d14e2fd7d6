"""What one call of a script function costs, by what crosses with it.

    python contrib/bench/script_calls.py [--calls 20000] [--engine v8|quickjs]

Prints microseconds a round trip: the median of five runs, on an otherwise idle machine. The aim is 15 us for a small event.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipy_core import logs
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import Context
from pipy_core.events import Data, Head, Message, MessageStart
from pipy_core.filter import Branch
from pipy_core.net.reactor import Reactor
from pipy_core.plugins import Plugins
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.host import Codebase
from pipy_core.script.loading import load
from pipy_core.script.program import Program

SCRIPT = """pipy({ _target: '', _router: new algo.URLRouter({ '/hi/*': 'a', '/echo': 'b', '/ip/*': 'c' }) })
  .pipeline('p')
  .handleData(() => {})
  .handleMessageStart(msg => { _target = _router.find(msg.head.headers.host, msg.head.path) })
  .handleMessageStart(msg => { msg.head.headers['x-forwarded-for'] = '127.0.0.1' })
  .replaceMessage(msg => new Message('You are requesting ' + msg.head.path + '\\n'))
  .handleData(data => data.toString())
  .handleMessageStart(msg => { _target = msg.head.path })
"""
HEADERS = {f"x-header-{number}": "some value of a usual length, as browsers send them" for number in range(11)}


def head(extra: dict[str, str] | None = None) -> Head:
    """A request head as the HTTP decoder makes it."""
    return Head({"protocol": "HTTP/1.1", "headers": {"host": "localhost", **(extra or {})}, "method": "GET", "path": "/hi/there"})


SCENARIOS: list[tuple[str, int, Callable[[], tuple[Any, ...]]]] = [
    ("no arguments, no result", 0, lambda: ()),
    ("small head, one field read", 5, lambda: (MessageStart(head()),)),
    ("small head, routed", 1, lambda: (MessageStart(head()),)),
    ("12 header fields, routed", 1, lambda: (MessageStart(head(HEADERS)),)),
    ("small head, changed", 2, lambda: (MessageStart(head()),)),
    ("message in, message out", 3, lambda: (Message(head(), Data()),)),
    ("100 bytes read as text", 4, lambda: (Data(b"x" * 100),)),
]


def measure(
    program: Program, context: Context, number: int, arguments: Callable[[], tuple[Any, ...]], calls: int
) -> tuple[float, float]:
    """Microseconds a call, by the clock and of CPU (which other processes do not disturb)."""
    layout = program.modules[0].pipelines["p"]
    function = layout.uses[number].make().__getattribute__("_callback" if number != 3 else "_replacement")
    runs = []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls // 5):
            program.call(context, function, arguments())
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (statistics.median(run[index] for run in runs) / (calls // 5) * 1e6 for index in (0, 1))
    return wall, cpu


def main() -> None:
    """Run all scenarios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--engine", default="auto", help="what runs the scripts: v8 or quickjs")
    arguments = parser.parse_args()
    calls = arguments.calls
    logs.configure("error")
    registry = Registry()
    Plugins().load(registry)
    engine = Engine(registry, 256 << 20, 1.0, engine=arguments.engine)

    def bench() -> None:
        reactor = Reactor(lambda error, where: print(where, error))
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "main.js").write_text(SCRIPT)
            program = load(engine, registry, Codebase(Snapshot(Path(folder), "/main.js")), "/main.js", Outside(reactor), 5.0)
        context = program.new_context()
        for name, number, arguments in SCENARIOS:
            wall, cpu = measure(program, context, number, arguments, calls)
            print(f"{name:28} {wall:6.1f} us  {cpu:6.1f} us of CPU", flush=True)
        engine.isolate.finish()

    engine.isolate.run(bench, lambda: None)
    engine.isolate.dispose()


class Outside:
    """See ``pipy_core.script.program.Outside``."""

    def __init__(self, reactor: Reactor) -> None:
        self.turn = reactor.turn
        self.after = reactor.after
        self.now = reactor.now
        self.book = reactor.book
        self.limits = reactor.limits

    def connect(self, *_args: Any) -> Branch:
        """Not needed here."""
        raise NotImplementedError

    def spawn(self, *_args: Any) -> Branch:
        """Not needed here."""
        raise NotImplementedError


if __name__ == "__main__":
    main()
