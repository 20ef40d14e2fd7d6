"""``Netmask``: a block of IPv4 addresses (spec: api.md, 6)."""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``Netmask``."""
    registry.add_script("netmask.js", files("pipy_plugins").joinpath("netmask.js").read_text("utf-8"))
