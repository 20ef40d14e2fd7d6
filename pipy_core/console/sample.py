"""One look at ``/metrics``, and what has happened between two of them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Sample:
    """All numbers, by name and labels.

    :ivar at: seconds on a clock that never goes back.
    """

    numbers: Mapping[Key, float]
    at: float

    @classmethod
    def of(cls, text: str, at: float) -> "Sample":
        """What a scrape gave.

        :raises ValueError: it is not in the format of Prometheus.
        """
        numbers = {
            (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return cls(numbers, at)

    def values(self, label: str) -> list[str]:
        """All values of *label*, in the order of their names."""
        return sorted({value for _, labels in self.numbers for name, value in labels if name == label})

    def sum(self, name: str, **labels: str) -> float:
        """The numbers of this name that have these labels, added up."""
        wanted = labels.items()
        return sum(value for (found, have), value in self.numbers.items() if found == name and wanted <= set(have))


class Span:
    """What has happened between two looks; from the beginning if there is one only."""

    def __init__(self, before: Sample | None, after: Sample) -> None:
        self._before = before
        self._after = after
        self.seconds = max(after.at - before.at, 0.001) if before is not None else 0.0

    def count(self, name: str, **labels: str) -> float:
        """How much a counter has grown; one that is smaller than it was has begun again."""
        now = self._after.sum(name, **labels)
        then = self._before.sum(name, **labels) if self._before is not None else 0.0
        return now - then if now >= then else now

    def rate(self, name: str, **labels: str) -> float:
        """The same, a second; 0 if there was but one look."""
        return self.count(name, **labels) / self.seconds if self.seconds else 0.0

    def quantiles(self, name: str, wanted: Iterable[float], **labels: str) -> list[float | None]:
        """Estimates from a histogram, as Prometheus makes them; None where nothing was observed."""
        bounds = sorted({float(dict(have)["le"]) for (found, have) in self._after.numbers if found == f"{name}_bucket"})
        below = [self.count(f"{name}_bucket", le=_le(bound), **labels) for bound in bounds]
        return [quantile(each, bounds, below) for each in wanted]


def quantile(wanted: float, bounds: list[float], below: list[float]) -> float | None:
    """The value that the share *wanted* of all observations does not exceed.

    :param below: how many observations do not exceed each of *bounds*, of which the last is infinite.
    """
    total = below[-1] if below else 0
    if not total:
        return None
    rank = wanted * total
    index = next(index for index, count in enumerate(below) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2] if len(bounds) > 1 else None
    low, counted = (bounds[index - 1], below[index - 1]) if index else (0.0, 0.0)
    inside = below[index] - counted
    return low + (bounds[index] - low) * ((rank - counted) / inside if inside else 1.0)


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound:g}"
