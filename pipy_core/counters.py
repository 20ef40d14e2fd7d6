"""What counts while the program runs: plain numbers, for the hot path. Nothing here is thread-safe, and nothing needs to be.

``Figure`` declares what is counted, and is immutable; the numbers are in the ``Book`` of the worker. A ``Tally`` is what one
listener counts: slots of its own, since every request passes there.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pipy_core.figures import Family, Sample

#: Bounds of histograms of durations, in seconds: from a constant answer to what a client gives up waiting for.
SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
FASTEST: Final = SECONDS[0]
#: Combinations of label values of one figure, and listeners, that are told apart. Further ones are counted together, as ``other``.
MAX_SERIES: Final = 1000
OTHER: Final = "other"

Labels: TypeAlias = tuple[str, ...]
#: Gets told of a request that has been answered; see ``Tally.log``.
Log: TypeAlias = Callable[..., None]


@dataclass(frozen=True, eq=False)
class Figure:
    """A declaration of something that is counted.

    :ivar name: as Prometheus has it: ``pipy_retries_total``. :ivar kind: ``counter``, ``gauge`` or ``histogram``.
    :ivar help: a sentence. :ivar labels: their names. :ivar bounds: of a histogram.
    :ivar over: see ``Family``.
    """

    name: str
    kind: str
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = SECONDS
    over: str = "sum"


class Counts:
    """The numbers of one figure that is a counter or a gauge, by the values of its labels."""

    __slots__ = ("_figure", "values")

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self.values: dict[Labels, float] = {}

    def add(self, by: float, *labels: str) -> None:
        """Count *by* more for these values of the labels; a gauge may go down."""
        values = self.values
        if labels in values:
            values[labels] += by
        else:
            labels = _bounded(values, labels)
            values[labels] = values.get(labels, 0) + by

    def known(self, *labels: str) -> Labels:
        """The key of these values of the labels in ``values``, where it is from now on: for those who count very often."""
        labels = _bounded(self.values, labels)
        self.values.setdefault(labels, 0)
        return labels

    def set(self, value: float, *labels: str) -> None:
        """Let a gauge be *value*."""
        self.values[_bounded(self.values, labels)] = value

    def forget(self, *labels: str) -> None:
        """Show nothing for these values of the labels any more: what they stand for is gone. Not for counters."""
        self.values.pop(labels, None)

    def samples(self) -> Iterator[Sample]:
        """They all; a figure without labels is shown before it has been counted."""
        names = self._figure.labels
        if not names and not self.values:
            yield "", (), 0
        for labels, value in self.values.items():
            yield "", tuple(zip(names, labels, strict=True)), value


class Histogram:
    """The observations of one figure that is a histogram."""

    __slots__ = ("_bounds", "_figure", "cells")

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._bounds = figure.bounds
        self.cells: dict[Labels, list[float]] = {}  # counts by bucket, what is above all bounds, then the sum

    def observe(self, value: float, *labels: str) -> None:
        """Count an observation of *value*."""
        cell = self.cells.get(labels)
        self.put(self.cell(*labels) if cell is None else cell, value)

    def cell(self, *labels: str) -> list[float]:
        """What has been observed with these values of the labels: for those who ``put`` very often."""
        return self.cells.setdefault(_bounded(self.cells, labels), [0] * (len(self._bounds) + 2))

    def put(self, cell: list[float], value: float) -> None:
        """Count an observation of *value* in *cell*."""
        cell[bisect_left(self._bounds, value)] += 1
        cell[-1] += value

    def samples(self) -> Iterator[Sample]:
        """As Prometheus wants them: sums from below."""
        for labels, (*counts, total) in self.cells.items():
            yield from bucket_samples(tuple(zip(self._figure.labels, labels, strict=True)), self._bounds, counts, total)


def bucket_samples(
    labels: tuple[tuple[str, str], ...], bounds: tuple[float, ...], counts: list[float], total: float
) -> Iterator[Sample]:
    """The samples of one histogram.

    :param counts: observations in each bucket, and above the last bound. :param total: their sum.
    """
    below = 0.0
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        below += count
        yield "_bucket", (*labels, ("le", "+Inf" if bound == float("inf") else f"{bound:g}")), below
    yield "_sum", labels, total
    yield "_count", labels, below


def _bounded(known: dict[Labels, Any], labels: Labels) -> Labels:
    return labels if labels in known or len(known) < MAX_SERIES else (OTHER,) * len(labels)


class Tally:
    """What one listener counts, or all outbound connections together. Survives reloads.

    :ivar statuses: requests by the status of their response, which has three digits.
    :ivar buckets: their durations, by ``SECONDS``. :ivar duration: the sum of these.
    :ivar log: is told of each request that was answered; None when nobody wants to know.
    """

    __slots__ = ("accepted", "buckets", "bytes_in", "bytes_out", "duration", "log", "name", "refused", "statuses")

    def __init__(self, name: str) -> None:
        self.name = name
        self.accepted = 0
        self.refused: dict[str, int] = {}
        self.bytes_in = 0
        self.bytes_out = 0
        self.statuses = [0] * 1000
        self.buckets: list[float] = [0] * (len(SECONDS) + 1)
        self.duration = 0.0
        self.log: Log | None = None

    def refuse(self, cause: str) -> None:
        """A connection was refused, or cut, because of *cause*: one of a few words, such as ``maxConnections``."""
        self.refused[cause] = self.refused.get(cause, 0) + 1

    def answered(self, status: int, seconds: float) -> None:
        """A request has been answered with *status*, *seconds* after its head had come."""
        self.statuses[status] += 1
        self.buckets[bisect_left(SECONDS, seconds) if seconds > FASTEST else 0] += 1
        self.duration += seconds


class Book:
    """All that one worker counts.

    :ivar upstream: bytes of outbound connections. :ivar log: what every tally tells of requests; see ``log_requests``.
    """

    __slots__ = ("_counts", "_histograms", "_log", "tallies", "upstream")

    def __init__(self) -> None:
        self._counts: dict[Figure, Counts] = {}
        self._histograms: dict[Figure, Histogram] = {}
        self._log: Log | None = None
        self.tallies: dict[str, Tally] = {}
        self.upstream = Tally("upstream")

    def counter(self, figure: Figure) -> Counts:
        """The numbers of *figure*, a counter."""
        counts = self._counts.get(figure)
        if counts is None:
            counts = self._counts[figure] = Counts(figure)
        return counts

    gauge = counter

    def histogram(self, figure: Figure) -> Histogram:
        """The observations of *figure*, a histogram."""
        histogram = self._histograms.get(figure)
        if histogram is None:
            histogram = self._histograms[figure] = Histogram(figure)
        return histogram

    def declare(self, figure: Figure) -> None:
        """Let *figure* be shown also before it has counted anything."""
        if figure.kind == "histogram":
            self.histogram(figure)
        else:
            self.counter(figure)

    def tally(self, name: str) -> Tally:
        """The tally of the listener called *name*."""
        tally = self.tallies.get(name)
        if tally is None:
            name = name if len(self.tallies) < MAX_SERIES else OTHER
            tally = self.tallies.setdefault(name, Tally(name))
            tally.log = self._log
        return tally

    def log_requests(self, log: Log | None) -> None:
        """Tell *log* of every request that any listener answers from now on."""
        self._log = log
        for tally in self.tallies.values():
            tally.log = log

    def families(self) -> Iterator[Family]:
        """What has been counted under declared names."""
        for figure, counts in self._counts.items():
            yield Family(figure.name, figure.kind, figure.help, list(counts.samples()), figure.over)
        for figure, histogram in self._histograms.items():
            yield Family(figure.name, "histogram", figure.help, list(histogram.samples()), figure.over)
