"""What an engine for scripts has to offer, and what all of them share: the reactor's hub, its heart, how the runtime is built.

What others may rely on: ``call`` takes a string and gives one back or raises; nothing else runs in between; it ends within its
budget. It refuses to be called from a host function. Which engines there are is known to ``engines``.
"""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import gevent
import greenlet
from gevent.hub import Hub, set_hub

from pipy_core.errors import PipyError
from pipy_core.logs import get_logger
from pipy_core.registry import ScriptSource

#: The exit code when the isolate cannot go on (EX_SOFTWARE): its heap is full, or the reactor has died.
FATAL_EXIT: Final = 70
#: Seconds without a sign of life from the reactor after which the process is ended.
HEARTBEAT_LIMIT: Final = 60.0
#: Seconds by the clock on the wall after which a call is stopped that waits, and uses up no time of the processor.
STANDSTILL_LIMIT: Final = 10.0

_log = get_logger("plugins")


class Terminated(PipyError):
    """A call was stopped because it used up its time."""


class Uncaught(PipyError):
    """The engine's own text about an error that the entry function did not catch, such as a syntax error with its place."""


class HeapExhausted(PipyError):
    """The isolate has reached its heap limit; nothing useful can be done with it any more."""


class ReactorHub(Hub):  # type: ignore[misc]  # gevent has no types
    """A hub in which no error of any greenlet is thrown into the main greenlet, which belongs to the engine."""

    SYSTEM_ERROR = ()
    NOT_ERROR = (greenlet.GreenletExit,)
    isolate: "Isolate"

    def switch(self) -> Any:
        """Wait for an event; refused while a script waits, since nothing else may run then."""
        if self.isolate.in_host:
            raise RuntimeError("a host function must not wait for anything")
        return super().switch()


