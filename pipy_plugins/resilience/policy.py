"""When ``retryHTTP`` tries again. Knows no streams."""

import random
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.api import ArgumentError, Failure, Head
from pipy_plugins.resilience.budget import Budget
from pipy_plugins.resilience.outcome import SERVER_ERROR, method_of

#: How much longer than the first wait between two tries the longest one is. Envoy: 10.
LONGEST_WAIT: Final = 10

#: Methods that may be repeated (RFC 9110, 9.2.2).
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
#: There was no connection: nothing can have arrived.
_UNREACHED: Final = frozenset({Failure.CANNOT_RESOLVE, Failure.CONNECTION_REFUSED, Failure.CONNECTION_TIMEOUT})
_TIMEOUTS: Final = frozenset({Failure.READ_TIMEOUT, Failure.WRITE_TIMEOUT})
#: These are not the server's fault, and would happen again.
_HOPELESS: Final = frozenset({Failure.NONE, Failure.RUNTIME_ERROR, Failure.UNAUTHORIZED})
_REASONS: Final = frozenset({"5xx", "gateway-error", "connect-failure", "reset", "timeout"})
_USUAL: Final = ("gateway-error", "connect-failure", "reset", "timeout")
_GATEWAY: Final = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Policy:
    """When to try again. One for all streams of a use.

    :ivar reasons: of ``_REASONS``. :ivar statuses: besides. :ivar methods: that may be repeated even if the request has arrived.
    """

    attempts: int
    reasons: frozenset[str]
    statuses: frozenset[int]
    methods: frozenset[str]
    limit: int
    patience: float
    wait: float
    budget: Budget
    name: str

    def wants(self, status: int, failure: Failure, head: Head | None) -> bool:
        """Whether a try with this outcome should be followed by another one."""
        if failure in _UNREACHED:
            return "connect-failure" in self.reasons
        if failure is Failure.NONE:
            asked = status in self.statuses or (status >= SERVER_ERROR and "5xx" in self.reasons)
            asked = asked or (status in _GATEWAY and "gateway-error" in self.reasons)
        elif failure in _TIMEOUTS:
            asked = "timeout" in self.reasons
        else:
            asked = failure not in _HOPELESS and "reset" in self.reasons
        return asked and method_of(head) in self.methods

    def pause(self, tries: int) -> float:
        """Seconds to wait after so many tries: random, so that not all who fail together come back together."""
        return random.uniform(0.0, self.wait * min(2 ** (tries - 1), LONGEST_WAIT))  # noqa: S311  # no secret


def reasons_from(given: Any) -> tuple[frozenset[str], frozenset[int]]:
    """Reasons and statuses of the option ``on``.

    :raises ArgumentError: something else.
    """
    chosen = list(_USUAL) if given is None else given
    for each in chosen:
        if not (each in _REASONS if isinstance(each, str) else isinstance(each, int | float) and 100 <= each <= 599):
            raise ArgumentError(f"options.on expects statuses and {', '.join(map(repr, sorted(_REASONS)))}, not {each!r}")
    return frozenset(each for each in chosen if isinstance(each, str)), frozenset(
        each for each in chosen if not isinstance(each, str)
    )


def methods_from(given: Any) -> frozenset[str]:
    """Methods of the option ``methods``, which are spelled as in requests: they tell upper case from lower case.

    :raises ArgumentError: something else.
    """
    if given is None:
        return IDEMPOTENT
    for each in given:
        if not isinstance(each, str) or not each:
            raise ArgumentError(f"options.methods expects names of methods, not {each!r}")
    return frozenset(given)
