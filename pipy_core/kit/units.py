"""The original's spellings of durations and sizes (spec: model.md, 3.2). Pure functions; ``ValueError`` says what is wrong."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_INTEGER: Final = re.compile(r"\s*([+-]?\d+)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES: Final = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def seconds(text: str) -> float:
    """``'1.5m'`` is 90. The last character decides; without a unit it is seconds.

    ``'100ms'``, which the original takes for 100 seconds, is refused: nobody means that.
    """
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"a duration such as 5, '5s' or '1.5m', not {text!r}")
    unit = text[match.end() :].strip().lower()
    if unit and unit not in _SECONDS:
        raise ValueError(f"a duration in s, m, h or d, not {text!r}")
    return float(match.group(1)) * _SECONDS.get(unit, 1)


def size(text: str) -> int:
    """``'64k'`` is 65536; ``'1.5k'`` is 1024 (the number is an integer), and an unknown last character counts as bytes."""
    match = _INTEGER.match(text)
    if match is None:
        raise ValueError(f"a size such as 1024, '64k' or '1m', not {text!r}")
    return int(match.group(1)) * _BYTES.get(text[-1].lower(), 1)
