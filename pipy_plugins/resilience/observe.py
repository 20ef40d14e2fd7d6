"""``observeHealth(target, health, name)``: send the stream through a sub-pipeline, and tell an ``algo.Health`` how it was answered.

A bad answer is one with a status of 500 or above, an error instead of an answer, or, with ``timeout``, none in time. A stream that
its client gives up says nothing.
"""

from typing import Any

from pipy_core.api import (
    DURATION,
    FUNCTION,
    PIPELINE,
    STRING,
    Event,
    Function,
    Make,
    OneOf,
    Param,
    Registry,
    ScriptError,
    Target,
    absent,
    describe,
    dynamic,
    hookimpl,
    options,
)
from pipy_plugins.resilience.health import HEALTH, Health
from pipy_plugins.resilience.outcome import Outcome
from pipy_plugins.resilience.watched import Watched


class ObserveHealth(Watched):
    """See the module."""

    def __init__(self, target: Target, health: Any, name: Any, patience: float) -> None:
        super().__init__(target, patience)
        self._health = health
        self._name = name

    @classmethod
    def prepare(cls, target: Target, health: Any, name: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``."""
        return lambda: cls(target, health, name, settings["timeout"])

    @classmethod
    def foresight(cls, target: Target, health: Any, name: Any, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (*(each for each in (health, name) if isinstance(each, Function)), target)

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._branch is None:
            health = self._health = self.host.value(self._health)
            if not (isinstance(health, Health) or absent(health)):
                raise ScriptError("TypeError", f"observeHealth expects an instance of algo.Health, given {describe(health)}")
            self._name = self.host.value(self._name)
        self.pass_on(event)

    def settled(self, outcome: Outcome) -> None:
        """See ``Watched``."""
        if absent(self._health):
            return
        if outcome.bad:
            self._health.bad(self._name, outcome.words, self.host.clock)
        elif self._health.troubled:
            self._health.good(self._name, self.host.clock)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "observeHealth",
        ObserveHealth,
        [
            Param("target", PIPELINE, "what leads to the server, such as muxHTTP or connect"),
            Param("health", OneOf((HEALTH.kind, FUNCTION)), "what is told, or a function that gives it; null is nobody"),
            Param("name", dynamic(STRING), "which target of health that is; evaluated at the first event"),
            options(Param("timeout", DURATION, "from the request to the beginning of the answer; 0 is for ever", 0.0)),
        ],
        help="Sends the stream through a sub-pipeline and tells an algo.Health how it was answered. A target that answers badly a "
        "few times in a row (status 500 and above, no answer, none in time) is left out by load balancers for a while.",
        group="resilience",
    )
