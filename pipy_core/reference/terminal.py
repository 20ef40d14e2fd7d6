"""The filters of a registry as text for people: what ``--list-filters`` and ``--help-filters`` print. Pure."""

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from pipy_core.params import REQUIRED, Form, Options, Param
from pipy_core.reference.examples import Example
from pipy_core.registry import FilterSpec

_WIDTH: Final = 100


def overview(specs: Iterable[FilterSpec]) -> str:
    """The filters group by group: their names and, in a sentence, what they are for."""
    lines = []
    for group, members in groupby(sorted(specs, key=lambda spec: (spec.group, spec.name)), key=lambda spec: spec.group):
        lines.append(f"{group}:")
        for spec in members:
            sentence = " ".join(spec.help.split()).partition(". ")[0].rstrip(".")
            lines += textwrap.wrap(f"  {spec.name:<24}  {sentence}", _WIDTH, subsequent_indent=" " * 28)
        lines.append("")
    return "\n".join(lines)


def describe(spec: FilterSpec, example: Example | None = None) -> str:
    """All about one filter: the forms a call may take, what it does, its parameters, an example, who brought it."""
    lines = [signature(spec.name, form) for form in spec.forms]
    lines += ["", *textwrap.wrap(" ".join(spec.help.split()), _WIDTH, initial_indent="    ", subsequent_indent="    "), ""]
    shown: list[Param] = []
    for form in spec.forms:
        for param in form:
            if param not in shown:
                shown.append(param)
                lines += _parameter(param, 4)
    if shown:
        lines.append("")
    if example is not None:
        told = f"{example.script}\n// What it does, as a test:\n\n{example.test}"
        lines += ["    Example:", "", *textwrap.indent(told, " " * 8).splitlines(), ""]
    lines += [f"    Group {spec.group}, from plugin {spec.plugin}.", ""]
    return "\n".join(lines)


def signature(name: str, form: Form) -> str:
    """A form of a call: ``link(target, condition, ...)``. What is in brackets may be left out, what is before dots repeated."""
    words = [param.name if param.default is REQUIRED else f"[{param.name}]" for param in form]
    if any(param.variadic for param in form):
        words.append("...")
    return f"{name}({', '.join(words)})"


def _parameter(param: Param, indent: int) -> list[str]:
    """A line with name, what is expected and what holds without it; its help; the properties of an object below it."""
    kind = param.kind
    wanted = kind.words
    if param.default is REQUIRED:
        wanted += "; required"
    elif not isinstance(kind, Options):
        wanted += f"; default: {_value(param.default)}"
    lines = [f"{' ' * indent}{param.name:<20}  {wanted}"]
    lines += textwrap.wrap(" ".join(param.help.split()), _WIDTH, initial_indent=" " * 26, subsequent_indent=" " * 26)
    if isinstance(kind, Options):
        for option in kind.options:
            lines += _parameter(option, indent + 2)
    return lines


def _value(default: Any) -> str:
    """A default in the words of a script."""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return repr(default) if isinstance(default, str) else str(default)
