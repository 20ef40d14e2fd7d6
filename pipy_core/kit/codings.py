"""What a client accepts: the fields ``Accept-Encoding`` and ``Content-Encoding`` (RFC 9110, 12.5.3 and 8.4). Pure functions."""

import re
from collections.abc import Sequence
from typing import Any, Final

#: Names that mean another one (RFC 9110, 8.4.1.3).
_ALIASES: Final = {"x-gzip": "gzip", "x-compress": "compress"}
_WEIGHT: Final = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")
#: Elements of a list that are looked at; nobody names more, but who wants to keep us busy.
_ELEMENTS: Final = 32


def text_of_field(value: Any) -> str:
    """A field of a head as text, whatever a script has put there: lists are joined, anything else is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(element for element in value if isinstance(element, str))
    return ""


def content_codings(value: Any) -> list[str]:
    """The codings of a body in the order they were applied; ``identity`` is none."""
    names = [name.strip(" \t").lower() for name in text_of_field(value).split(",", _ELEMENTS)]
    return [_ALIASES.get(name, name) for name in names if name not in ("", "identity")]


def accepted_codings(value: Any) -> dict[str, float]:
    """Weights by coding as ``Accept-Encoding`` gives them, 0 for what is refused. What is malformed is left out."""
    weights: dict[str, float] = {}
    for element in text_of_field(value).split(",", _ELEMENTS)[:_ELEMENTS]:
        name, *parameters = (part.strip(" \t") for part in element.split(";"))
        weight = _weight(parameters)
        if name and weight is not None:
            name = name.lower()
            weights.setdefault(_ALIASES.get(name, name), weight)
    return weights


def _weight(parameters: Sequence[str]) -> float | None:
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if name.strip(" \t").lower() == "q":
            value = value.strip(" \t")
            return float(value) if equals and _WEIGHT.fullmatch(value) else None
    return 1.0


def choose_coding(value: Any, offered: Sequence[str]) -> str:
    """The best of the codings *offered*, in our order of preference, for a client that sent *value*; empty: none of them.

    :param value: a field ``Accept-Encoding``, or the name of a coding alone. Empty: no coding.
    """
    weights = accepted_codings(value)
    anything = weights.get("*", 0.0)
    best, best_weight = "", weights.get("identity", 0.0) if "identity" in weights else 0.0
    for name in offered:
        weight = weights.get(name, anything)
        if weight > 0 and (weight > best_weight or (not best and weight == best_weight)):
            best, best_weight = name, weight
    return best
