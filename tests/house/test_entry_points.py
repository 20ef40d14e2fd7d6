"""Every built-in plugin is declared as an entry point, and nothing else is: they come in by the same door as everybody's."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def implements_a_hook(path: Path) -> bool:
    """Whether a function at the top of the module is marked with ``@hookimpl``."""
    return any(
        isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.unparse(mark) for mark in node.decorator_list)
        for node in ast.parse(path.read_text()).body
    )


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_the_table_and_the_modules_agree() -> None:
    modules = {module_name(path) for path in (ROOT / "pipy_plugins").rglob("*.py") if implements_a_hook(path)}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pipy"]
    assert modules
    assert declared == {name.removeprefix("pipy_plugins."): name for name in sorted(modules)}
    assert list(declared) == sorted(declared)
