"""The example of a filter: a script, and a test that shows what it does. Both are files beside the source of whoever brings it.

``examples/link.js`` and ``examples/link.test.js`` in the package of the module that declares ``link``. Plugins of others may have
some, too; the tests of this project execute all of ours.
"""

import sys
from dataclasses import dataclass
from importlib import resources

from pipy_core.registry import FilterSpec


@dataclass(frozen=True)
class Example:
    """A script and its test."""

    script: str
    test: str


def example_of(spec: FilterSpec) -> Example | None:
    """The example of a filter; None if there is none."""
    package = sys.modules[spec.filter.__module__].__package__
    folder = resources.files(package) / "examples" if package else None
    if folder is None or not (folder / f"{spec.name}.js").is_file():
        return None
    script, test = (folder / f"{spec.name}{ending}" for ending in (".js", ".test.js"))
    return Example(script.read_text("utf-8"), test.read_text("utf-8"))
