"""The memory of the process: how much there is and may be, as the system sees it, and how often it is looked through."""

import ctypes
import gc
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from pipy_core.limit_table import MIB
from pipy_core.limits import Limits
from pipy_core.logs import get_logger

#: How many objects more than were freed make the collector look (Python: 700, 10, 10).
COLLECT_AT: Final = (2_000, 10, 5)
#: Memory of a process that nothing limits. V8 does not count ArrayBuffers, so a heap limit alone bounds no script.
MEMORY_LIMIT: Final = 4 * 1024 * 1024 * 1024
#: What a process takes of the memory that the machine or its container has: the rest is for the system and its buffers.
SHARE: Final = 0.9
#: Parts of the limit from which on requests are refused, from which on nothing is accepted, and below which all is well again.
SHORT: Final = 0.85
GONE: Final = 0.95
ENOUGH: Final = 0.80
#: Seconds between two tries to give memory back while it is short.
RELEASE_EVERY: Final = 5.0
#: The files in which a container's limit stands, of cgroups of version 2 and 1. In a container the root is its own group.
_CGROUPS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

_log = get_logger("memory")


def memory_in_use() -> int:
    """Bytes of physical memory that this process has now; the most it ever had where nobody says (Linux without ``/proc``), or
    where no descriptor is left to look it up.
    """
    try:
        return _looked_up()
    except OSError:
        return _most_ever()


def _looked_up() -> int:
    """The same.

    :raises OSError: no descriptor is left.
    """
    try:
        return int(psutil.Process().memory_info().rss)
    except psutil.Error:
        return _most_ever()


def _most_ever() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def settle_memory() -> None:
    """What there is after loading stays: the collector of cycles need not look at it again, nor at every burst of small objects.

    Streams mostly end without leaving cycles: looking as often as Python does cost 5 % of a proxied request.
    """
    gc.unfreeze()  # what an earlier generation has left behind
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


def memory_there_is(root: Path = Path("/")) -> int:
    """Bytes that the machine has, or the container if it may have less; 0 where nobody says.

    :param root: of the file system; for tests.
    """
    sizes = []
    for name in (*_groups_of_this_process(root), *_CGROUPS):
        try:
            text = (root / name.lstrip("/")).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdigit():  # "max" where there is no limit
            sizes.append(int(text))
    try:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError) as error:
        _log.debug(f"the system does not say how much memory there is: {error}")
    return min(sizes, default=0)


def _groups_of_this_process(root: Path) -> list[str]:
    """Where the limit of the cgroup of this process stands, if it is not that of the whole container (a unit of systemd)."""
    try:
        lines = (root / "proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found.append(f"/sys/fs/cgroup{path}/memory.max")
        elif "memory" in controllers.split(","):
            found.append(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
    return found


def memory_limit(limits: Limits, processes: int) -> int:
    """Bytes that this process may have.

    :param processes: how many share what there is.
    """
    if limits.memory_limit:
        return limits.memory_limit * MIB
    there_is = memory_there_is()
    return min(MEMORY_LIMIT, int(there_is * SHARE / processes)) if there_is else MEMORY_LIMIT


class MemoryWatch:
    """Looks, on the first thread, how much memory is used, and says so in ``limits.load``; the reactor reads that without cost.

    :param processes: see ``memory_limit``. :param in_use: tells how much there is now.
    :ivar limit: bytes.
    """

    def __init__(self, limits: Limits, processes: int, in_use: Callable[[], int] = _looked_up) -> None:
        self._load = limits.load
        self._in_use = in_use
        self._released = 0.0
        self.limit = memory_limit(limits, processes)

    def look(self) -> bool:
        """Look; gives whether the process must end, for there is nothing left."""
        try:
            used = self._in_use()
        except OSError:  # no descriptor is left either: what was seen last is true until the next look
            return False
        load = self._load
        load.memory_gone = used > self.limit * GONE
        if used > self.limit * SHORT:
            if not load.memory_short:
                load.memory_short = True
                _log.warning(f"{used >> 20} MB of {self.limit >> 20} MB of memory are used: new requests are refused")
            if time.monotonic() - self._released >= RELEASE_EVERY:
                self._released = time.monotonic()
                release_memory()
        elif load.memory_short and used < self.limit * ENOUGH:
            load.memory_short = False
            _log.info(f"{used >> 20} MB of {self.limit >> 20} MB of memory are used: requests are taken again")
        return used > self.limit


def release_memory() -> None:
    """Look for garbage everywhere, and give the system back what is free: the C library keeps it otherwise."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU C library alone
    if trim is not None:
        trim(0)
