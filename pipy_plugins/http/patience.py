"""How long a client is waited for, and how many requests it may have: what every connection that speaks HTTP is asked about.

Nothing of this costs a timer: whoever looks at all connections now and then asks ``look`` (see ``Guard``), which tells from the
state of the connection what the client is waited for, and since when. While something comes only ``fresh`` is set.
"""

import math
import sys
from abc import abstractmethod
from enum import Enum
from typing import Final

from pipy_core.api import Filter, FirstWords, Guard

_REFUSALS: Final = {413: "body size", 414: "header size", 431: "header size", 503: "memory"}


class Wait(Enum):
    """What a client is waited for, and what is counted if that takes too long."""

    NOTHING = ""
    HEAD = "header timeout"
    BODY = "body timeout"
    NEXT = "idle timeout"


NOTHING, HEAD, BODY, NEXT = Wait


def refusal(status: int) -> str:
    """What is counted when we refuse a request with *status*."""
    return _REFUSALS.get(status, "protocol")


class Patient(Filter, Guard):
    """One connection of a client. :ivar retiring: see ``ClientConnection``."""

    begins = True

    def begin(self) -> None:
        """See ``Filter``."""
        # What changes later is here from the beginning: CPython gives objects that grow a dictionary of their own, and reads of it,
        # or of the class, cost several times as much as reads of what it has foreseen.
        self.fresh = self.retiring = False
        self.due = 0.0
        self._requests = 0  # requests so far
        self._seen = -1  # the same, when it was last looked at
        self._waits = NOTHING
        self.now = self.host.clock.now
        group = self.host.context.group
        self._limits = limits = group.limits
        self._load = limits.load
        self._most = limits.max_requests or sys.maxsize
        if group.guard is None or isinstance(group.guard, FirstWords):
            group.guard = self

    def close(self) -> None:
        """See ``Filter``."""
        group = self.host.context.group
        if group.guard is self:
            group.guard = None

    @abstractmethod
    def waits_for(self) -> Wait:
        """What the client is waited for."""

    @property
    def idle(self) -> bool:
        """See ``Guard``."""
        return self.waits_for() is NEXT

    def look(self, now: float, held: bool) -> str:
        """See ``Guard``."""
        waits = NOTHING if held else self.waits_for()
        if waits is self._waits and self._requests == self._seen and not (self.fresh and waits is BODY):
            self.fresh = False
            return waits.value if now >= self.due else ""
        self.fresh = False
        self._waits = waits
        self._seen = self._requests
        self.due = now + self._patience(waits)
        return ""

    def _patience(self, waits: Wait) -> float:
        if waits is NOTHING:
            return 0.0
        limits = self._limits
        seconds = {HEAD: limits.header_timeout, BODY: limits.body_timeout, NEXT: limits.idle_timeout}[waits]
        return seconds or math.inf

    def refused(self, status: int) -> None:
        """Count that a request was answered with *status* because of what the client has sent, or not sent."""
        self.tell(refusal(status))

    def tell(self, cause: str) -> None:
        """Count something; see ``limits.CAUSES``."""
        self.host.context.group.tally.refuse(cause)

    def wear_out(self) -> None:
        """This request is the last one that the connection may have."""
        if not self.retiring:
            self.retiring = True
            self.tell("requests")
