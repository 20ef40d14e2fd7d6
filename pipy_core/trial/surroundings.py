"""What a script under test has around it instead of sockets and time: a clock that a test turns, upstreams, programs to run."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from pipy_core.events import Event, Failure, StreamEnd
from pipy_core.filter import Branch, Emit
from pipy_core.layout import Report
from pipy_core.limits import DEFAULTS
from pipy_core.testing.clock import FakeClock, FakeTimer
from pipy_core.turn import Turn, Valve

#: What ``Date.now()`` begins with in every test, in seconds: 2025-01-01T00:00:00Z.
START: Final = 1_735_689_600.0
#: Seconds of real time that one test may take.
TEST_LIMIT: Final = 30.0
#: Timers that may fire without the clock going on: more would be a program that runs in circles.
INSTANT_LIMIT: Final = 10_000


class Stuck(Exception):
    """The test does not come to an end."""


class Surroundings(FakeClock):
    """The ``Outside`` of a program under test, and what goes for its reactor.

    :param dial: makes an outbound connection: gets the address as text, the options, and the reply.
    :param spawn: makes a child process: gets the arguments, the reply, and what to call with the exit code.
    :ivar problems: what fails the test whatever it asserts.
    """

    def __init__(self, report: Report, dial: Callable[[str, Any, Emit], Branch], spawn: Callable[..., Branch]) -> None:
        super().__init__()
        self.turn = Turn(_nothing)
        self.limits = DEFAULTS
        self.problems: list[str] = []
        self._report = report
        self._dial = dial
        self._spawn = spawn
        self._zero = START - self.now()
        self._instant = self.now()
        self._fired = 0
        self.extend()

    # -- as Outside -------------------------------------------------------------------------------------------------

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Branch:
        """See ``Host.connect``."""
        host, port = address
        return self._dial(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", options, reply)

    def spawn(self, arguments: Sequence[str], _options: Any, reply: Emit, exited: Callable[[int], None]) -> Branch:
        """See ``Host.spawn``."""
        return self._spawn(arguments, reply, exited)

    def after(self, seconds: float, then: Callable[[], None]) -> FakeTimer:
        """See ``Services.after``."""
        return super().after(max(seconds, 0.0), lambda: self._turn(then))

    # -- turns ------------------------------------------------------------------------------------------------------

    def run(self, step: Callable[..., None], *args: Any) -> list[Valve]:
        """A turn; gives the closed valves that whoever brought its input must wait for."""
        self._guard("turn", step, *args)
        held: list[Valve] = []
        self._guard("flush", lambda: held.extend(self.turn.finish()))
        while self.turn.dirty:
            self._guard("flush", self.turn.flush)
        return held

    def _guard(self, where: str, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except Exception as error:  # noqa: BLE001  # as in the reactor: whatever happens is reported
            self._report(error, where)

    def _turn(self, then: Callable[[], None]) -> None:
        self.run(then)

    def later(self, seconds: float, then: Callable[[], None]) -> FakeTimer:
        """Call *then* outside of any turn; it makes its own."""
        return super().after(max(seconds, 0.0), then)

    # -- time -------------------------------------------------------------------------------------------------------

    @property
    def date(self) -> float:
        """Seconds since 1970, as the script sees it."""
        return self._zero + self.now()

    @date.setter
    def date(self, seconds: float) -> None:
        self._zero = seconds - self.now()

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self.advance(0.0)

    def finish(self) -> None:
        """See ``FakeClock``: a timer has fired.

        :raises Stuck: this goes on and on.
        """
        if self.now() != self._instant:
            self._instant, self._fired = self.now(), 0
        self._fired += 1
        if self._fired > INSTANT_LIMIT:
            raise Stuck("the script runs in circles: timers go off again and again without any time between them")
        self.check_deadline()

    def extend(self) -> None:
        """What follows may take as long as a whole test."""
        self._deadline = time.monotonic() + TEST_LIMIT

    def check_deadline(self) -> None:
        """Has this taken too long?

        :raises Stuck: it has.
        """
        if time.monotonic() > self._deadline:
            raise Stuck(f"the test takes more than {TEST_LIMIT:g} s")

    def until_next(self) -> float | None:
        """Seconds until the next timer goes off; None if there is none."""
        times = [when for when, _, timer in self._timers if timer.then is not None]
        return min(times) - self.now() if times else None


class Inlet:
    """What a peer sends, fed to a program in turns; it waits while the program has enough, as the reader of a socket does.

    :param read_timeout: seconds without an event after which the input ends with ``ReadTimeout``; 0 is never.
    """

    def __init__(self, surroundings: Surroundings, receive: Emit, read_timeout: float = 0.0) -> None:
        self._surroundings = surroundings
        self._receive = receive
        self._waiting: deque[Event] = deque()
        self._closed: list[Valve] = []
        self._scheduled = False
        self._read_timeout = read_timeout
        self._timer: FakeTimer | None = None
        self._ended = False
        self._arm()

    def put(self, event: Event) -> None:
        """Bring *event*, in a turn of its own, soon. What comes behind a StreamEnd is dropped."""
        if self._ended:
            return
        self._ended = isinstance(event, StreamEnd)
        self._waiting.append(event)
        self._schedule()
        self._arm()

    def stop(self) -> None:
        """The program does not listen any more."""
        self._ended = True
        self._waiting.clear()
        self._arm()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._surroundings.later(0.0, self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        while self._waiting and not any(valve.closed for valve in self._closed):
            self._closed = self._surroundings.run(self._receive, self._waiting.popleft())
            for valve in self._closed:
                valve.when_open(self._schedule)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._read_timeout and not self._ended:
            self._timer = self._surroundings.later(self._read_timeout, partial(self.put, StreamEnd(Failure.READ_TIMEOUT)))


def _nothing() -> None:
    """Every turn is flushed at its end: there is nothing to schedule."""
