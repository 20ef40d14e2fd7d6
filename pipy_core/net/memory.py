"""How much memory the process has, as the system sees it."""

import resource
import sys
from pathlib import Path


def memory_in_use() -> int:
    """Bytes of physical memory that this process has now; the most it ever had where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
