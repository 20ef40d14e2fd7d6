"""TypeScript declarations of what the core itself gives to scripts: ``runtime/core.d.ts``."""

from importlib import resources


def core_typings() -> str:
    """The text of the declarations."""
    source = resources.files("pipy_core.script.runtime") / "core.d.ts"
    return source.read_text("utf-8") if source.is_file() else ""
