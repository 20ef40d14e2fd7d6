"""When a child process ends, without a greenlet or a thread that waits for it."""

import os
import subprocess
from collections.abc import Callable
from typing import Any, Final

from pipy_core.net.reactor import Reactor

READ: Final = 1
#: Seconds between two looks at a child, where the system cannot tell when one ends.
LOOK_EVERY: Final = 0.1


class Ending:
    """Watches one child, and reaps it.

    :param ended: gets its exit code, or the negative number of the signal that ended it; in a greenlet of its own.
    """

    def __init__(self, reactor: Reactor, process: "subprocess.Popen[bytes]", ended: Callable[[int], None]) -> None:
        self._reactor = reactor
        self._process = process
        self._ended = ended
        self._descriptor = _descriptor_of(process.pid)
        if self._descriptor is None:
            reactor.after(LOOK_EVERY, self._look_again)
        else:
            self._watcher: Any = reactor.loop.io(self._descriptor, READ)
            self._watcher.start(self._look)

    def _look(self) -> None:
        """Runs in the hub, when it has ended."""
        code = self._process.poll()
        if code is not None:
            assert self._descriptor is not None
            self._watcher.stop()
            self._watcher.close()
            os.close(self._descriptor)
            self._reactor.spawn(self._ended, code)

    def _look_again(self) -> None:
        code = self._process.poll()
        if code is None:
            self._reactor.after(LOOK_EVERY, self._look_again)
        else:
            self._reactor.spawn(self._ended, code)


def _descriptor_of(number: int) -> int | None:
    """A descriptor that is readable when the process of this number has ended; None where the system has no such thing."""
    try:
        return os.pidfd_open(number)
    except (AttributeError, OSError):  # not Linux; too old, forbidden, or there are no descriptors left
        return None
