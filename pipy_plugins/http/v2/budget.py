"""What a peer may ask for without getting anything done: so many pings, resets, empty frames, and no more.

Everything that costs us work and brings no request forward is paid from a budget. It fills up with time and with what the peer gets
done, so a busy connection may cancel many requests, and one that does nothing but cancel is ended (CVE-2023-44487, CVE-2025-8671,
CVE-2019-9511 to 9518).
"""

from collections.abc import Callable
from typing import Final

from h2.exceptions import DenialOfServiceError

#: Points that a connection begins with, and the most it can have. Envoy: 1,000 control frames, 500 streams of which half are reset.
BUDGET: Final = 2000
#: Points it gets back each second.
REFILL: Final = 100
#: What things cost: a frame that brings nothing forward; a stream that is begun in vain.
FRAME: Final = 1
WASTED_STREAM: Final = 10
#: What things earn: a response; a frame of a body, which the peer may acknowledge by WINDOW_UPDATEs.
RESPONSE: Final = 12
BODY_FRAME: Final = 4


class Budget:
    """One connection's."""

    __slots__ = ("_left", "_now", "_since")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since = now()
        self._left: float = BUDGET

    def spend(self, points: int) -> None:
        """Pay.

        :raises DenialOfServiceError: it cannot; the connection is to be ended.
        """
        self._left -= points
        if self._left < 0:
            now = self._now()
            self._left = min(BUDGET, self._left + (now - self._since) * REFILL)
            self._since = now
            if self._left < 0:
                raise DenialOfServiceError("more control frames or cancelled streams than there is a use for")

    def earn(self, points: int) -> None:
        """Something was got done."""
        self._left = min(BUDGET, self._left + points)
