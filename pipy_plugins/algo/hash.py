"""``algo.hash(value)``: a whole number from 0 to 2^53 - 1 for any value (spec: api.md, 7).

Equal strings, numbers and booleans have equal hashes, in all workers and after a restart; objects keep theirs for their life.
Not for security: who knows the function can choose values that share a hash.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.hash``."""
    registry.add_script("algo/hash.js", script("hash", "hashing_value"), typings("hash"))
