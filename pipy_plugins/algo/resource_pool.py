"""``algo.ResourcePool``: lends resources, made when there is none to reuse (spec: api.md, 7).

Freed resources are kept for reuse until the program ends, so it is as large as the most that were ever in use at the same time.
Nothing limits how many that are: allocate for what is limited itself, such as connections.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.ResourcePool``."""
    registry.add_script("algo/resource_pool.js", script("resource_pool", "arguments"), typings("resource_pool"))
