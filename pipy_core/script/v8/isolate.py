"""V8's isolate and its thread. See the architecture, section 5.

V8 runs its tasks on a thread of its own. The first completion callback on that thread never finishes: it enters the gevent hub,
so that the whole reactor lives there and a script call is an ordinary function call, about ten microseconds long. The first
thread of the process stays free for signals and the watchdog (``run``).
"""

import ctypes
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import greenlet

from pipy_core.errors import PipyError
from pipy_core.script.isolate import FATAL_EXIT, HeapExhausted, Isolate, Terminated, Uncaught
from pipy_core.script.v8.binding import CALLBACK, FIRST_ERROR, STRING, TERMINATED, initialize, read, text, v8_version
from pipy_core.script.v8.mailbox import Mailbox

SYNC, START, CALL, HOST = range(1, 5)
#: Seconds between two signs of life of the reactor.
BEAT: Final = 1.0

ENTRY: Final = """(function () {
  "use strict";
  const answer = __pipy.guard(this);
  %PerformMicrotaskCheckpoint();
  return answer;
})"""


class V8Isolate(Isolate):
    """One V8 isolate, and the reactor that lives on its thread.

    :param heap_limit: bytes of V8 heap; beyond it calls raise ``HeapExhausted``. ArrayBuffers do not count.
    :param on_host: see ``Isolate``.
    """

    room = "v8"
    version = staticmethod(v8_version)

    def __init__(self, heap_limit: int, on_host: Callable[[str], str]) -> None:
        super().__init__(on_host)
        self._v8 = initialize()
        self._callback = CALLBACK(self._on_callback)  # kept: V8 holds a bare pointer to it
        self._context = self._v8.mr_init_context(self._callback)
        self._v8.mr_set_hard_memory_limit(self._context, heap_limit)
        self.heap_limit = heap_limit
        self._meter: Callable[[], int] | None = None  # on the reactor's thread, if this build has one
        self._allocate = partial(self._v8.mr_alloc_string_val, self._context)
        self._invoke = partial(self._v8.mr_call_function, self._context)
        self._free = partial(self._v8.mr_free_value, self._context)
        self._answered = threading.Event()
        self._answer = 0
        self._finished = threading.Event()
        self._caller: greenlet.greenlet | None = None  # who waits for the running call
        self._argument = 0
        self._task: int | None = None
        self._since = 0.0

    # -- on the first thread ----------------------------------------------------------------------------------------

    def _connect(self) -> None:
        address, size, _ = read(self._evaluate("__pipy.memory", "pipy-runtime:memory"))
        memory = (ctypes.c_ubyte * size).from_address(address)
        self._mailbox = Mailbox(memoryview(memory).cast("B"), self._on_host)
        ring = self._v8.mr_make_js_callback(self._context, HOST)
        key = self._string(b"__ring")
        self._v8.mr_set_object_item(self._context, self._evaluate("globalThis", "pipy-runtime:global"), key, ring)
        self._evaluate("__pipy.connect(__ring); delete globalThis.__ring", "pipy-runtime:connect")

    def _settle(self) -> None:
        self._entry = self._evaluate(f"((__pipy) => {ENTRY})(__pipy)", "pipy-runtime:call")
        self._no_arguments = self._evaluate("[]", "pipy-runtime:arguments")

    def run(self, program: Callable[[], None], on_tick: Callable[[], None]) -> None:
        """See ``Isolate``. Blocks the first thread, which is the watchdog."""
        self._program = program
        self._told = json.loads(self._heap_statistics())
        self.heap_limit = min(self.heap_limit, self._told["heap_size_limit"])
        self._v8.mr_eval(self._context, self._string(b"0"), START)
        while not self._finished.wait(0.05 if self._task is not None else 0.25):
            self._watch()
            on_tick()
        if self._fault is not None:
            raise self._fault

    def dispose(self) -> None:
        """See ``Isolate``."""
        self._v8.mr_free_context(self._context)

    def _watch(self) -> None:
        now = time.monotonic()
        task = self._task
        if task is not None and self._is_endless(task, self._since, now):
            self._v8.mr_cancel_task(self._context, task)
        self._listen_to_heart(now)

    def _evaluate(self, source: str, name: str) -> int:
        self._answered.clear()
        self._v8.mr_eval(self._context, self._string(f"{source}\n//# sourceURL={name}".encode()), SYNC)
        self._answered.wait()
        if read(self._answer)[2] >= FIRST_ERROR:
            raise Uncaught(f"{name}: {text(self._answer)}")
        return self._answer

    def _string(self, content: bytes) -> int:
        return int(self._allocate(content, len(content), STRING))

    def _heap_statistics(self) -> str:
        handle = self._v8.mr_heap_stats(self._context)
        told = text(handle)
        self._free(handle)
        return told

    def handle_count(self) -> int:
        """How many values of V8 are held; for tests that look for leaks."""
        return int(self._v8.mr_value_count(self._context))

    # -- on the isolate's thread ------------------------------------------------------------------------------------

    def call(self, request: bytes, budget: float) -> bytes:
        """See ``Isolate``."""
        if self.in_host:
            self._refuse_nesting()
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

    def heap_in_use(self) -> int | None:
        """See ``Isolate``; ArrayBuffers are somewhere else."""
        return self._meter() if self._meter is not None else None

    def finish(self) -> None:
        """See ``Isolate``."""
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
        self._meter = self._v8.heap_meter(self._told["used_heap_size"], self._told["heap_size_limit"])
        hub = self._found_reactor()
        self._heart = hub.loop.timer(0.0, BEAT)
        self._heart.start(self._beat_once)
        self._post(hub.switch())

    def _beat_once(self) -> None:
        self._beat = time.monotonic()

    def _post(self, request: tuple[greenlet.greenlet, bytes] | None) -> None:
        if request is None:
            self._heart.stop()  # the loop is the process' own: whoever uses it next must not find it
            self._heart.close()
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
        caller: Any = self._caller
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
