"""An isolate that waits for work on a thread of its own: for test runners that are in charge themselves, such as pytest."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Self, TypeVar

import gevent
from gevent import get_hub

from pipy_core.registry import Registry
from pipy_core.settings import Settings
from pipy_core.trial.bench import Bench

T = TypeVar("T")

#: Bytes: where the engine runs on this thread, a script may recurse as deep as on the first one. Elsewhere it would have 512 KB.
STACK_SIZE: Final = 16 * 1024 * 1024


class BenchThread:
    """A bench, and the thread that watches it. Only one at a time in a process: use it as a context manager."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self.bench = Bench(registry, settings)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._reactor: int | None = None  # the id of the isolate's thread
        self._wake: Any = None
        self._watchdog = threading.Thread(target=self._watch, name="pipy-test", daemon=True)

    def __enter__(self) -> Self:
        before = threading.stack_size(STACK_SIZE)
        try:
            self._watchdog.start()
        finally:
            threading.stack_size(before)
        self._ready.wait()
        if self._wake is None:
            raise RuntimeError("the isolate has not come up")
        return self

    def __exit__(self, *_error: object) -> None:
        self._jobs.put(self.bench.engine.isolate.finish)
        self._wake.send()
        self._watchdog.join()
        self.bench.dispose()

    def do(self, work: Callable[..., T], *args: Any) -> T:
        """Do *work* on the reactor's thread, and give or raise what it does.

        :raises RuntimeError: it is called there, by a function that plays an upstream: nothing can be driven by that.
        """
        if threading.get_ident() == self._reactor:
            raise RuntimeError("a function that answers for an upstream cannot drive the script")
        done: Future[T] = Future()

        def job() -> None:
            try:
                done.set_result(work(*args))
            except BaseException as error:  # noqa: BLE001  # raised again on the caller's thread
                done.set_exception(error)

        self._jobs.put(job)
        self._wake.send()
        return done.result()

    def _watch(self) -> None:
        try:
            self.bench.engine.isolate.run(self._main, lambda: None)
        finally:
            self._ready.set()  # whatever happened: nobody is to wait for ever

    def _main(self) -> None:
        self._reactor = threading.get_ident()
        self._wake = get_hub().loop.async_()
        self._wake.start(lambda: gevent.spawn(self._work))
        self._ready.set()

    def _work(self) -> None:
        while not self._jobs.empty():
            self._jobs.get()()
