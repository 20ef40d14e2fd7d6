"""Where the JavaScript of this package is."""

from importlib.resources import files

from pipy_core.api import Registry


def add(registry: Registry, name: str) -> None:
    """Add the script source ``<name>.js`` with the typings beside it."""
    folder = files("pipy_plugins.crypto")
    source = folder.joinpath(f"{name}.js").read_text("utf-8")
    registry.add_script(f"crypto/{name}.js", source, folder.joinpath(f"{name}.d.ts").read_text("utf-8"))
