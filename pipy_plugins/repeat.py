"""``repeat(count, callback)``: a loop for scripts that are one expression (spec: api.md, 1.2).

Calls ``callback(i)`` for i = 0, 1, ... until *count* is reached or the result is falsy, and gives the last result.
``repeat(callback)`` has no count: only the callback, or the CPU budget of a script call, ends it.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``repeat``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"repeat{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("repeat.js", source, typings)
