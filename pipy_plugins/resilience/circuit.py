"""``circuitBreaker(target, key)``: send the stream through a sub-pipeline, but not to what has failed too often just now.

Streams with the same key share a circuit. While it is open they are refused at once, with 503 and the time to come again (RFC 9110,
10.2.3), or with ``ConnectionRefused`` where there are no messages; then a few are let through, and decide whether it closes.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from pipy_core.api import (
    ANY,
    DURATION,
    PIPELINE,
    STRING,
    Event,
    Failure,
    Family,
    Function,
    Make,
    MessageStart,
    Number,
    Param,
    Registry,
    Sample,
    StreamEnd,
    Target,
    get_logger,
    hookimpl,
    key_of,
    options,
)
from pipy_plugins.resilience.breaker import Breaker, State, Terms
from pipy_plugins.resilience.figures import GAUGES, OPENINGS, REFUSALS
from pipy_plugins.resilience.outcome import Outcome
from pipy_plugins.resilience.watched import Watched, retry_after

#: Circuits that are kept. Those that never fail are not; of more, the oldest one is forgotten through which nothing goes.
MOST_CIRCUITS: Final = 10_000
#: Circuits that are not closed and that metrics tell apart.
MOST_SHOWN: Final = 100

_COUNT: Final = Number(1, 1_000_000)
_log = get_logger("circuitBreaker")


class Circuits:
    """All circuits of one use of the filter.

    :param label: tells them apart from those of other uses.
    """

    def __init__(self, label: str, terms: Terms) -> None:
        self.label = label
        self._terms = terms
        self._circuits: OrderedDict[Hashable, Breaker] = OrderedDict()
        _LIVING.add(self)

    def __len__(self) -> int:
        return len(self._circuits)

    def find(self, key: Hashable) -> Breaker:
        """That of *key*."""
        circuit = self._circuits.get(key)
        if circuit is None:
            circuit = self._circuits[key] = Breaker(self._terms)
            if len(self._circuits) > MOST_CIRCUITS:
                self._forget_one()
        return circuit

    def leave(self, key: Hashable, circuit: Breaker) -> None:
        """Something that went through *circuit* is over: forget it if there is nothing to be remembered."""
        circuit.leave()
        if circuit.idle and self._circuits.get(key) is circuit:
            del self._circuits[key]

    def _forget_one(self) -> None:
        for key, circuit in self._circuits.items():
            if not circuit.active:
                del self._circuits[key]
                return

    def troubled(self) -> Iterable[tuple[Hashable, Breaker]]:
        """Those that are not closed."""
        return [(key, circuit) for key, circuit in self._circuits.items() if circuit.state is not State.CLOSED]


class CircuitBreaker(Watched):
    """See the module."""

    def __init__(self, circuits: Circuits, target: Target, key: Any) -> None:
        super().__init__(target)
        self._circuits = circuits
        self._given_key = key
        self._key: Hashable = None
        self._circuit: Breaker | None = None
        self._epoch = 0
        self._settled = False
        self._refused = False

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``."""
        terms = Terms(int(settings["failures"]), settings["openFor"], int(settings["halfOpen"]), int(settings["maxRequests"]))
        return partial(cls, Circuits(settings["name"], terms), target, key)

    @classmethod
    def foresight(cls, _target: Target, key: Any, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (key,) if isinstance(key, Function) else ()

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._refused:
            return
        if self._circuit is None and not self._enter(event):
            return
        self.pass_on(event)

    def settled(self, outcome: Outcome) -> None:
        """See ``Watched``."""
        self._settle(not outcome.bad, outcome.words)

    def close(self) -> None:
        """See ``Filter``."""
        circuit = self._circuit
        if circuit is not None:
            self._settle(None)
            self._circuits.leave(self._key, circuit)
            self._circuit = None
        super().close()

    def _enter(self, event: Event) -> bool:
        if type(event) is StreamEnd:
            self._refused = True
            self.emit(event)
            return False
        self._key = key_of(self.host.value(self._given_key))
        circuit = self._circuits.find(self._key)
        wait = circuit.enter(self.host.now())
        if not wait:
            self._circuit, self._epoch = circuit, circuit.epoch
            return True
        self._refused = True
        self._messages = type(event) is MessageStart
        self.host.book.counter(REFUSALS).add(1, self._circuits.label, "open" if circuit.state is State.OPEN else "full")
        self.answer(503, retry_after(wait), Failure.CONNECTION_REFUSED)
        return False

    def _settle(self, good: bool | None, why: str = "") -> None:
        circuit = self._circuit
        if circuit is None or self._settled:
            return
        self._settled = True
        if circuit.settle(self._epoch, good, self.host.now()):
            self.host.book.counter(OPENINGS).add(1, self._circuits.label)
            _log.warning(f"{self._circuits.label or 'the circuit'} of {self._key} is open: {why}")


_LIVING: Final[WeakSet[Circuits]] = WeakSet()


def standing() -> list[Family]:
    """Circuits that are not closed, for metrics."""
    values: dict[tuple[str, str], float] = {}
    for circuits in list(_LIVING):
        for key, circuit in circuits.troubled():
            if len(values) < MOST_SHOWN:
                values[circuits.label, str(key)] = float(circuit.state.value)
    samples: list[Sample] = [("", (("name", label), ("key", key)), value) for (label, key), value in values.items()]
    text = "Circuits that are not closed: 2 is open, 1 half open; of several workers the worst."
    return [Family("pipy_circuit_state", "gauge", text, samples, "max")]


GAUGES.append(standing)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "circuitBreaker",
        CircuitBreaker,
        [
            Param("target", PIPELINE, "what leads to the server"),
            Param("key", ANY, "streams with equal keys share a circuit; a value or a function", default=None),
            options(
                Param("failures", _COUNT, "in a row after which it opens: status 500 and above, or no answer", 5),
                Param("openFor", DURATION, "after which a few are let through", 30.0),
                Param("halfOpen", _COUNT, "how many are let through then, and must succeed", 1),
                Param(
                    "maxRequests",
                    Number(0, 1_000_000),
                    "at the same time, to the end of their answers; 0 is any number",
                    0,
                ),
                Param("name", STRING, "tells it apart in metrics and in the log", ""),
            ),
        ],
        help="Sends the stream through a sub-pipeline, unless what it leads to has failed several times in a row: then streams are "
        "refused with 503 and Retry-After for a while. Limits how many are under way, too. Each worker has its own circuits.",
        group="resilience",
    )
