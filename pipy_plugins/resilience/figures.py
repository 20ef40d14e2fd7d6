"""What the filters of this package count, for whoever watches the program, and how things are with them now.

What is counted here is rare: refusals, retries, changes of state. Nothing is counted for a request that simply works.
"""

from collections.abc import Callable, Iterable
from typing import Final

from pipy_core.api import Family, Figure, Pages, Registry, hookimpl

RETRIES: Final = Figure("pipy_retries_total", "counter", "Requests that were sent once more by retryHTTP.", ("name",))
RETRIES_DENIED: Final = Figure(
    "pipy_retries_denied_total", "counter", "Retries that the budget of retryHTTP did not allow.", ("name",)
)
REFUSALS: Final = Figure("pipy_circuit_refusals_total", "counter", "Requests that circuitBreaker has refused.", ("name", "reason"))
OPENINGS: Final = Figure("pipy_circuit_openings_total", "counter", "How often a circuit was opened.", ("name",))
LIMITED: Final = Figure("pipy_rate_limited_total", "counter", "Requests and connections that limitRate has refused.", ("name",))
EJECTIONS: Final = Figure(
    "pipy_upstream_ejections_total",
    "counter",
    "How often a target was left out because of what it answered.",
    ("health", "target"),
)
CHECKS: Final = Figure(
    "pipy_upstream_checks_failed_total", "counter", "Health checks that a target has failed.", ("health", "target")
)

_COUNTED: Final = (RETRIES, RETRIES_DENIED, REFUSALS, OPENINGS, LIMITED, EJECTIONS, CHECKS)
#: What tells how things are now.
GAUGES: Final[list[Callable[[], Iterable[Family]]]] = []


def gauges(_ask: object = None) -> list[Family]:
    """How things are now."""
    return [family for gauge in GAUGES for family in gauge()]


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """Let what is counted be shown."""
    for figure in _COUNTED:
        registry.add_figure(figure)


@hookimpl
def pipy_register_pages(pages: Pages) -> None:
    """Let how things are be shown."""
    pages.add_figures(gauges)
