"""``algo.HashingLoadBalancer``: gives equal keys the same target (spec: api.md, 7).

The same in all workers and after a restart, as long as the targets are; keys that are objects are only the same within a worker.
If that one target is unhealthy there is none. ``add`` moves most keys to other targets.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.HashingLoadBalancer``."""
    registry.add_script("algo/hashing.js", script("hashing", "arguments", "hashing_value"), typings("hashing"))