class Isolate(ABC):
    """A world of JavaScript, and the reactor that calls it.

    :param on_host: answers what a script asks for while it waits: a string in, a string out. Must neither yield nor ``call``.
    :ivar calls: how many crossings there were; for benchmarks.
    :ivar in_host: a script waits for a host function.
    :ivar heap_limit: bytes that the heap may grow to.
    """

    heap_limit: int

    #: The room of the runtime that is made for this engine; it is evaluated behind the entry.
    room: ClassVar[str]

    def __init__(self, on_host: Callable[[str], str]) -> None:
        self.calls = 0
        self.in_host = False
        self._on_host = on_host
        self._main: greenlet.greenlet | None = None  # the greenlet that owns the reactor's thread
        self._program: Callable[[], None] = lambda: None
        self._fault: BaseException | None = None  # what the program has raised
        self._beat = self._looked = time.monotonic()
        self._budget = 0.0
        self._processor_time: Callable[[], float] = time.monotonic  # of the reactor's thread; the watchdog asks for it
        self._watched = -1  # the call that the watchdog has seen last, and the processor's time then
        self._seen_at = 0.0

    # -- what engines do --------------------------------------------------------------------------------------------

    @abstractmethod
    def run(self, program: Callable[[], None], on_tick: Callable[[], None]) -> None:
        """Run *program* in a greenlet of the reactor until ``finish`` is called there.

        What *program* raises ends the reactor, and is raised here.

        :param on_tick: called on this thread several times a second; for what only the first thread can look at.
        """

    @abstractmethod
    def call(self, request: bytes, budget: float) -> bytes:
        """Call the entry function with *request* (UTF-8) and give the string it returns (UTF-8).

        :param budget: seconds of the processor's time it may use; the watchdog looks a few times a second.
        :raises Terminated: it used more.
        :raises Uncaught: the engine reports an error.
        :raises HeapExhausted: the isolate is full; end the process.
        """

    @abstractmethod
    def finish(self) -> None:
        """End the reactor: ``run`` returns. To be called on the reactor's thread; does not return."""

    @abstractmethod
    def heap_in_use(self) -> int | None:
        """Bytes in use on the heap, garbage included; None where this build of the engine does not tell.

        To be called on the reactor's thread, between two calls. It costs next to nothing, and collects nothing.
        """

    @abstractmethod
    def dispose(self) -> None:
        """Free the isolate. Nothing of it may be used afterwards."""

    @abstractmethod
    def _evaluate(self, source: str, name: str) -> Any:
        """Evaluate *source* of the runtime.

        :raises Uncaught: it cannot be; the text begins with *name*.
        """

    @abstractmethod
    def _connect(self) -> None:
        """Let the runtime, whose rooms are there, ask ``_on_host``: ``__pipy.connect`` is given what it needs."""

    @abstractmethod
    def _settle(self) -> None:
        """Everything is there: keep what calls ``__pipy.guard``."""

    # -- the runtime ------------------------------------------------------------------------------------------------

    def prepare(self, runtime: Sequence[str], plugins: Iterable[ScriptSource], filters: Sequence[tuple[str, bool]]) -> None:
        """Build the JavaScript runtime.

        :param runtime: its sources, the entry first.
        :param plugins: what plugins brought; a source that is broken costs a line in the log, and its globals are missing.
        :param filters: name of each filter, and whether its first argument names modules.
        """
        entry, *rooms = runtime
        self._evaluate(f"globalThis.__pipy = {entry}", "pipy-runtime:entry")
        for number, source in enumerate(rooms):
            self._evaluate(f"({source.strip().removesuffix(';')})(__pipy)", f"pipy-runtime:{number}")
        self._connect()
        for each in plugins:
            source = each.source.strip().removesuffix(";")
            try:
                self._evaluate(f"__pipy.install(({source})(__pipy.forPlugins))", f"pipy-plugin:{each.name}")
            except Uncaught as error:
                reason = str(error).partition("\n")[0]
                _log.warning(f"plugin {each.plugin}: {reason} (the script source is left out)")
        for name, loads_modules in filters:
            self._evaluate(f"__pipy.addFilter({name!r}, {str(loads_modules).lower()})", "pipy-runtime:filters")
        self._settle()
        self._evaluate("__pipy.freeze(); delete globalThis.__pipy", "pipy-runtime:freeze")

    # -- the reactor ------------------------------------------------------------------------------------------------

    def _found_reactor(self) -> ReactorHub:
        """A hub on this thread, whose main greenlet is the current one."""
        hub = ReactorHub(default=True)
        hub.isolate = self
        set_hub(hub)
        hub.loop.async_().start(lambda: None)  # one watcher for ever: a loop with nothing to wait for would end
        self._processor_time = _processor_time(hub.thread_ident)
        self._main = greenlet.getcurrent()
        gevent.spawn(self._begin)
        return hub

    def _begin(self) -> None:
        try:
            self._program()
        except BaseException as error:  # noqa: BLE001  # nobody else would end a reactor whose program has not begun
            self._fault = error
            self.finish()

    def _refuse_nesting(self) -> None:
        if self.in_host:
            raise RuntimeError("a host function must not call a script")

    def _is_endless(self, call: int, since: float, now: float) -> bool:
        """Whether *call*, which runs *since* then, has used up its time.

        What counts is what the processor did for it since the watchdog has seen it first: a call is not to blame where the process
        was held up, or the processor had something else to do.
        """
        used = self._processor_time()
        if call != self._watched:
            self._watched, self._seen_at = call, used
        return used - self._seen_at > self._budget or now - since > self._budget + STANDSTILL_LIMIT

    def _listen_to_heart(self, now: float) -> None:
        """End the process if the reactor has been silent for too long. Who stops the process stops the watchdog as well."""
        if now - self._looked > HEARTBEAT_LIMIT / 2:
            self._beat = now
        self._looked = now
        silence = now - self._beat
        if silence > HEARTBEAT_LIMIT + self._budget:
            sys.stderr.write(f"the reactor has not run for {silence:.0f} s: giving up\n")
            os._exit(FATAL_EXIT)


def _processor_time(thread: int) -> Callable[[], float]:
    """What tells, on any thread, how many seconds the processor has worked for *thread*; real time where the system does not."""
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS
        return time.monotonic
    return partial(time.clock_gettime, time.pthread_getcpuclockid(thread))
