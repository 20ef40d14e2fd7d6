"""``repeat(count, callback)``: a loop for scripts that are one expression (spec: api.md, 1.2).

Calls ``callback(i)`` for i = 0, 1, ... until *count* is reached or the result is falsy, and gives the last result.
``repeat(callback)`` has no count: only the callback, or the CPU budget of a script call, ends it.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``repeat``."""
    registry.add_script("repeat.js", files("pipy_plugins").joinpath("repeat.js").read_text("utf-8"))
