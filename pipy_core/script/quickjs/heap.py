"""How much memory the scripts of a QuickJS hold, and when it is too much. QuickJS itself only refuses to give more.

What it refuses a script may catch, and where not even an error finds room it throws ``null``. So its own limit stands a quarter
above the heap limit: a call never has less than that for itself, and what is *held* between calls beyond the heap limit ends the
process, whatever the script makes of errors.
"""

import resource
import sys
from collections.abc import Callable
from typing import Any, Final

from pipy_core.script.quickjs.binding import memory_meter

#: An error that QuickJS has thrown for want of memory, as the entry function reports it.
_FULL_ANSWER: Final = b'!{"kind":"InternalError","message":"out of memory"'
#: Thrown by a script, or by QuickJS when there was no memory for an error either.
_NULL_ANSWER: Final = b'!{"kind":"Error","message":"thrown: null"'


class Heap:
    """The memory of one QuickJS.

    :param context: it is given its limit here.
    :param limit: bytes that scripts may hold, ArrayBuffers included.
    :ivar limit: the same. :ivar meter: tells what is in use, at no cost; None where this build does not allow it.
    """

    def __init__(self, context: Any, limit: int) -> None:
        self.limit = limit
        most = limit + limit // 4
        context.set_memory_limit(most)
        self._collect: Callable[[], None] = context.gc
        self.meter = memory_meter(context, most)
        self._in_use: Callable[[], int] = self.meter or (lambda: context.memory()["malloc_size"])
        self._exceeded_by = 0  # the number of a call
        self._peak = _peak()  # of the process, when the heap was looked at

    def watch(self, running: int) -> None:
        """Look while the call with the number *running* runs; on any thread. Only the meter can be read then."""
        if self.meter is not None and self.meter() > self.limit:
            self._exceeded_by = running

    def is_full(self) -> bool:
        """Whether scripts hold more than they may, garbage aside. No call may be running."""
        self._peak = _peak()
        if self._in_use() <= self.limit:
            return False
        self._collect()
        return self._in_use() > self.limit

    def has_failed(self, fault: bytes, number: int) -> bool:
        """Whether call number *number*, which gave *fault*, has failed for want of memory."""
        if fault.startswith(_FULL_ANSWER):
            return True
        if fault.startswith(_NULL_ANSWER):  # what the call held is free again: but it may have been seen, or have left its mark
            grown = _peak() - self._peak > self.limit // 8
            if grown or self._exceeded_by == number or self._in_use() > self.limit // 4 * 3:
                return True
        return self.is_full()


def _peak() -> int:
    """The most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
