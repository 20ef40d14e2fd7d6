"""Where turns are run: the hub, the one ``Turn``, timers. Everything here happens on the reactor's thread."""

import socket
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import gevent
from greenlet import greenlet

from pipy_core.counters import Book
from pipy_core.layout import Report
from pipy_core.limits import Limits
from pipy_core.net.admission import Admission
from pipy_core.turn import Turn, Valve

#: How often the loop goes round before a timer counts whose time is over. Timers fire before what has come is read: a program that
#: was held up would find that nobody has sent anything in time. After a pause (SIGCONT, a container that is thawed) the first round
#: hears of nothing at all, since that interrupts its wait.
ROUNDS: Final = 2

#: Address and port that a connection comes from, and the port that it goes to. The system gives one port of ours to connections
#: that go to different places: the first two alone do not tell which connection it is.
Way: TypeAlias = tuple[str, int, int]

#: Gives a connection to a port of ours that is closed to everybody else; None where there is no such port.
Inside: TypeAlias = Callable[[tuple[str, int]], socket.socket | None]


class Reactor:
    """The hub and what belongs to it, for one worker.

    :param limits: those of the process.
    """

    __slots__ = ("admission", "book", "hub", "inside", "limits", "loop", "outbounds", "report", "resolver", "turn")

    def __init__(self, report: Report, limits: Limits | None = None) -> None:
        self.hub: Any = gevent.get_hub()
        self.loop: Any = self.hub.loop
        self.turn = Turn(lambda: self.loop.run_callback(self.flush))
        self.report = report
        self.limits = limits if limits is not None else Limits()
        self.admission = Admission(self.limits)
        self.resolver: Any = None  # made when the first name is to be resolved: see ``dial``
        self.book = Book()
        self.outbounds: set[Any] = set()  # the outbound connections there are, for those who count
        self.inside: Inside = lambda _address: None  # while the program ends: see ``inside``

    def run(self, step: Callable[..., None], *args: Any) -> None:
        """A turn for an input that no reader brought (a timer, a connect result): nobody waits for closed valves after it."""
        try:
            step(*args)
        except Exception as error:  # noqa: BLE001  # the outermost boundary: whatever happens, the reactor goes on
            self.report(error, "turn")
        self.finish()

    def finish(self) -> list[Valve]:
        """End the running turn; see ``Turn.finish``."""
        try:
            return self.turn.finish()
        except Exception as error:  # noqa: BLE001  # as above
            self.report(error, "flush")
            return []

    def flush(self) -> None:
        """Flush what the turns so far have written; see ``Turn.flush``."""
        while True:  # at least once, even if nothing was written: who has only looked at the clock has asked for it, too
            try:
                self.turn.flush()
            except Exception as error:  # noqa: BLE001  # as above
                self.report(error, "flush")
            if not self.turn.dirty:
                return

    def after(self, seconds: float, then: Callable[[], None]) -> "ReactorTimer":
        """Run *then* in a turn of its own, *seconds* from now, when what has come by then is read."""
        return ReactorTimer(self, seconds, then)

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def wait(self, watcher: Any) -> None:
        """Suspend the current greenlet until *watcher*, a new one of the loop, fires; never within a turn."""
        try:
            self.hub.wait(watcher)
        finally:
            watcher.close()

    def spawn(self, run: Callable[..., None], *args: Any) -> greenlet:
        """Start a greenlet from the hub, in the next iteration of the loop: for what has to wait for something."""
        started = greenlet(run, self.hub)
        self.loop.run_callback(started.switch, *args)
        return started

    def soon(self, run: Callable[[], None]) -> None:
        """Run *run* in a greenlet of its own, as ``spawn`` does, for those who do not ask which."""
        self.spawn(run)


class ReactorTimer:
    """A timer of the hub; see ``Reactor.after``."""

    __slots__ = ("_reactor", "_rounds", "_then", "_watcher")

    def __init__(self, reactor: Reactor, seconds: float, then: Callable[[], None]) -> None:
        self._reactor = reactor
        self._then: Callable[[], None] | None = then
        self._rounds = ROUNDS if seconds > 0.0 else 0
        self._start(max(seconds, 0.0))

    def cancel(self) -> None:
        """Forget it."""
        if self._then is not None:
            self._then = None
            self._watcher.close()

    def _start(self, seconds: float) -> None:
        self._watcher = self._reactor.loop.timer(seconds)
        self._watcher.start(self._fire)

    def _fire(self) -> None:
        then = self._then
        if then is not None and self._rounds:
            self._rounds -= 1
            self._watcher.close()
            self._start(0.0)
            return
        self.cancel()
        if then is not None:
            self._reactor.run(then)
