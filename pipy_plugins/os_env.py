"""``os.env``: the environment of the process as it was at the start (spec: api.md, 3)."""

import os
from importlib.resources import files

from pipy_core.api import Registry, hookimpl


def environment() -> dict[str, str]:
    """The environment variables as text. Bytes that are not UTF-8 become U+FFFD, since scripts cannot hold them."""
    return {_text(name): _text(value) for name, value in os.environ.items()}


def _text(word: str) -> str:
    return os.fsencode(word).decode("utf-8", "replace")


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``env`` to the global ``os``."""
    registry.add_function("os.env", environment)
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"os_env{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("os_env.js", source, typings)
