#!/usr/bin/env python3
"""Write ``docs/filters.md``, the reference of all filters that come with Pipy, from what they declare.

``--check`` writes nothing and says whether the page is up to date; the exit code is 1 if it is not.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pipy_core.context import UNDEFINED
from pipy_core.kinds import Kind, OneOf
from pipy_core.params import REQUIRED, Options, Param
from pipy_core.plugins import Plugins, installed
from pipy_core.reference import signature
from pipy_core.registry import FilterSpec, Registry

PAGE: Final = Path(__file__).parents[2] / "docs" / "filters.md"

HEAD: Final = """\
# Filters

<!-- Written by contrib/docs/generate.py from what the filters declare; changes made here by hand are lost. -->

Every filter that comes with Pipy, by group. `pipy --list-filters` and `pipy --help-filters` show the same for what is installed on
your machine, plugins of others included.

A parameter in brackets may be left out. Where *a function* is accepted beside a value, the function is called, in the script
variables of the stream, when the value is needed. Durations are seconds or strings such as `'5s'`, `'1.5m'`, `'2h'`; sizes are
bytes or strings such as `'64k'`, `'8m'`.
"""


def built_in() -> Registry:
    """What Pipy itself brings, without the plugins of others that happen to be installed."""
    registry = Registry()
    Plugins().load(registry, [each for each in installed() if each.built_in])
    return registry


def render(registry: Registry) -> str:
    """The page, for all filters of *registry*."""
    groups = sorted(registry.filters(), key=lambda spec: spec.group)
    parts = [HEAD, *_contents(groups)]
    for group, specs in groupby(groups, key=lambda spec: spec.group):
        parts.append(f"\n## {group[:1].upper()}{group[1:]}\n")
        parts.extend(part for spec in specs for part in _filter(spec))
    return "".join(parts)


def _contents(groups: Iterable[FilterSpec]) -> Iterator[str]:
    yield "\n| group | filters |\n|---|---|\n"
    for group, specs in groupby(groups, key=lambda spec: spec.group):
        yield f"| {group} | {' '.join(f'[{spec.name}](#{spec.name.lower()})' for spec in specs)} |\n"


def _filter(spec: FilterSpec) -> Iterator[str]:
    yield f"\n### {spec.name}\n\n"
    yield "```js\n" + "".join(f".{signature(spec.name, form)}\n" for form in spec.forms) + "```\n"
    yield f"\n{' '.join(spec.help.split())}\n"
    rows = list(dict.fromkeys(row for form in spec.forms for param in form for row in _rows(param)))
    if rows:
        yield "\n| parameter | is | default | |\n|---|---|---|---|\n" + "".join(rows)


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


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Write docs/filters.md from what the filters declare.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 unless the page is up to date")
    check = parser.parse_args().check
    page = render(built_in())
    if not check:
        PAGE.write_text(page, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != page:
        sys.stderr.write(f"{PAGE} is out of date: run {sys.argv[0]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
