"""``checkHealth([target, ] health)``: ask every target of an ``algo.Health`` whether it works, once; for tasks.

The task says how often: ``.task('5s').checkHealth(health)``. A run ends when all targets have answered or their time is up, and the
next one does not begin before. Tasks begin and end with their generation of the script, and every worker has its own.
"""

import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pipy_core.api import (
    ARRAY,
    DURATION,
    END,
    EOS,
    PIPELINE,
    STRING,
    ArgumentError,
    Branch,
    Data,
    Event,
    Failure,
    Filter,
    Function,
    Head,
    Host,
    Make,
    MessageStart,
    Number,
    OneOf,
    Param,
    Registry,
    StreamEnd,
    Target,
    Timer,
    hookimpl,
    options,
    parse_target,
)
from pipy_plugins.resilience.health import HEALTH, Health
from pipy_plugins.resilience.outcome import Judge

#: Bytes in which the status of a response must be found.
MAX_STATUS_LINE: Final = 1024
#: Seconds that a server is given to reset a connection which it should not have accepted; after that it counts as accepted.
_ACCEPTED: Final = 0.05
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
#: How a stream ends that could be opened.
_REACHED: Final = frozenset({Failure.NONE, Failure.READ_TIMEOUT})
#: Called with what is wrong with a target; empty if nothing is.
_Done = Callable[[str], None]


class _Probe:
    """One check of one target.

    :param done: called once, unless it is closed before.
    """

    def __init__(self, host: Host, settings: dict[str, Any], done: _Done) -> None:
        self._settings = settings
        self._done: _Done | None = done
        self._branch: Branch | None = None
        self._received = b""
        self._judge = Judge()
        self._timer: Timer = host.after(settings["timeout"], partial(self._finish, Failure.CONNECTION_TIMEOUT.value))

    def through(self, host: Host, target: Target, name: str) -> None:
        """Ask by way of a sub-pipeline; the name of the target is in the field ``host``."""
        self._branch = host.join(target, self._answered, host.clone_context())
        head = Head({"protocol": "HTTP/1.1", "method": "GET", "path": self._settings["path"] or "/", "headers": {"host": name}})
        self._branch.feed(MessageStart(head))
        self._branch.feed(END)

    def over_http(self, host: Host, address: tuple[str, int], name: str) -> None:
        """Ask over a connection of its own."""
        self._branch = host.connect(address, self._connection(self._settings["timeout"]), self._line)
        path = self._settings["path"].encode("utf-8")
        fields = b"host: %b\r\nuser-agent: pipy-health-check\r\nconnection: close\r\n\r\n" % name.encode("utf-8")
        self._branch.feed(Data(b"GET %b HTTP/1.1\r\n%b" % (path, fields)))

    def over_tcp(self, host: Host, address: tuple[str, int]) -> None:
        """See whether somebody accepts connections."""
        self._branch = host.connect(address, self._connection(_ACCEPTED), self._reached)

    def close(self) -> None:
        """Nobody wants to know any more."""
        self._done = None
        self._timer.cancel()
        if self._branch is not None:
            self._branch.close()

    def _connection(self, read_timeout: float) -> dict[str, Any]:
        limits = {"connectTimeout": self._settings["timeout"], "readTimeout": read_timeout, "writeTimeout": 0.0}
        return {"bufferLimit": 0, "retryCount": 0, "retryDelay": 0.0, **limits}

    def _answered(self, event: Event) -> None:
        outcome = self._judge.look(event)
        if outcome is not None:
            failed = outcome.failure is not Failure.NONE
            self._finish(outcome.words if failed else self._judged(outcome.status))

    def _line(self, event: Event) -> None:
        if type(event) is Data:
            self._received += event.payload[:MAX_STATUS_LINE]
            found = _STATUS_LINE.match(self._received)
            if found is not None:
                self._finish(self._judged(int(found[1])))
            elif len(self._received) >= MAX_STATUS_LINE or b"\n" in self._received:
                self._finish("not HTTP")
        elif type(event) is StreamEnd:
            self._finish(event.error.value or Failure.CONNECTION_RESET.value)

    def _reached(self, event: Event) -> None:
        if type(event) is StreamEnd:
            self._finish("" if event.error in _REACHED else event.error.value)
        elif event != Data():
            self._finish("")

    def _judged(self, status: int) -> str:
        expected = self._settings["status"]
        good = status in expected if expected else 200 <= status < 400
        return "" if good else f"status {status}"

    def _finish(self, fault: str) -> None:
        done = self._done
        self.close()
        if done is not None:
            done(fault)


