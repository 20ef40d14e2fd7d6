"""``algo.LeastWorkLoadBalancer``: gives the target with the fewest open selections for its weight (spec: api.md, 7).

Weights are cut to integers. A selection stays open until ``deselect(target)``; a script that forgets it makes this a round robin.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.LeastWorkLoadBalancer``."""
    registry.add_script("algo/least_work.js", script("least_work", "arguments"), typings("least_work"))
