"""The isolate and its thread: the only module that knows V8. See the architecture, section 5.

V8 runs its tasks on a thread of its own. The first completion callback on that thread never finishes: it enters the gevent hub,
so that the whole reactor lives there and a script call is an ordinary function call, about ten microseconds long. The first
thread of the process stays free for signals and the watchdog (``watch``).

What others may rely on: ``call`` takes a string and gives one back or raises; nothing else runs in between; it ends within its
budget. It refuses to be called from a host function.
"""

import ctypes
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import gevent
import greenlet
from gevent.hub import Hub, set_hub

from pipy_core.errors import PipyError
from pipy_core.logs import get_logger
from pipy_core.registry import ScriptSource
from pipy_core.script.mailbox import Mailbox
from pipy_core.script.v8 import CALLBACK, FIRST_ERROR, STRING, TERMINATED, initialize, read, text

SYNC, START, CALL, HOST = range(1, 5)
#: The exit code when the isolate cannot go on (EX_SOFTWARE): its heap is full, or the reactor has died.
FATAL_EXIT: Final = 70
#: Seconds without a sign of life from the reactor after which the process is ended.
HEARTBEAT_LIMIT: Final = 60.0

ENTRY: Final = """(function () {
  "use strict";
  const answer = __pipy.guard(this);
  %PerformMicrotaskCheckpoint();
  return answer;
})"""


_log = get_logger("plugins")


class Terminated(PipyError):
    """A call was stopped because it used up its time."""


class Uncaught(PipyError):
    """V8's own text about an error that the entry function did not catch, such as a syntax error with its place."""


class HeapExhausted(PipyError):
    """The isolate has reached its heap limit; nothing useful can be done with it any more."""


class _ReactorHub(Hub):  # type: ignore[misc]  # gevent has no types
    """A hub in which no error of any greenlet is thrown into the main greenlet, which belongs to V8."""

    SYSTEM_ERROR = ()
    NOT_ERROR = (greenlet.GreenletExit,)
    isolate: "Isolate"

    def switch(self) -> Any:
        """Wait for an event; refused while a script waits, since nothing else may run then."""
        if self.isolate.in_host:
            raise RuntimeError("a host function must not wait for anything")
        return super().switch()