class CheckHealth(Filter):
    """One run: see the module. The first event begins it, a StreamEnd comes out when it is done."""

    joins = "link"

    def __init__(self, target: Target | None, health: Health, settings: dict[str, Any]) -> None:
        self._target = target
        self._health = health
        self._settings = settings
        self._begun = False
        self._probes: dict[str, _Probe | None] = {}  # None: it has not begun

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``.

        :raises ArgumentError: an expected status is none, there is no time, or the path is none.
        """
        target, health, settings = args if len(args) == 3 else (None, *args)
        statuses = (
            settings["status"] if isinstance(settings["status"], list) else [settings["status"]] if settings["status"] else []
        )
        if not all(isinstance(status, int | float) and 100 <= status <= 599 for status in statuses):
            raise ArgumentError("options.status expects numbers between 100 and 599")
        if settings["timeout"] <= 0:
            raise ArgumentError("options.timeout expects a time above 0")
        if re.search(r"[\s\x00-\x1f]", settings["path"]):
            raise ArgumentError("options.path expects a path without blanks")
        return partial(cls, target, health, {**settings, "status": frozenset(statuses)})

    @classmethod
    def foresight(cls, *_args: Any) -> tuple[Function | Target, ...]:
        """See ``Filter``: nothing, each target has a context of its own."""
        return ()

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._begun:
            return
        self._begun = True
        if isinstance(event, StreamEnd) or not self._health.targets:
            self.emit(EOS)
            return
        self._probes = dict.fromkeys(self._health.targets)
        for name in list(self._probes):
            self.host.after(random.uniform(0.0, self._settings["jitter"]), partial(self._check, name))  # noqa: S311  # no secret

    def busy(self) -> bool:
        """See ``Filter``."""
        return bool(self._probes)

    def drain(self) -> None:
        """See ``Filter``: nobody will ask for what would be found out."""
        if self._probes:
            self._stop()
            self.emit(EOS)

    def close(self) -> None:
        """See ``Filter``."""
        self._stop()

    def _stop(self) -> None:
        probes, self._probes = self._probes, {}
        for probe in probes.values():
            if probe is not None:
                probe.close()

    def _check(self, name: str) -> None:
        if name not in self._probes:
            return
        probe = self._probes[name] = _Probe(self.host, self._settings, partial(self._checked, name))
        address = parse_target(name)
        if self._target is not None:
            probe.through(self.host, self._target, name)
        elif address is None:
            probe.close()
            self._checked(name, "it is not of the form host:port")
        elif self._settings["path"]:
            probe.over_http(self.host, address, name)
        else:
            probe.over_tcp(self.host, address)

    def _checked(self, name: str, fault: str) -> None:
        self._health.checked(name, fault, self.host.clock)
        if self._probes.pop(name, None) is not None and not self._probes:
            self.emit(EOS)


_OPTIONS: Final = options(
    Param("path", STRING, "what to GET; without one it is enough that a connection is accepted", ""),
    Param("status", OneOf((Number(100, 599), ARRAY)), "one or several that are expected; 200 to 399 unless given", None),
    Param("timeout", DURATION, "for one check", 5.0),
    Param("jitter", DURATION, "checks of one run begin at random within this time", 0.0),
)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "checkHealth",
        CheckHealth,
        [HEALTH, _OPTIONS],
        [
            Param("target", PIPELINE, "a sub-pipeline that is sent a request for each target, named in its field host"),
            HEALTH,
            _OPTIONS,
        ],
        help="For tasks: asks every target of an algo.Health once whether it works, by HTTP, by opening a connection, or by way of "
        "a sub-pipeline. Targets that fail several times in a row are down until they pass again.",
        group="resilience",
    )
