"""QuickJS' isolate: an interpreter that is called like any other function, so the reactor runs on the thread that starts it.

The watchdog is a thread of its own: the binding lets go of the interpreter lock while a script runs. What only the first thread
may do (signals) is done by a greenlet there, which is the heart as well.
"""

import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

from pipy_core.errors import PipyError
from pipy_core.script.isolate import FATAL_EXIT, HeapExhausted, Isolate, Terminated, Uncaught
from pipy_core.script.quickjs.binding import Context, JSException, interrupter, quickjs_version
from pipy_core.script.quickjs.heap import Heap

#: Bytes of stack that a script may use, at most half of what the thread has: each level of a recursion takes about 1,700.
STACK_LIMIT: Final = 4 * 1024 * 1024
#: Seconds of the processor's time that may be spent with letting the promises of a script fail which was stopped.
DISCARD_LIMIT: Final = 2.0
#: Seconds between two beats of the heart.
BEAT: Final = 0.25

_INTERRUPTED: Final = "InternalError: interrupted"
#: An error that has no words is that of an allocation, too: there was no memory for them.
_FULL: Final = ("InternalError: out of memory", "null")
_FULL_HEAP: Final = "the script uses more memory than its heap limit allows"


class QuickJSIsolate(Isolate):
    """One runtime of QuickJS.

    :param heap_limit: bytes that scripts may hold, ArrayBuffers included; beyond it calls raise ``HeapExhausted``. See ``Heap``.
    :param on_host: see ``Isolate``.
    """

    room = "quickjs"
    version = staticmethod(quickjs_version)

    def __init__(self, heap_limit: int, on_host: Callable[[str], str]) -> None:
        super().__init__(on_host)
        self._context = Context()
        self._heap: Any = Heap(self._context, heap_limit)
        self._is_full = False
        self._in_use = self._heap.meter or int  # after each call only where it costs nothing; otherwise now and then
        self.heap_limit = heap_limit
        self._context.set_max_stack_size(_stack_limit())
        self._interrupt = interrupter(self._context)
        self._do_job = self._context.execute_pending_job
        self._entry: Any = None
        self._since = 0.0
        self._running = 0  # the number of the running call; 0: none
        self._stopping = False  # the watchdog stops it, or thinks about it
        self._lock = threading.Lock()  # while it does
        self._finished = threading.Event()
        self._wake: Any = None

    def _connect(self) -> None:
        self._context.add_callable("__host", self._answer)
        self._evaluate("__pipy.connect(__host); delete globalThis.__host", "pipy-runtime:connect")

    def _settle(self) -> None:
        self._entry = self._evaluate("((pipy) => (text) => pipy.whole(pipy.guard(text)))(__pipy)", "pipy-runtime:call")

    def _evaluate(self, source: str, name: str) -> Any:
        try:
            return self._context.eval(source)
        except JSException as error:
            raise Uncaught(f"{name}: {error}") from None

    def heap_in_use(self) -> int | None:
        """See ``Isolate``; ArrayBuffers are on the heap, too. Counting it all without a meter would cost too much."""
        return self._heap.meter() if self._heap.meter is not None else None

    def dispose(self) -> None:
        """See ``Isolate``."""
        self._entry = self._do_job = self._interrupt = None
        self._context = self._heap = None
        self._in_use = int

    # -- the reactor ------------------------------------------------------------------------------------------------

    def run(self, program: Callable[[], None], on_tick: Callable[[], None]) -> None:
        """See ``Isolate``. The reactor runs on this thread."""
        self._program = program
        hub = self._found_reactor()
        self._wake = hub.loop.async_()
        self._wake.start(self.finish)
        heart = hub.loop.timer(0.0, BEAT)
        heart.start(self._beat_once, on_tick)
        watchdog = threading.Thread(target=self._watching, name="pipy-watchdog", daemon=True)
        watchdog.start()
        restore = self._take_interrupts()
        try:
            hub.switch()
        finally:
            self._finished.set()
            watchdog.join()
            restore()
            for watcher in (heart, self._wake):  # the loop is the process' own: whoever uses it next must not find them
                watcher.stop()
                watcher.close()
            hub.destroy()
        if self._fault is not None:
            raise self._fault

    def finish(self) -> None:
        """See ``Isolate``."""
        assert self._main is not None
        self._main.switch()

    def _take_interrupts(self) -> Callable[[], None]:
        """Ctrl-C ends the reactor where nobody else has a use for it: raised in some greenlet it would end only that one.

        :returns: what makes it as it was.
        """
        on_first = threading.current_thread() is threading.main_thread()
        if not on_first or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return lambda: None
        signal.signal(signal.SIGINT, self._on_interrupt)

        def restore() -> None:
            if signal.getsignal(signal.SIGINT) == self._on_interrupt:
                signal.signal(signal.SIGINT, signal.default_int_handler)

        return restore

    def _on_interrupt(self, _number: int, _frame: Any) -> None:
        self._fault = KeyboardInterrupt()
        self._wake.send()

    def _beat_once(self, on_tick: Callable[[], None]) -> None:
        self._beat = time.monotonic()
        self._is_full = self._heap.is_full()  # for the next call
        try:
            on_tick()
        except BaseException as error:  # noqa: BLE001  # raised by run
            self._fault = error
            self.finish()

    # -- the watchdog's thread --------------------------------------------------------------------------------------

    def _watching(self) -> None:
        while not self._finished.wait(0.05 if self._running else 0.25):
            self._watch()

    def _watch(self) -> None:
        now = time.monotonic()
        running = self._running
        if running:
            self._heap.watch(running)
        if running and self._interrupt is not None and self._is_endless(running, self._since, now):
            with self._lock:
                self._stopping = True  # before the look: whoever ends a call looks here afterwards
                if self._running == running:
                    self._interrupt(True)
                else:
                    self._stopping = False
        self._listen_to_heart(now)

    # -- calls ------------------------------------------------------------------------------------------------------

    def call(self, request: bytes, budget: float) -> bytes:
        """See ``Isolate``."""
        if self.in_host:
            self._refuse_nesting()
        if self._is_full:
            raise HeapExhausted(_FULL_HEAP)
        self.calls += 1
        self._budget = budget
        self._since = time.monotonic()
        self._running = self.calls
        try:
            answer: bytes = self._entry(request.decode()).encode()
            while self._do_job():  # promises settle before the next call
                if time.monotonic() - self._since > budget:
                    self._end()
                    raise self._stopped()
        except JSException as error:
            self._end()
            raise self._failure(str(error)) from None
        finally:
            self._end()
        if answer.startswith(b"!") and self._heap.has_failed(answer, self.calls):
            raise HeapExhausted(_FULL_HEAP)
        if self._in_use() > self.heap_limit and self._heap.is_full():
            self._is_full = True  # for the next call: this one has its answer
        return answer

    def _end(self) -> None:
        """The call is over, and scripts may run again if the watchdog has stopped it or was about to."""
        self._running = 0
        if self._stopping:
            with self._lock:
                self._stopping = False
                if self._interrupt is not None:
                    self._interrupt(False)

    def _stopped(self) -> Terminated:
        self._discard_jobs()
        return Terminated(f"stopped after {self._budget:g} s")

    def _failure(self, reason: str) -> PipyError:
        if reason.startswith(_INTERRUPTED):
            stopped = self._stopped()
            return HeapExhausted(_FULL_HEAP) if self._heap.is_full() else stopped
        if reason.startswith(_FULL) or self._heap.is_full():
            return HeapExhausted(_FULL_HEAP)
        return Uncaught(reason)

    def _discard_jobs(self) -> None:
        """What a stopped script has left to do must not use the time of the next call: its jobs run, but without any stack."""
        deadline = time.thread_time() + DISCARD_LIMIT
        self._context.set_max_stack_size(1)
        discarded = 0
        while self._job_is_left():
            discarded += 1
            if time.thread_time() > deadline:
                sys.stderr.write(f"a script that was stopped has more than {discarded} promises to settle: giving up\n")
                os._exit(FATAL_EXIT)
        self._context.set_max_stack_size(_stack_limit())

    def _job_is_left(self) -> bool:
        try:
            return bool(self._do_job())
        except JSException:  # as it should
            return True

    def _answer(self, question: str) -> str:
        """A script waits. No exception may leave this: the binding would hand it to whatever runs next."""
        self.in_host = True
        try:
            return self._on_host(question)
        except BaseException:  # noqa: BLE001  # see the docstring
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(FATAL_EXIT)
        finally:
            self.in_host = False


def _stack_limit() -> int:
    """Bytes of stack for scripts, whichever thread they run on: what is not the first one is given as much by who starts it."""
    available, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return STACK_LIMIT if available == resource.RLIM_INFINITY else min(STACK_LIMIT, available // 2)