class Isolate:
    """One V8 isolate, and the reactor that lives on its thread.

    :param heap_limit: bytes of V8 heap; beyond it calls raise ``HeapExhausted``. ArrayBuffers do not count.
    :param on_host: answers what a script asks for while it waits: a string in, a string out. Must neither yield nor ``call``.
    """

    def __init__(self, heap_limit: int, on_host: Callable[[str], str]) -> None:
        self._v8 = initialize()
        self._callback = CALLBACK(self._on_callback)  # kept: V8 holds a bare pointer to it
        self._context = self._v8.mr_init_context(self._callback)
        self._v8.mr_set_hard_memory_limit(self._context, heap_limit)
        self._allocate = partial(self._v8.mr_alloc_string_val, self._context)
        self._invoke = partial(self._v8.mr_call_function, self._context)
        self._free = partial(self._v8.mr_free_value, self._context)
        self._on_host = on_host
        self._answered = threading.Event()
        self._answer = 0
        self._finished = threading.Event()
        self._fault: BaseException | None = None  # what the program has raised
        self._main: greenlet.greenlet | None = None  # the greenlet that owns the isolate's thread
        self._caller: greenlet.greenlet | None = None  # who waits for the running call
        self._argument = 0
        self._task: int | None = None
        self._since = 0.0
        self._budget = 0.0
        self.in_host = False  # a script waits for a host function
        self._ended = False
        self._program: Callable[[], None] = lambda: None
        self._beat = time.monotonic()
        self.calls = 0  # how many crossings there were; for benchmarks

    # -- on the first thread ----------------------------------------------------------------------------------------

    def prepare(self, runtime: Sequence[str], plugins: Iterable[ScriptSource], filters: Sequence[tuple[str, bool]]) -> None:
        """Build the JavaScript runtime.

        :param runtime: its sources, the entry first.
        :param plugins: what plugins brought; a source that is broken costs a line in the log, and its globals are missing.
        :param filters: name of each filter, and whether its first argument names modules.
        """
        entry, *rooms = runtime
        self._evaluate(f"globalThis.__pipy = {entry}", "pipy-runtime:entry")
        self._connect_memory()
        for number, source in enumerate(rooms):
            self._evaluate(f"({source.strip().removesuffix(';')})(__pipy)", f"pipy-runtime:{number}")
        for each in plugins:
            source = each.source.strip().removesuffix(";")
            try:
                self._evaluate(f"__pipy.install(({source})(__pipy.forPlugins))", f"pipy-plugin:{each.name}")
            except Uncaught as error:
                reason = str(error).partition("\n")[0]
                _log.warning(f"plugin {each.plugin}: {reason} (the script source is left out)")
        for name, loads_modules in filters:
            self._evaluate(f"__pipy.addFilter({name!r}, {str(loads_modules).lower()})", "pipy-runtime:filters")
        self._entry = self._evaluate(f"((__pipy) => {ENTRY})(__pipy)", "pipy-runtime:call")
        self._evaluate("__pipy.freeze(); delete globalThis.__pipy", "pipy-runtime:freeze")
        self._no_arguments = self._evaluate("[]", "pipy-runtime:arguments")

    def _connect_memory(self) -> None:
        address, size, _ = read(self._evaluate("__pipy.memory", "pipy-runtime:memory"))
        memory = (ctypes.c_ubyte * size).from_address(address)
        self._mailbox = Mailbox(memoryview(memory).cast("B"), self._on_host)
        ring = self._v8.mr_make_js_callback(self._context, HOST)
        key = self._string(b"__ring")
        self._v8.mr_set_object_item(self._context, self._evaluate("globalThis", "pipy-runtime:global"), key, ring)
        self._evaluate("__pipy.connect(__ring); delete globalThis.__ring", "pipy-runtime:connect")

    def run(self, program: Callable[[], None], on_tick: Callable[[], None]) -> None:
        """Run *program* in a greenlet of the reactor until ``finish`` is called there. Blocks the first thread, as the watchdog.

        What *program* raises ends the reactor, and is raised here.

        :param on_tick: called on this thread several times a second; for what only the first thread can look at.
        """
        self._program = program
        self._v8.mr_eval(self._context, self._string(b"0"), START)
        while not self._finished.wait(0.05 if self._task is not None else 0.25):
            self._watch()
            on_tick()
        if self._fault is not None:
            raise self._fault

    def dispose(self) -> None:
        """Free the isolate. Nothing of it may be used afterwards."""
        self._v8.mr_free_context(self._context)

    def _watch(self) -> None:
        now = time.monotonic()
        task = self._task
        if task is not None and now - self._since > self._budget:
            self._v8.mr_cancel_task(self._context, task)
        if now - self._beat > HEARTBEAT_LIMIT + self._budget:
            sys.stderr.write(f"the reactor has not run for {now - self._beat:.0f} s: giving up\n")
            os._exit(FATAL_EXIT)

    def _evaluate(self, source: str, name: str) -> int:
        self._answered.clear()
        self._v8.mr_eval(self._context, self._string(f"{source}\n//# sourceURL={name}".encode()), SYNC)
        self._answered.wait()
        if read(self._answer)[2] >= FIRST_ERROR:
            raise Uncaught(f"{name}: {text(self._answer)}")
        return self._answer

    def _string(self, content: bytes) -> int:
        return int(self._allocate(content, len(content), STRING))

    # -- on the isolate's thread ------------------------------------------------------------------------------------

    def call(self, request: bytes, budget: float) -> bytes:
        """Call the entry function with *request* (UTF-8) and give the string it returns (UTF-8).

        :param budget: seconds of time it may use; the watchdog looks a few times a second.
        :raises Terminated: it used more.
        :raises Uncaught: V8 reports an error.
        :raises HeapExhausted: the isolate is full; end the process.
        """
        if self.in_host:
            raise RuntimeError("a host function must not call a script")
        assert self._main is not None
        self.calls += 1
        self._budget = budget
        result = self._main.switch((greenlet.getcurrent(), request))
        if type(result) is bytes:
            return result
        if isinstance(result, Terminated):
            # the call after a terminated one may fail for no reason of its own
            self._main.switch((greenlet.getcurrent(), b'[0,"count"]'))
        raise result

    def finish(self) -> None:
        """End the reactor: ``run`` returns."""
        self._ended = True
        assert self._main is not None
        self._main.switch(None)

    def _on_callback(self, kind: int, handle: int) -> None:
        """What V8 calls. No exception may leave it: ctypes would drop it, and the reactor would be gone without a word."""
        try:
            if kind == CALL:
                self._on_result(handle)
            elif kind == HOST:
                self._on_ring(handle)
            elif kind == SYNC:
                self._answer = handle
                self._answered.set()
            else:
                self._enter_reactor()
        except BaseException:  # noqa: BLE001  # see the docstring
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(FATAL_EXIT)

    def _enter_reactor(self) -> None:
        ctypes.pythonapi.PyGILState_Ensure()  # the thread state, and the hub in it, outlives this callback
        sys.settrace(threading.gettrace())  # Python did not start this thread: tracers must be told of it
        sys.setprofile(threading.getprofile())
        hub = _ReactorHub(default=True)
        hub.isolate = self
        set_hub(hub)
        hub.loop.async_().start(lambda: None)  # one watcher for ever: a loop with nothing to wait for would end
        self._main = greenlet.getcurrent()
        gevent.spawn(self._beating)
        gevent.spawn(self._begin)
        self._post(hub.switch())

    def _begin(self) -> None:
        try:
            self._program()
        except BaseException as error:  # noqa: BLE001  # nobody else would end a reactor whose program has not begun
            self._fault = error
            self.finish()

    def _beating(self) -> None:
        while True:
            self._beat = time.monotonic()
            gevent.sleep(1)

    def _post(self, request: tuple[greenlet.greenlet, bytes] | None) -> None:
        if request is None:
            self._finished.set()
            return
        self._caller, content = request
        self._argument = self._allocate(content, len(content), STRING)
        self._since = time.monotonic()
        self._task = self._invoke(self._entry, self._argument, self._no_arguments, CALL)

    def _on_result(self, handle: int) -> None:
        self._task = None
        content, length, kind = read(handle)
        result = ctypes.string_at(content, length) if kind == STRING else self._failure(handle, kind)
        self._free(handle)
        self._free(self._argument)
        caller = self._caller
        assert caller is not None
        # not gevent's switch: the caller may be the hub itself, whose own switch takes no argument
        self._post(greenlet.greenlet.switch(caller, result))

    def _failure(self, handle: int, kind: int) -> PipyError:
        if self._v8.mr_hard_memory_limit_reached(self._context):
            return HeapExhausted("the script uses more memory than its heap limit allows")
        if kind < FIRST_ERROR or kind == TERMINATED:
            return Terminated(f"stopped after {self._budget:g} s")
        return Uncaught(text(handle))

    # -- while a script waits ---------------------------------------------------------------------------------------

    def _on_ring(self, handle: int) -> None:
        """The script has put something into the memory that it shares with us."""
        self.in_host = True
        try:
            self._mailbox.look()
        finally:
            self.in_host = False
            self._free(handle)
