"""The memory of the process: how much there is, as the system sees it, and how often it is looked through."""

import gc
import resource
import sys
from pathlib import Path
from typing import Final

#: How many objects more than were freed make the collector look (Python: 700, 10, 10).
COLLECT_AT: Final = (2_000, 10, 5)


def memory_in_use() -> int:
    """Bytes of physical memory that this process has now; the most it ever had where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def settle_memory() -> None:
    """What there is after loading stays: the collector of cycles need not look at it again, nor at every burst of small objects.

    Streams mostly end without leaving cycles: looking as often as Python does cost 5 % of a proxied request.
    """
    gc.unfreeze()  # what an earlier generation has left behind
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)
