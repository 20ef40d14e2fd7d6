"""``algo.Cache``: a map that forgets what was not used for longest (spec: api.md, 7).

``new algo.Cache([limit,] [create] [, destroy])``: without *limit*, or with 0, it grows without bound. The limit holds for ``set``
only: what ``get`` creates stays until the next ``set`` of a new key, or until it is removed. A script that creates an entry for
whatever a client sends must give a limit and ``set``, or ``remove`` and ``clear`` what it no longer needs.

Keys are compared by value if they are strings, numbers or booleans, and by identity otherwise: ``1`` is not ``"1"``.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.Cache``."""
    registry.add_script("algo/cache.js", script("cache", "arguments"), typings("cache"))
