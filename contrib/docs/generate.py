#!/usr/bin/env python3
"""Write the reference, ``docs/filters/``, ``docs/globals/`` and the pages that list them, from what our plugins declare.

``--check`` writes nothing and says which pages are not up to date; the exit code is 1 if there are any.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from pipy_core.plugins import Plugins, installed
from pipy_core.reference import pages
from pipy_core.reference.declarations import declarations
from pipy_core.reference.examples import example_of
from pipy_core.registry import Registry
from pipy_core.script.typings import core_typings

DOCS: Final = Path(__file__).parents[2] / "docs"
#: Hand-written: a test for each global. The examples of filters are beside the filters.
EXAMPLES: Final = DOCS / "examples"


def built_in() -> Registry:
    """What Pipy itself brings, without the plugins of others that happen to be installed."""
    registry = Registry()
    Plugins().load(registry, [each for each in installed() if each.built_in])
    return registry


def render(registry: Registry, core: str) -> dict[str, str]:
    """All pages by their paths below ``docs``."""
    specs = list(registry.filters())
    found = declarations([core, *(source.typings for source in registry.sources())])
    result = {"filters.md": pages.filter_index(specs), "globals.md": pages.global_index(found)}
    result |= {f"filters/{spec.name}.md": pages.filter_page(spec, example_of(spec)) for spec in specs}
    result |= {f"globals/{name}.md": pages.global_page(name, parts, example_of_global(name)) for name, parts in found.items()}
    return result


def example_of_global(name: str) -> str:
    """The test that shows what a global does."""
    return (EXAMPLES / f"{name}.test.js").read_text("utf-8")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the reference from what the plugins declare.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 unless all pages are up to date")
    check = parser.parse_args().check
    wanted = {DOCS / name: text for name, text in render(built_in(), core_typings()).items()}
    present = {path for folder in ("filters", "globals") for path in (DOCS / folder).glob("*.md")}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if check:
        for path in sorted({*stale, *(present - wanted.keys())}):
            sys.stderr.write(f"{path} is out of date: run {sys.argv[0]}\n")
        return 1 if stale or present - wanted.keys() else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    for path in present - wanted.keys():
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
