"""What only the first thread of a process can do while the reactor runs on another one: take signals, and watch over the memory."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipy_core.logs import get_logger, tell_repeats
from pipy_core.net.memory import MemoryWatch
from pipy_core.script.isolate import FATAL_EXIT

_log = get_logger("")


class FirstThread:
    """See the module.

    :param memory: what may be used; beyond it the process ends.
    """

    def __init__(self, memory: MemoryWatch) -> None:
        self._memory = memory
        self._names = {"SIGINT", "SIGTERM", "SIGHUP"}
        self._come: list[int] = []
        self._wake: Callable[[], None] = lambda: None

    def on_tick(self) -> None:
        """Called several times a second, on that thread."""
        for number in [getattr(signal, name) for name in list(self._names)]:  # the other thread may be adding one
            if signal.getsignal(number) != self._on_signal:
                signal.signal(number, self._on_signal)
        tell_repeats()
        if self._memory.look():
            _log.error(f"the process uses more than {self._memory.limit >> 20} MB of memory: giving up")
            os._exit(FATAL_EXIT)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._come.append(number)
        self._wake()

    # -- on the reactor's thread ------------------------------------------------------------------------------------

    def expect(self, names: Iterable[str]) -> None:
        """Take signals of these names, too, from the next tick on."""
        self._names |= set(names)

    def attach(self, wake: Callable[[], None]) -> None:
        """Call *wake* whenever a signal has come, from any thread; at once if some have come already."""
        self._wake = wake
        if self._come:
            wake()

    def signals(self) -> Iterator[str]:
        """The names of those that have come, each once."""
        while self._come:
            yield signal.Signals(self._come.pop(0)).name
