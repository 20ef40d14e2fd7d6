"""A circuit breaker: after many failures nothing is tried for a while, then a little. Pure: time is given.

::

    closed --failures in a row--> open --time--> half open --successes--> closed
                                   ^------------- failure ----'
"""

from enum import Enum
from typing import Final, NamedTuple


class State(Enum):
    """See the module."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


#: Seconds after which somebody who was refused for lack of room may come again: nobody knows better.
_SOON: Final = 1.0


class Terms(NamedTuple):
    """When it opens and for how long.

    :ivar probes: how many may be unsettled while it is half open, and how many of them must succeed.
    :ivar room: how many may be under way at any time; 0: any number.
    """

    failures: int
    open_for: float
    probes: int
    room: int


class Breaker:
    """One circuit.

    :ivar active: how many are under way. :ivar epoch: changes with the state; what began in another one says nothing any more.
    """

    __slots__ = ("_failures", "_probing", "_successes", "_terms", "_until", "active", "epoch", "state")

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.state = State.CLOSED
        self.active = 0
        self.epoch = 0
        self._failures = 0
        self._successes = 0
        self._probing = 0  # how many began in this epoch while it is half open, and are not settled
        self._until = 0.0

    def enter(self, now: float) -> float:
        """Begin something. 0: do so, remember ``epoch``, ``settle`` it, and ``leave``. Else seconds after which to come again."""
        terms = self._terms
        if self.state is State.OPEN:
            if now < self._until:
                return self._until - now
            self._change(State.HALF_OPEN)
        if (self.state is State.HALF_OPEN and self._probing >= terms.probes) or 0 < terms.room <= self.active:
            return _SOON
        self.active += 1
        self._probing += self.state is State.HALF_OPEN
        return 0.0

    def settle(self, epoch: int, good: bool | None, now: float) -> bool:
        """It goes well, or not, or nobody will know (None). Gives whether that has opened the circuit."""
        if epoch != self.epoch:
            return False
        self._probing -= self.state is State.HALF_OPEN
        if good is None:
            return False
        if good:
            self._succeeded()
            return False
        self._failures += 1
        if self.state is State.CLOSED and self._failures < self._terms.failures:
            return False
        self._until = now + self._terms.open_for
        self._change(State.OPEN)
        return True

    def leave(self) -> None:
        """Something that was begun is over."""
        self.active -= 1

    @property
    def idle(self) -> bool:
        """Whether it is as it was in the beginning: it need not be kept."""
        return self.state is State.CLOSED and not (self.active or self._failures)

    def _succeeded(self) -> None:
        self._failures = 0
        if self.state is State.HALF_OPEN:
            self._successes += 1
            if self._successes >= self._terms.probes:
                self._change(State.CLOSED)

    def _change(self, state: State) -> None:
        self.state = state
        self._failures = self._successes = self._probing = 0
        self.epoch += 1
