"""What one worker has counted, gathered when somebody looks: for the admin port, or for the supervisor that asks for it."""

import os
import resource
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pipy_core.admin.families import by_label, inbound_family, tally_families
from pipy_core.counters import Figure
from pipy_core.figures import Family, Sample, single
from pipy_core.logs import suppressed_lines
from pipy_core.net.attempts import FIGURES as OUTBOUND
from pipy_core.net.listener import Listener
from pipy_core.net.memory import memory_in_use
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.pages import Source
from pipy_core.script.engine import Engine
from pipy_core.script.program import Program

#: Seconds between two looks at how late the loop is. What blocks it for less is seen by chance.
LAG_INTERVAL: Final = 0.25
#: Looks of which the worst one is shown: those of the last 15 seconds, as often as Prometheus usually comes.
LAG_WINDOW: Final = 60

_LAG: Final = Figure("pipy_loop_lag_seconds", "histogram", "How late the event loop came to what was due.")


class Figures:
    """The figures of one worker.

    :param program: gives the running one.
    :param sources: what gives the figures of plugins; the list may grow. :param declared: what plugins count in the book.
    """

    def __init__(
        self,
        reactor: Reactor,
        ports: Ports,
        engine: Engine,
        program: Callable[[], Program | None],
        sources: Sequence[Source],
        declared: Sequence[Figure] = (),
    ) -> None:
        self._reactor = reactor
        self._ports = ports
        self._engine = engine
        self._program = program
        self._sources = sources
        self._lags = [0.0] * LAG_WINDOW
        self._looks = 0
        self._histogram = reactor.book.histogram(_LAG)
        self._due = 0.0
        for figure in (*OUTBOUND, *declared):
            reactor.book.declare(figure)
        self._watch()

    @property
    def lag(self) -> float:
        """The worst delay of the event loop lately, in seconds."""
        return max(self._lags)

    def collect(self) -> list[Family]:
        """They all. Asks the script: call it in a greenlet, not in the middle of a turn. What a plugin raises is logged."""
        families = [*self._original(), *tally_families(self._reactor.book.tallies.values(), self._open()), *self._upstream()]
        families += [*self._process(), *self._script(), *self._reactor.book.families()]
        for source in self._sources:
            try:
                families += source(self._engine.ask)
            except Exception as error:  # noqa: BLE001  # a stranger's bug, or a script that took too long
                self._reactor.report(error, "figures")
        return families

    # -- the loop ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._due = self._reactor.now() + LAG_INTERVAL
        self._reactor.after(LAG_INTERVAL, self._look)

    def _look(self) -> None:
        late = max(self._reactor.now() - self._due, 0.0)
        self._lags[self._looks % LAG_WINDOW] = late
        self._looks += 1
        self._histogram.observe(late)
        self._watch()

    # -- by what they are about -------------------------------------------------------------------------------------

    def _open(self) -> Counter[str]:
        connections: Counter[str] = Counter()
        for each in self._ports.listeners:
            connections[each.tally.name] += len(each.connections)
        return connections

    def _upstream(self) -> Iterator[Family]:
        tally = self._reactor.book.upstream
        outbounds = self._reactor.outbounds
        yield single("pipy_upstream_connections_open", "gauge", "Outbound connections that are open now.", len(outbounds))
        yield single("pipy_upstream_received_bytes_total", "counter", "Bytes received from servers.", tally.bytes_in)
        yield single("pipy_upstream_sent_bytes_total", "counter", "Bytes sent to servers.", tally.bytes_out)

    def _process(self) -> Iterator[Family]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        yield single("pipy_memory_bytes", "gauge", "Physical memory in use.", memory_in_use())
        yield single("pipy_cpu_seconds_total", "counter", "Time of processors used.", used.ru_utime + used.ru_stime)
        yield single("pipy_open_files", "gauge", "Descriptors in use.", _descriptors())
        yield single("pipy_log_lines_suppressed_total", "counter", "Log lines left out: too many of one kind.", suppressed_lines())
        yield single("pipy_loop_lag_max_seconds", "gauge", "The longest delay of the event loop lately.", self.lag, over="max")

    def _script(self) -> Iterator[Family]:
        engine = self._engine
        yield single("pipy_script_calls_total", "counter", "Crossings into the script.", engine.isolate.calls)
        yield single("pipy_script_seconds_total", "counter", "Time spent in the script.", engine.seconds)
        yield single("pipy_script_errors_total", "counter", "Calls of the script that failed.", engine.errors)
        in_use = engine.isolate.heap_in_use()
        if in_use is not None:
            yield single("pipy_script_heap_bytes", "gauge", "Heap of the scripts in use, garbage included.", in_use, over="max")
        limit = engine.isolate.heap_limit
        yield single("pipy_script_heap_limit_bytes", "gauge", "What that heap may grow to.", limit, over="max")
        yield single("pipy_script_held_bytes", "gauge", "Bytes of Data that the script holds.", engine.codec.pinned)

    def _original(self) -> Iterator[Family]:
        """The original's (spec: cli-admin.md, 6)."""
        reactor = self._reactor
        inbound = {_original_name(each): Counter(inbound.peer for inbound in each.connections) for each in self._ports.listeners}
        outbound = Counter(f"[{host}]:{port}" for host, port in (each.peer for each in reactor.outbounds))
        unsent = sum(inbound.unsent for each in self._ports.listeners for inbound in each.connections)
        sizes = {"Inbound": unsent, "Outbound": sum(each.unsent for each in reactor.outbounds), "Script": self._engine.codec.pinned}
        yield inbound_family(inbound)
        yield Family("pipy_out_cnt", "gauge", "Outbound connections.", list(by_label("peer", outbound)), plain=True)
        yield Family("pipy_chk_size", "gauge", "Bytes that are held, by who holds them.", list(by_label("type", sizes)), plain=True)
        yield Family("pipy_ppl_cnt", "gauge", "Active pipelines.", list(self._pipelines()), plain=True)
        objects = list(by_label("type", self._engine.count()))
        yield Family("pipy_obj_cnt", "gauge", "Objects that scripts hold.", objects, plain=True)

    def _pipelines(self) -> Iterator[Sample]:
        program = self._program()
        layouts = list(program.layouts()) if program is not None else []
        yield "", (), sum(layout.running for layout in layouts)
        for layout in layouts:
            yield "", (("module", layout.module), ("name", layout.name)), layout.running


def _original_name(listener: Listener) -> str:
    """As the original calls it."""
    host, port = listener.address
    return f"{port}@{host}"


def _descriptors() -> int:
    directory = Path("/proc/self/fd") if os.name == "posix" and Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    return sum(1 for _ in directory.iterdir())
