#!/usr/bin/env python3
"""What HTTP costs per request in the filters alone: no sockets, no scripts.

    http_codec.py [--seconds 2] [--profile NAME]

Prints microseconds per request: of a served constant, and of a request proxied to an upstream that answers at once.
"""

import argparse
import cProfile
import gc
import pstats
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from pipy_core.context import Context
from pipy_core.events import END, Data, Event, Head, Message
from pipy_core.filter import Filter
from pipy_core.layout import Layout, Use
from pipy_core.pipeline import Pipeline
from pipy_core.testing import World
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.serve import ServeHTTP

WRK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8001\r\nX: y\r\n\r\n"
BROWSER = (
    b"GET /some/path?with=query HTTP/1.1\r\nHost: localhost:8001\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.9,fr;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nCache-Control: max-age=0\r\n"
    b"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=%06d\r\n"
    b"Referer: http://localhost/previous/page?with=query\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
    b"Sec-Fetch-Site: same-origin\r\nUpgrade-Insecure-Requests: 1\r\n\r\n"
)
UPLOAD = b"POST /sink HTTP/1.1\r\nHost: 127.0.0.1:8001\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 11\r\nConnection: keep-alive\r\n\r\nHi, there!\n"
)


class Answering(Filter):
    """An upstream that answers every request with one response."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if event is END:
            self.emit(Data(RESPONSE))


class QuickWorld(World):
    """Contexts that cost nothing, so that only filters are measured."""

    def __init__(self) -> None:
        super().__init__()
        self._twins = self.context(), self.context()

    def clone_context(self, context: Context) -> Context:
        """See ``Services``: another one."""
        return self._twins[context is self._twins[0]]


def pipeline(world: World, *makes: Callable[[], Filter]) -> Pipeline:
    """A run of *makes* whose output goes nowhere; a connection that never wears out."""
    world.limits = replace(world.limits, max_requests=0)
    layout = Layout("main", "/bench.js")
    layout.complete(tuple(Use("", make) for make in makes), world)
    return Pipeline(layout, world.context(), lambda _event: None)


def serve() -> Callable[[bytes], None]:
    """Requests to serveHTTP with a constant."""
    run = pipeline(World(), ServeHTTP.prepare(Message(Head({}), Data(b"Hi, there!\n"))))
    return lambda request: run.feed(Data(request))


def proxy() -> Callable[[bytes], None]:
    """Requests through demuxHTTP and muxHTTP."""
    world = QuickWorld()
    upstream, relay = Layout("upstream", "/bench.js"), Layout("relay", "/bench.js")
    upstream.complete((Use("", Answering),), world)
    options = {"maxIdle": 10, "bufferSize": 4096, "version": 1, "responseTimeout": 60.0, "maxPending": 1024}
    relay.complete((Use("", MuxHTTP.prepare(upstream, "", options)),), world)
    run = pipeline(world, DemuxHTTP.prepare(relay, {"bufferSize": 4096}))
    return lambda request: run.feed(Data(request))


def same(request: bytes) -> list[bytes]:
    """A client that repeats itself."""
    return [request] * 1000


def varied(request: bytes) -> list[bytes]:
    """Clients whose fields are never the same."""
    return [request % number for number in range(1000)]


def cut(request: bytes) -> list[bytes]:
    """A client that repeats a request that takes several reads."""
    return [piece for _ in range(1000) for piece in (request[:16384], request[16384:49152], request[49152:])]


SCENARIOS = {
    "serve, wrk": (serve, same(WRK)),
    "serve, browser": (serve, same(BROWSER % 1)),
    "serve, browser, fields vary": (serve, varied(BROWSER)),
    "proxy, wrk": (proxy, same(WRK)),
    "proxy, 64 KiB upload": (proxy, cut(UPLOAD)),
    "proxy, browser": (proxy, same(BROWSER % 1)),
    "proxy, browser, fields vary": (proxy, varied(BROWSER)),
}


def measure(run: Callable[[bytes], None], requests: list[bytes], seconds: float) -> float:
    """Microseconds per request, the best of several rounds."""
    best = float("inf")
    until = perf_counter() + seconds
    while perf_counter() < until:
        begin = perf_counter()
        for request in requests:
            run(request)
        best = min(best, perf_counter() - begin)
    return best / 1000 * 1e6


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="per scenario")
    parser.add_argument("--profile", metavar="NAME", help="profile this scenario instead")
    arguments = parser.parse_args()
    if arguments.profile:
        make, requests = SCENARIOS[arguments.profile]
        run = make()
        profile = cProfile.Profile()
        profile.runcall(measure, run, requests, arguments.seconds)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    gc.freeze()
    for name, (make, requests) in SCENARIOS.items():
        print(f"{name:30} {measure(make(), requests, arguments.seconds):6.2f} us")


if __name__ == "__main__":
    main()
