"""``pipy top``: what is going on now, again every second, until ``q``. Decides what stands where; curses keeps the terminal."""

import curses
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from pipy_core.console.report import summary, workers
from pipy_core.console.sample import Sample, Span
from pipy_core.console.source import Source, Unreachable
from pipy_core.console.tables import duration, number, size, table

#: Seconds between two looks.
INTERVAL: Final = 1.0
_QUANTILES: Final = (0.5, 0.9, 0.99)
_QUIT: Final = frozenset({ord("q"), ord("Q"), 3, 4})  # Ctrl-C and Ctrl-D, where they arrive as keys


class Top:
    """Looks, and remembers the look before."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._before: Sample | None = None

    def look(self) -> list[str]:
        """The lines of the view as it is now; rates are those since the last look.

        :raises Unreachable: there is no answer.
        """
        status = self._source.json("/status")
        text = self._source.text("/metrics")
        try:
            after = Sample.of(text, time.monotonic())
        except ValueError as error:
            raise Unreachable(f"what is at /metrics of the admin port cannot be read: {error}") from error
        span = Span(self._before, after)
        self._before = after
        return view(status, after, span)

    def forget(self) -> None:
        """The look before does not count: too much has happened since."""
        self._before = None


def view(status: dict[str, Any], now: Sample, span: Span) -> list[str]:
    """The lines."""
    calls = f"script: {number(span.rate('pipy_script_calls_total'))} calls/s, "
    calls += f"{span.rate('pipy_script_seconds_total'):.0%} of the time, {number(span.rate('pipy_script_errors_total'))} errors/s"
    lines = [*summary(status), calls, "", *_listeners(now, span), ""]
    upstreams = _upstreams(now, span)
    return [*lines, *upstreams, *([""] if upstreams else []), *workers(status)]


def _listeners(now: Sample, span: Span) -> list[str]:
    head = ("LISTENER", "OPEN", "CONN/S", "REQ/S", "4XX/S", "5XX/S", "IN/S", "OUT/S", "P50", "P90", "P99")
    rows = []
    for name in now.values("listener"):
        requests = "pipy_http_requests_total"
        rows.append(
            (
                name,
                number(now.sum("pipy_connections_open", listener=name)),
                number(span.rate("pipy_connections_accepted_total", listener=name)),
                number(span.rate(requests, listener=name)),
                number(span.rate(requests, listener=name, code="4xx")),
                number(span.rate(requests, listener=name, code="5xx")),
                size(span.rate("pipy_received_bytes_total", listener=name)),
                size(span.rate("pipy_sent_bytes_total", listener=name)),
                *_latencies(span, "pipy_http_request_duration_seconds", listener=name),
            )
        )
    return table(head, rows)


def _upstreams(now: Sample, span: Span) -> list[str]:
    head = ("UPSTREAM", "REQ/S", "5XX/S", "FAILED/S", "CONN/S", "P50", "P90", "P99")
    rows = []
    for name in now.values("upstream"):
        requests = "pipy_upstream_requests_total"
        rows.append(
            (
                name,
                number(span.rate(requests, upstream=name)),
                number(span.rate(requests, upstream=name, code="5xx")),
                number(span.rate(requests, upstream=name, code="failed")),
                number(span.rate("pipy_upstream_connects_total", upstream=name)),
                *_latencies(span, "pipy_upstream_response_seconds", upstream=name),
            )
        )
    return table(head, rows) if rows else []


def _latencies(span: Span, name: str, **labels: str) -> Sequence[str]:
    return [duration(value) for value in span.quantiles(name, _QUANTILES, **labels)] if span.seconds else ["-"] * len(_QUANTILES)


def watch(source: Source) -> None:
    """Show it on the terminal until ``q`` or Ctrl-C.

    :raises Unreachable: there is no answer in the beginning; one that fails to come later is shown, and asked for again.
    """
    top = Top(source)
    lines = top.look()
    with suppress(KeyboardInterrupt):
        curses.wrapper(_run, top, lines)


def _run(screen: Any, top: Top, lines: list[str]) -> None:
    with suppress(curses.error):  # there are terminals without
        curses.curs_set(0)
    due = time.monotonic() + INTERVAL
    while True:
        _draw(screen, lines)
        screen.timeout(max(int((due - time.monotonic()) * 1000), 1))
        key = screen.getch()
        if key in _QUIT:
            return
        if time.monotonic() >= due:
            due = time.monotonic() + INTERVAL
            try:
                lines = top.look()
            except Unreachable as error:
                top.forget()
                lines = [str(error), "", *lines[2:]] if lines[1:2] == [""] else [str(error), "", *lines]


def _draw(screen: Any, lines: Sequence[str]) -> None:
    height, width = screen.getmaxyx()
    screen.erase()
    for row, line in enumerate(lines[:height]):
        with suppress(curses.error):  # the last cell of a screen cannot be written to
            screen.addnstr(row, 0, line, width, curses.A_BOLD if line[:1].isupper() and line.upper() == line else curses.A_NORMAL)
    screen.refresh()
