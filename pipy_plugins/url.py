"""``URL`` and ``URLSearchParams``, as the original has them (spec: api.md, 6), with the standard's harmless rest.

Where they differ from browsers: nothing is refused or normalised, ``protocol`` is ``http:`` if there is none, ``port`` is the
scheme's usual one if none is given, ``+`` in a query is a plus, repeated names stand together, and ``..`` stays. The parts of a
URL are read-only; its ``searchParams`` are a copy, and changing them does not change the URL.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the globals ``URL`` and ``URLSearchParams``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"url{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("url.js", source, typings)
