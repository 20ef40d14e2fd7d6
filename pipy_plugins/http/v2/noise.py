"""What a server may send that brings no response forward: pings, settings, empty frames. So many in a time, and no more."""

from collections.abc import Callable
from typing import Final

from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.wire import BrokenConnection

MAX_NOISE: Final = 1000
SECONDS: Final = 10.0


class Noise:
    """One connection's. A server that is busy or does this rarely is not bothered.

    :param now: the clock.
    """

    __slots__ = ("_now", "_number", "_since")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since = now()
        self._number = 0

    def count(self) -> None:
        """One more.

        :raises BrokenConnection: it is too much.
        """
        self._number += 1
        if self._number > MAX_NOISE:
            now = self._now()
            if now - self._since < SECONDS:
                raise BrokenConnection(wire.ENHANCE_YOUR_CALM, "too many frames about nothing")
            self._number = 0
            self._since = now

    def stop(self) -> None:
        """A message went on."""
        self._number = 0
