"""The pages of the reference, as Markdown: one for each filter, one for each global, and two that list them. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pipy_core.context import UNDEFINED
from pipy_core.kinds import Kind, OneOf
from pipy_core.params import REQUIRED, Options, Param
from pipy_core.reference.declarations import Declaration
from pipy_core.reference.examples import Example
from pipy_core.reference.terminal import signature
from pipy_core.registry import FilterSpec

WRITTEN: Final = "<!-- Written by contrib/docs/generate.py from what the plugins declare; changes made here by hand are lost. -->"

FILTERS: Final = f"""\
# Filters

{WRITTEN}

Every filter that comes with Pipy, by group. `pipy --list-filters` and `pipy --help-filters` show the same for what is installed on
your machine, plugins of others included.

On their pages, a parameter in brackets may be left out. Where *a function* is accepted beside a value, the function is called, in
the script variables of the stream, when the value is needed. Durations are seconds or strings such as `'5s'`, `'1.5m'`, `'2h'`;
sizes are bytes or strings such as `'64k'`, `'8m'`. Each page ends with an example: a script, and a
[test](testing-scripts.md) that shows what it does.
"""

GLOBALS: Final = f"""\
# Globals

{WRITTEN}

What scripts find without declaring it, besides all of ECMAScript. The pages show declarations in TypeScript, and so does
`pipy types`, for what is installed on your machine.
"""


def filter_index(specs: Iterable[FilterSpec]) -> str:
    """The page that lists all filters."""
    parts = [FILTERS]
    for group, members in groupby(sorted(specs, key=lambda spec: (spec.group, spec.name)), key=lambda spec: spec.group):
        parts.append(f"\n## {group[:1].upper()}{group[1:]}\n\n| | |\n|---|---|\n")
        parts += (f"| [{spec.name}](filters/{spec.name}.md) | {_sentence(spec.help)} |\n" for spec in members)
    return "".join(parts)


def filter_page(spec: FilterSpec, example: Example | None) -> str:
    """The page of one filter."""
    parts = [f"# {spec.name}\n\n{WRITTEN}\n\n```js\n"]
    parts += (f".{signature(spec.name, form)}\n" for form in spec.forms)
    parts.append(f"```\n\n{' '.join(spec.help.split())}\n")
    rows = list(dict.fromkeys(row for form in spec.forms for param in form for row in _rows(param)))
    if rows:
        parts += ["\n| parameter | is | default | |\n|---|---|---|---|\n", *rows]
    if example is not None:
        parts.append(f"\n## Example\n\n```js\n{example.script}```\n\nWhat it does, as a test:\n\n```js\n{example.test}```\n")
    return "".join(parts)


def global_index(found: Mapping[str, Sequence[Declaration]]) -> str:
    """The page that lists all globals."""
    rows = (f"| [{name}](globals/{name}.md) | {_sentence(_summary(parts))} |\n" for name, parts in sorted(found.items()))
    return "".join([GLOBALS, "\n| | |\n|---|---|\n", *rows])


def global_page(name: str, found: Sequence[Declaration], test: str) -> str:
    """The page of one global.

    :param test: what it does, as a test.
    """
    declared = "\n\n".join(each.text for each in found)
    parts = [f"# {name}\n\n{WRITTEN}\n\n{_summary(found)}\n\n```ts\n{declared}\n```\n"]
    parts.append("\n## Example\n")
    parts += (f"\n```js\n{example}\n```\n" for each in found for example in each.examples)
    parts.append(f"\nWhat it does, as a test:\n\n```js\n{test}```\n")
    return "".join(parts)


def _summary(found: Sequence[Declaration]) -> str:
    return next((each.summary for each in found if each.summary), "")


def _sentence(words: str) -> str:
    return " ".join(words.split()).partition(". ")[0].rstrip(".").replace("|", "\\|")


def _rows(param: Param, prefix: str = "") -> Iterator[str]:
    settings = _options(param.kind)
    if settings is None or param.help != "named settings":  # the words for options that have nothing else to say
        cells = (f"`{prefix}{param.name}`", param.kind.words, _default(param), param.help)
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"
    for setting in settings.options if settings else ():
        yield from _rows(setting, f"{prefix}{param.name}.")


def _options(kind: Kind) -> Options | None:
    kinds = kind.kinds if isinstance(kind, OneOf) else (kind,)
    return next((each for each in kinds if isinstance(each, Options)), None)


def _default(param: Param) -> str:
    value: Any = param.default
    if value is REQUIRED:
        return "required"
    if value is None or value is UNDEFINED or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return "unlimited" if math.isinf(value) else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return f"`'{value}'`" if isinstance(value, str) else f"`{value!r}`"
