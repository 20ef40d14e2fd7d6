"""``algo.RoundRobinLoadBalancer``: gives each target its weight in every round, spread over the round (spec: api.md, 7).

Targets whose weight is 0, or for which the cache of unhealthy ones has something true, are left out. Among the others the one with
the fewest hits for its weight is next, the first named if there are several. Weights may be fractions.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.RoundRobinLoadBalancer``."""
    registry.add_script("algo/round_robin.js", script("round_robin", "arguments"), typings("round_robin"))
