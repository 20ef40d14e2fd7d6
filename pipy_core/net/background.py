"""Work that blocks, on threads of its own, so that the reactor need not wait: fetching files, watching them."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gevent.event import AsyncResult

from pipy_core.net.reactor import Reactor

T = TypeVar("T")


def in_thread(reactor: Reactor, work: Callable[..., T], *args: Any) -> T:
    """Run *work* on a thread; the current greenlet waits for its result, all others go on. What it raises is raised here.

    A thread that never ends does not keep the program from ending.
    """
    ended = AsyncResult()
    result: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work(*args))
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            faults.append(error)
        wake.send()

    wake: Any = reactor.loop.async_()
    wake.start(lambda: ended.set(None))
    threading.Thread(target=run, name="pipy-background", daemon=True).start()
    try:
        ended.get()
    finally:
        wake.stop()
        wake.close()
    if faults:
        raise faults[0]
    return result[0]


class Watch:
    """A thread that tells of news until it is stopped.

    :param work: gets what it is to call, from its thread, when there is news, and an event that is set when it is to return.
    :param then: called in the hub when there was news, once for all that came together.
    """

    def __init__(
        self, reactor: Reactor, work: Callable[[Callable[[], None], threading.Event], None], then: Callable[[], None]
    ) -> None:
        self._stop = threading.Event()
        self._telling = threading.Lock()
        self._wake: Any = reactor.loop.async_()
        self._wake.start(then)
        threading.Thread(target=work, args=(self._tell, self._stop), name="pipy-watch", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end, and hear no more of it."""
        with self._telling:
            if not self._stop.is_set():
                self._stop.set()
                self._wake.stop()
                self._wake.close()

    def _tell(self) -> None:
        """Runs on the thread; what it wakes may be gone at any other time than this."""
        with self._telling:
            if not self._stop.is_set():
                self._wake.send()
