"""The text format of Prometheus, version 0.0.4. Pure functions.

Names are made valid, since the original takes any: what is not allowed becomes an underscore.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pipy_core.api import Family

_INVALID: Final = re.compile(r"[^a-zA-Z0-9_:]")
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(families: Iterable[Family]) -> str:
    """All samples, a line each, each family under a comment with its type.

    Histograms have none: the original's ``name{le="1"}`` stand among their lines, which are then no histogram by the letter.
    """
    return "".join(line for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    name = _valid(family.name)
    if family.help:
        yield f"# HELP {name} {family.help}\n"
    if family.kind in ("counter", "gauge"):
        yield f"# TYPE {name} {family.kind}\n"
    for suffix, labels, value in family.samples:
        pairs = ",".join(f'{_valid(label).replace(":", "_")}="{text.translate(_ESCAPES)}"' for label, text in labels)
        yield f"{name}{suffix}{{{pairs}}} {value}\n" if pairs else f"{name}{suffix} {value}\n"


def _valid(name: str) -> str:
    name = _INVALID.sub("_", name)
    return f"_{name}" if not name or name[0].isdigit() else name
