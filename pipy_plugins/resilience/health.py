"""``algo.Health``: which targets of a service can be used. Told by checks and by those who watch answers; asked by load balancers.

Knows no sockets: see ``check`` and ``observe``. One worker knows nothing of what others have seen.
"""

from collections import deque
from collections.abc import Callable
from math import ceil
from typing import Any, Final
from weakref import ref

from pipy_core.api import (
    DURATION,
    STRING,
    ArgumentError,
    Clock,
    Family,
    Kind,
    Native,
    Number,
    Options,
    Param,
    Registry,
    Sample,
    ScriptDict,
    describe,
    get_logger,
    hookimpl,
)
from pipy_plugins.resilience.figures import CHECKS, EJECTIONS, GAUGES
from pipy_plugins.resilience.source import script, typings

#: Targets of one Health.
MAX_TARGETS: Final = 1_000
#: Healths that metrics show: the newest ones. Those of scripts that have been replaced are kept until V8 looks for garbage.
MOST_SHOWN: Final = 1_000

_PERCENT: Final = Number(0, 100)
_COUNT: Final = Number(1, 1_000_000)

SETTINGS: Final = Options(
    (
        Param("name", STRING, "tells it apart in metrics and in the log", ""),
        Param("failures", _COUNT, "bad answers in a row after which a target is left out", 5),
        Param("ejectFor", DURATION, "for how long; that long for each time that it has happened", 30.0),
        Param("maxEjectFor", DURATION, "at most", 300.0),
        Param("maxEjected", _PERCENT, "percent of the targets that may be left out because of their answers; one always may", 50),
        Param("rise", _COUNT, "checks in a row that a target must pass to be back, whatever it was out for", 2),
        Param("fall", _COUNT, "checks in a row that a target must fail to be out", 3),
        Param("panic", _PERCENT, "percent; when fewer targets than that are left, all are used", 25),
    )
)

_log = get_logger("health")


class Member:
    """What is known of one target.

    :ivar failures: bad answers in a row. :ivar out_until: it is left out until then. :ivar ejections: how often it was.
    :ivar down: the checks say so. :ivar failed: checks in a row. :ivar passed: checks in a row, since it was left out.
    """

    __slots__ = ("down", "ejections", "failed", "failures", "out_until", "passed")

    def __init__(self) -> None:
        self.failures = 0
        self.ejections = 0
        self.out_until = 0.0
        self.down = False
        self.failed = 0
        self.passed = 0


