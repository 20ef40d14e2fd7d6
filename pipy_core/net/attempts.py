"""What is counted of attempts to connect to servers."""

from collections.abc import Callable
from typing import Final

from pipy_core.counters import Figure
from pipy_core.events import Failure
from pipy_core.net.reactor import Reactor

CONNECTS: Final = Figure(
    "pipy_upstream_connects_total",
    "counter",
    "Attempts to connect to a server, by result: connected, or the error of the StreamEnd.",
    ("upstream", "result"),
)
CONNECT_TIME: Final = Figure(
    "pipy_upstream_connect_seconds", "histogram", "Time to resolve the name of a server and connect to it.", ("upstream",)
)
FIGURES: Final = (CONNECTS, CONNECT_TIME)


def counted(reactor: Reactor, address: tuple[str, int], attempt: Callable[[], Failure | None]) -> Failure | None:
    """What *attempt*, one to connect to *address*, gives: why it failed, or None."""
    begun = reactor.now()
    failure = attempt()
    seconds = reactor.now() - begun
    host, port = address
    upstream = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    book = reactor.book
    book.counter(CONNECTS).add(1, upstream, "connected" if failure is None else failure.value)
    if failure is None:
        book.histogram(CONNECT_TIME).observe(seconds, upstream)
    return failure
