"""``JSON``: ECMAScript's, and what scripts of the original rely on besides (spec: api.md, 5).

* ``JSON.parse(text)`` and ``JSON.decode(data)`` give ``undefined`` for anything that is not JSON; they throw only for an argument
  of the wrong type. ``decode`` gives ``undefined`` for ``null``, the body of a message that has none.
* ``JSON.encode(value, replacer, space)`` is ``stringify`` that gives a ``Data``.
* A replacer function gets the owner as third argument (``null`` for the outermost value).
* A value inside itself is written as ``null`` instead of throwing.

Numbers, strings, ``toJSON`` and indentation are ECMAScript's, not the original's six decimals.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add to the global ``JSON``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"json_global{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("json_global.js", source, typings)
