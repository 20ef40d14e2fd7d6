"""How long modules, classes and functions may get, and who is exempt. The list of exemptions can only shrink."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = 250
MODULE_OF_A_PLUGIN_PACKAGE = 300
CLASS = 250
PUBLIC_METHODS = 12
FUNCTION = 40

#: What is longer, how long it may be, and why. "path" is a module, "path:Name" a class, "path:name()" a function.
EXEMPT: dict[str, tuple[int, str]] = {
    "pipy_core/filter.py:Host public methods": (19, "all that a filter may ask for, in one place to read"),
    "pipy_core/pipeline.py:Pipeline public methods": (23, "the Host of its filters and the Branch of whoever started it"),
    "pipy_core/testing/tape.py:Tape public methods": (14, "all that can happen to a stream, in one place to read"),
}


def sources() -> list[Path]:
    return sorted([*(ROOT / "pipy_core").rglob("*.py"), *(ROOT / "pipy_plugins").rglob("*.py")])


def excesses() -> Iterator[tuple[str, int]]:
    """Everything that is over its ceiling, and its size."""
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text()
        in_plugin_package = name.startswith("pipy_plugins/") and name.count("/") > 1
        length = text.count("\n")
        if length > (MODULE_OF_A_PLUGIN_PACKAGE if in_plugin_package else MODULE):
            yield name, length
        for node in ast.walk(ast.parse(text)):
            yield from _excess_of(node, name)


def _excess_of(node: ast.AST, name: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = _length(node)
        if length > FUNCTION:
            yield f"{name}:{node.name}()", length
    if isinstance(node, ast.ClassDef):
        length = _length(node)
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]
        if length > CLASS:
            yield f"{name}:{node.name}", length
        if len(methods) > PUBLIC_METHODS:
            yield f"{name}:{node.name} public methods", len(methods)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_nothing_grows_over_its_ceiling() -> None:
    over = {name: size for name, size in excesses() if size > EXEMPT.get(name, (0, ""))[0]}
    assert over == {}


def test_no_exemption_is_kept_that_is_not_needed() -> None:
    needed = dict(excesses())
    assert {name for name in EXEMPT if name not in needed} == set()
    assert all(reason for _, reason in EXEMPT.values())


def test_a_function_that_is_too_long_is_found() -> None:
    body = "\n".join(["    x = 1"] * FUNCTION)
    tree = ast.parse(f"class A:\n  def short(self):\n    pass\n\ndef long():\n{body}\n")
    assert [name for node in ast.walk(tree) for name, _ in _excess_of(node, "m.py")] == ["m.py:long()"]


def test_a_class_with_too_many_methods_is_found() -> None:
    methods = "\n".join(f"  def m{number}(self): ..." for number in range(PUBLIC_METHODS + 1))
    tree = ast.parse(f"class A:\n  def _hidden(self): ...\n{methods}\n")
    assert [name for node in ast.walk(tree) for name, _ in _excess_of(node, "m.py")] == ["m.py:A public methods"]
