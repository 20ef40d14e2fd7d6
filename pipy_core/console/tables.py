"""Tables and numbers for terminals. Pure."""

from collections.abc import Sequence
from typing import Final

_UNITS: Final = ("", "k", "M", "G", "T")
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")
#: Columns between two columns.
_GAP: Final = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """Lines of a table; numbers, which are the columns behind the first *texts*, stand at the right of theirs."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return _GAP.join(cells).rstrip()

    return [line(head), *(line(row) for row in rows)]


def number(value: float) -> str:
    """A number of three or four digits: ``0``, ``12.3``, ``4.57k``."""
    unit = 0
    while abs(value) >= 1000 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    digits = 0 if value == int(value) and not unit else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}{_UNITS[unit]}"


def size(value: float) -> str:
    """Bytes: ``512 B``, ``1.5 MiB``."""
    unit = 0
    while abs(value) >= 1024 and unit < len(_BYTES) - 1:
        value /= 1024
        unit += 1
    return f"{value:.{1 if unit and value < 100 else 0}f} {_BYTES[unit]}"


def duration(seconds: float | None) -> str:
    """``-`` for nothing, ``350 us``, ``12 ms``, ``1.5 s``, ``2 h 5 min``."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.01 else 0}f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
