"""TypeScript declarations of what test files see: ``kit.d.ts``."""

from importlib import resources


def kit_typings() -> str:
    """The text of the declarations."""
    return (resources.files("pipy_core.trial") / "kit.d.ts").read_text("utf-8")
