"""How many retries there may be: a share of the requests of the last ten seconds, and a few a second in any case. Pure.

Without it retries multiply the load of a service that is failing because of its load (as Finagle and Linkerd have it).
"""

from typing import Final

#: Seconds that are looked back on.
WINDOW: Final = 10


class Budget:
    """One budget.

    :param percent: retries for 100 requests. :param per_second: retries a second that are always allowed.
    """

    __slots__ = ("_percent", "_requests", "_reserve", "_retries", "_second")

    def __init__(self, percent: float, per_second: float) -> None:
        self._percent = percent
        self._reserve = per_second * WINDOW
        self._second = 0  # the last one that was counted in
        self._requests = [0] * WINDOW  # by second, modulo the window
        self._retries = [0] * WINDOW

    def deposit(self, now: float) -> None:
        """There was a request."""
        self._forget(now)
        self._requests[self._second % WINDOW] += 1

    def withdraw(self, now: float) -> bool:
        """Take one retry; false if there is none left."""
        self._forget(now)
        if sum(self._retries) + 1 > sum(self._requests) * self._percent / 100 + self._reserve:
            return False
        self._retries[self._second % WINDOW] += 1
        return True

    def _forget(self, now: float) -> None:
        second = int(now)
        if second == self._second:
            return
        for past in range(max(self._second, second - WINDOW) + 1, second + 1):
            self._requests[past % WINDOW] = self._retries[past % WINDOW] = 0
        self._second = max(second, self._second)
