"""A reactor on the test's own thread."""

from collections.abc import Callable
from typing import Any

import gevent

from pipy_core.net.reactor import Reactor

#: Seconds after which a test that waits for something has failed.
PATIENCE = 30.0


class Bench(Reactor):
    """A reactor that remembers what was reported to it."""

    __slots__ = ("reports",)

    def __init__(self) -> None:
        super().__init__(self.remember)
        self.reports: list[tuple[str, BaseException]] = []

    def remember(self, error: BaseException, where: str) -> None:
        self.reports.append((where, error))

    def until(self, condition: Callable[[], object]) -> None:
        """Let the hub run until *condition* holds. It has to come to rest in between: a loop that never does starves all threads."""
        with gevent.Timeout(PATIENCE):
            while not condition():
                gevent.sleep(0.0005)

    def later(self, step: Callable[..., None], *args: Any) -> None:
        """Run *step* in a turn."""
        self.spawn(self.run, step, *args)

    def pass_by(self) -> None:
        """Let everything that is due happen: a few rounds of the loop."""
        for _ in range(10):
            gevent.sleep(0)
