"""``algo.Percentile``: counts samples in buckets and tells the bound below which a percentage of them is (spec: api.md, 7).

Samples above the last bound are not counted.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.Percentile``."""
    registry.add_script("algo/percentile.js", script("percentile", "arguments"), typings("percentile"))
