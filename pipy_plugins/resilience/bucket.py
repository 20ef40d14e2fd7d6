"""Token buckets by key, each kept as one number: the time at which it would be full again. Pure: time is given.

What is full again need not be remembered. (The generic cell rate algorithm of ATM: ITU-T I.371.)
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

#: Keys that are remembered; of more, those that were used least recently are forgotten, and begin with a full bucket.
MOST_KEYS: Final = 100_000


class Buckets:
    """Buckets that fill at the same rate.

    :param rate: tokens a second, above 0. :param burst: tokens of a full bucket, at least 1.
    """

    __slots__ = ("_full_at", "_interval", "_tolerance")

    def __init__(self, rate: float, burst: float) -> None:
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1.0) * self._interval
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable, now: float) -> float:
        """Take a token. 0: there was one. Otherwise the seconds after which there is one."""
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - self._tolerance - now
        if wait > 1e-9:  # a token that is there but for rounding is there
            return wait
        self._full_at[key] = full_at + self._interval
        self._full_at.move_to_end(key)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget the oldest while they are full, two of them at most: that keeps up with one new key a call."""
        for _ in range(2):
            key, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= MOST_KEYS:
                return
            del self._full_at[key]
            if not self._full_at:
                return
