"""``Netmask``: a block of IPv4 addresses (spec: api.md, 6)."""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``Netmask``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"netmask{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("netmask.js", source, typings)
