"""Figures: what is counted, as it is shown, added up over workers, and sent from one process to another.

Pure data. Where it is counted, see ``counters``; how it is written for Prometheus is a plugin's business.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec.json

#: What follows the name of the family (``_bucket``), labels with their values, and the number.
Sample: TypeAlias = tuple[str, tuple[tuple[str, str], ...], float]

#: Kinds whose numbers only grow. ``classic`` is a histogram as the original's scripts have it: ``name{le="1"}`` (spec: api.md, 10).
GROWING: Final = frozenset({"counter", "histogram", "classic"})
#: JSON has no words for these.
_NOT_FINITE: Final = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}


@dataclass(frozen=True)
class Family:
    """Numbers under one name.

    :ivar kind: ``counter``, ``gauge``, ``histogram`` or ``classic``.
    :ivar help: a sentence for whoever reads it; may be empty.
    :ivar over: what several workers make of it together: ``sum``, or ``max`` for what cannot be added, such as a delay.
    :ivar plain: it has the form of the original, which scripts and dashboards made for that rely on.
    """

    name: str
    kind: str
    help: str
    samples: Sequence[Sample] = ()
    over: str = "sum"
    plain: bool = field(default=False, kw_only=True)


def single(name: str, kind: str, text: str, value: float, over: str = "sum") -> Family:
    """A family of one number."""
    return Family(name, kind, text, [("", (), value)], over)


def merge(parts: Iterable[Iterable[Family]]) -> list[Family]:
    """The families of several workers as those of one, in the order in which they are first met.

    Samples with the same labels are added (or the larger one is taken, see ``Family``). Where one name is of two kinds the first
    one counts: the others are left out.
    """
    merged: dict[str, tuple[Family, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for families in parts:
        for family in families:
            known, numbers = merged.setdefault(family.name, (family, {}))
            if known.kind == family.kind:
                _add(numbers, family)
    return [
        Family(known.name, known.kind, known.help, [(*key, value) for key, value in numbers.items()], known.over, plain=known.plain)
        for known, numbers in merged.values()
    ]


def _add(numbers: dict[tuple[str, tuple[tuple[str, str], ...]], float], family: Family) -> None:
    for suffix, labels, value in family.samples:
        key = (suffix, labels)
        if key not in numbers:
            numbers[key] = value
        elif family.over == "max":
            numbers[key] = max(numbers[key], value)
        else:
            numbers[key] += value


def accumulate(kept: Iterable[Family], last: Iterable[Family]) -> list[Family]:
    """What is to be kept of a worker that has ended, so that no sum over workers ever goes down.

    :param kept: what was kept of those that ended before it.
    :param last: what it told last. Only what grows is kept: the others say how things are now.
    """
    return merge([kept, [family for family in last if family.kind in GROWING]])


def encode(families: Iterable[Family]) -> bytes:
    """*families* as JSON; see ``decode``."""
    return msgspec.json.encode(
        [
            (each.name, each.kind, each.help, each.over, each.plain, [(*sample[:2], _word(sample[2])) for sample in each.samples])
            for each in families
        ]
    )


_Encoded: TypeAlias = list[tuple[str, str, str, str, bool, list[tuple[str, tuple[tuple[str, str], ...], float | str]]]]
_decoder: Final = msgspec.json.Decoder(_Encoded)


def decode(encoded: bytes) -> list[Family]:
    """What ``encode`` was given.

    :raises ValueError: it is something else.
    """
    return [
        Family(name, kind, text, [(suffix, labels, _number(value)) for suffix, labels, value in samples], over, plain=plain)
        for name, kind, text, over, plain, samples in _decoder.decode(encoded)
    ]


def _word(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _number(value: float | str) -> float:
    if not isinstance(value, str):
        return value
    if value not in _NOT_FINITE:
        raise ValueError(f"not a number: {value}")
    return _NOT_FINITE[value]
