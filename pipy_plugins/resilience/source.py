"""Where the JavaScript of this package is."""

from importlib.resources import files


def script(name: str) -> str:
    """The script source of ``<name>.js``."""
    return files("pipy_plugins.resilience").joinpath(f"{name}.js").read_text("utf-8")


def typings(name: str) -> str:
    """The typings of ``<name>.d.ts``."""
    return files("pipy_plugins.resilience").joinpath(f"{name}.d.ts").read_text("utf-8")