class Health(Native):
    """See the module.

    :ivar targets: all of them, by name.
    """

    __slots__ = ("__weakref__", "_now", "_settings", "label", "targets", "troubled")

    def __init__(self, targets: Any, given: Any) -> None:
        self._settings = SETTINGS.check(ScriptDict(given or {}))
        self.label: str = self._settings["name"]
        self.targets: dict[str, Member] = {}
        self.troubled = False  # good news would change something
        # Lent by the first that brings news: before that, nothing can be wrong. Not the clock itself: it knows the whole program.
        self._now: Callable[[], float] | None = None
        for name in targets or ():
            self.add(name)
        _NEWEST.append(ref(self))

    def add(self, name: Any) -> None:
        """One more target, which counts as healthy.

        :raises ArgumentError: it cannot be one, or there are too many.
        """
        if not isinstance(name, str):
            raise ArgumentError(f"a target must be a string, not {describe(name)}")
        if name not in self.targets and len(self.targets) >= MAX_TARGETS:
            raise ArgumentError(f"more than {MAX_TARGETS} targets")
        self.targets.setdefault(name, Member())

    def remove(self, name: Any) -> None:
        """It is no target any more."""
        self.targets.pop(name, None)

    def out(self) -> list[str]:
        """Those that are not to be used now."""
        if self._now is None:
            return []
        now = self._now()
        out = [name for name, member in self.targets.items() if member.down or member.out_until > now]
        left = len(self.targets) - len(out)
        return [] if left * 100 < self._settings["panic"] * len(self.targets) else out

    # -- answers ----------------------------------------------------------------------------------------------------

    def good(self, name: str, clock: Clock) -> None:
        """A target has answered well."""
        member = self.targets.get(name)
        if member is None or not (member.failures or member.ejections):
            return
        member.failures = 0
        if member.ejections and clock.now() > member.out_until + self._sentence(member):
            member.ejections = 0  # it has been good for as long as it was out
        self.troubled = any(each.failures or each.ejections for each in self.targets.values())

    def bad(self, name: str, why: str, clock: Clock) -> None:
        """A target has answered badly, or not at all."""
        member = self.targets.get(name)
        if member is None:
            return
        self._now = clock.now
        self.troubled = True
        member.failures += 1
        now = clock.now()
        if member.failures >= self._settings["failures"] and member.out_until <= now and self._may_eject(now):
            member.failures = 0
            member.passed = 0
            member.ejections += 1
            seconds = self._sentence(member)
            member.out_until = now + seconds
            clock.book.counter(EJECTIONS).add(1, self.label, name)
            _log.warning(f"{self._name(name)} is left out for {seconds:g} s: {self._settings['failures']} bad answers, {why}")

    def _sentence(self, member: Member) -> float:
        return float(min(self._settings["ejectFor"] * member.ejections, self._settings["maxEjectFor"]))

    def _may_eject(self, now: float) -> bool:
        ejected = sum(member.out_until > now for member in self.targets.values())
        most: int = max(1, ceil(len(self.targets) * self._settings["maxEjected"] / 100))
        return ejected < most

    # -- checks -----------------------------------------------------------------------------------------------------

    def checked(self, name: str, fault: str, clock: Clock) -> None:
        """A check of a target has ended; *fault* says why it has failed, and is empty if it has not."""
        member = self.targets.get(name)
        if member is None:
            return
        self._now = clock.now
        if fault:
            clock.book.counter(CHECKS).add(1, self.label, name)
            member.passed = 0
            member.failed += 1
            if member.failed >= self._settings["fall"] and not member.down:
                member.down = True
                _log.warning(f"{self._name(name)} is down: {fault}")
            return
        now = clock.now()
        member.failed = 0
        member.passed += 1
        if member.passed >= self._settings["rise"] and (member.down or member.out_until > now):
            member.down = False
            member.failures = 0
            member.out_until = min(member.out_until, now)
            _log.info(f"{self._name(name)} is up again")

    def _name(self, name: str) -> str:
        return f"{self.label}: {name}" if self.label else name


_NEWEST: Final[deque[ref[Health]]] = deque(maxlen=MOST_SHOWN)


def standing() -> list[Family]:
    """Which targets are used, for metrics. Of two generations of a script the newer one counts."""
    values: dict[tuple[str, str], float] = {}
    for health in (each() for each in _NEWEST):
        if health is not None:
            out = set(health.out())
            values |= {(health.label, name): float(name not in out) for name in health.targets}
    samples: list[Sample] = [("", (("health", label), ("target", name)), value) for (label, name), value in values.items()]
    return [Family("pipy_upstream_healthy", "gauge", "Whether a target is used: in how many workers it is.", samples)]


GAUGES.append(standing)


class HealthKind(Kind):
    """An ``algo.Health``. Given to the filter as a ``Health``."""

    words = "an instance of algo.Health"
    typescript = "algo.Health"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, Health)


HEALTH: Final = Param("health", HealthKind(), "what is told")


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.Health``."""
    registry.add_function("health.new", Health)
    registry.add_function("health.add", Health.add)
    registry.add_function("health.remove", Health.remove)
    registry.add_function("health.out", Health.out)
    registry.add_function("health.targets", lambda health: list(health.targets))
    registry.add_script("resilience/health.js", script("health"), typings("health"))
