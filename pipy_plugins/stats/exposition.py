"""The text format of Prometheus, version 0.0.4. Pure functions.

What has the form of the original is written here, since its numbers and names are to stay as they are; the rest is written by
prometheus-client. Names are made valid, since the original takes any: what is not allowed becomes an underscore.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pipy_core.api import Family, Sample

_INVALID: Final = re.compile(r"[^a-zA-Z0-9_:]")
_COUNTER: Final = re.compile(r".+_total")
_RESERVED: Final = re.compile(r"^__+")  # of labels: for Prometheus itself
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_KINDS: Final = frozenset({"counter", "gauge", "histogram"})
#: Above this, and for what is no whole number, floats are written as Python and JavaScript do.
_MOST_DIGITS: Final = 1e21


def render(families: Iterable[Family]) -> str:
    """All samples, a line each, each family under its help and its type.

    A name, and a combination of a name and labels, is shown once: where it comes again, the first counts. Histograms of scripts
    have no type: the original's ``name{le="1"}`` stand among their lines, which are then no histogram by the letter.
    """
    plain: list[str] = []
    metrics: list[Metric] = []
    seen = _Seen()
    for family in families:
        name = _valid(family.name)
        samples = list(seen.new(name, family.samples))
        if not samples or not seen.first(name):
            continue
        if family.plain:
            plain += _lines(name, family, samples)
        else:
            metrics.append(_metric(name, family, samples))
    return generate_latest(_Collected(metrics)).decode() + "".join(plain)


class _Seen:
    """What has been shown."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._keys: set[tuple[str, tuple[tuple[str, str], ...]]] = set()

    def first(self, name: str) -> bool:
        """Whether it is the first family of this *name*."""
        known = name in self._names
        self._names.add(name)
        return not known

    def new(self, name: str, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Those of *samples* that were not shown yet, with valid names of labels, no two of them the same."""
        for suffix, labels, value in samples:
            valid: dict[str, str] = {}
            for label, text in labels:
                key = _RESERVED.sub("_", _valid(label).replace(":", "_"))
                while key in valid:
                    key += "2"
                valid[key] = text
            identity = (name + suffix, tuple(sorted(valid.items())))
            if identity not in self._keys:
                self._keys.add(identity)
                yield suffix, tuple(valid.items()), value


class _Collected(Collector):
    """What prometheus-client wants to be given."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """See ``Collector``."""
        return self._metrics


def _metric(name: str, family: Family, samples: list[Sample]) -> Metric:
    kind = family.kind
    if kind not in _KINDS or (kind == "counter" and not _COUNTER.fullmatch(name)):
        kind = "unknown"  # a counter would be shown under another name than its type
    metric = Metric(name.removesuffix("_total") if kind == "counter" else name, family.help, kind)
    for suffix, labels, value in samples:
        metric.add_sample(name + suffix, dict(labels), value)
    return metric


def _lines(name: str, family: Family, samples: list[Sample]) -> Iterator[str]:
    typed = family.kind in ("counter", "gauge")
    if family.help and typed:
        yield f"# HELP {name} {family.help.translate(_HELP_ESCAPES)}\n"
    if typed:
        yield f"# TYPE {name} {family.kind}\n"
    # those of one name have to stand together
    for suffix, labels, value in sorted(samples, key=lambda sample: sample[0]):
        pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels)
        yield f"{name}{suffix}{{{pairs}}} {_number(value)}\n" if pairs else f"{name}{suffix} {_number(value)}\n"


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124  # not a number
        return "NaN"
    if abs(value) == float("inf"):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < _MOST_DIGITS else repr(value)


def _valid(name: str) -> str:
    name = _INVALID.sub("_", name)
    return f"_{name}" if not name or name[0].isdigit() else name
