"""``retryHTTP(target)``: send a request through a sub-pipeline, and once more if that comes to nothing.

Each try is a new run of the sub-pipeline, so that a load balancer in it chooses again. The request passes as it comes and is kept
as well, up to ``bufferLimit``: beyond it there is one try. What is not idempotent is tried again only if it cannot have arrived
(RFC 9110, 9.2.2). Nothing of an answer is shown before it is clear that it is the last one.
"""

from functools import partial
from typing import Any, Final

from pipy_core.api import (
    ARRAY,
    DURATION,
    END,
    PIPELINE,
    SIZE,
    STRING,
    Data,
    Event,
    Failure,
    Function,
    Head,
    Joint,
    Make,
    MessageEnd,
    MessageStart,
    Number,
    Options,
    Param,
    Registry,
    StreamEnd,
    Target,
    Timer,
    Valve,
    hookimpl,
    options,
    press,
    relieve,
)
from pipy_plugins.resilience.budget import Budget
from pipy_plugins.resilience.figures import RETRIES, RETRIES_DENIED
from pipy_plugins.resilience.outcome import SERVER_ERROR, status_of
from pipy_plugins.resilience.policy import Policy, methods_from, reasons_from

#: Bytes of a request that are kept for another try, unless ``bufferLimit`` says otherwise. Envoy keeps what it buffers, 1 MiB.
KEPT: Final = 64 * 1024
#: Bytes of an answer that is not wanted, read so that its connection can be used again; beyond it, it is given up.
MAX_UNWANTED: Final = 64 * 1024


class RetryHTTP(Joint):
    """One request. See the module."""

    joins = "link"

    def __init__(self, target: Target, policy: Policy) -> None:
        self._target = target
        self._policy = policy
        self._start: MessageStart | None = None
        self._kept: list[Event] | None = []  # what came behind the start; None: too much of it, or it is no use any more
        self._size = 0
        self._complete = False  # the request is
        self._tries = 0
        self._held: MessageStart | None = None  # of an answer that may not be the last one
        self._settled = False  # the answer that comes is the last one
        self._unwanted = -1  # bytes so far of an answer that is not; -1: there is none
        self._timer: Timer | None = None
        self._valve: Valve | None = None

    @classmethod
    def prepare(cls, target: Target, settings: dict[str, Any]) -> Make:
        """See ``Filter``.

        :raises ArgumentError: there is no such reason, or no such method.
        """
        reasons, statuses = reasons_from(settings["on"])
        budget = settings["budget"]
        policy = Policy(
            attempts=int(settings["attempts"]),
            reasons=reasons,
            statuses=statuses,
            methods=methods_from(settings["methods"]),
            limit=settings["bufferLimit"],
            patience=settings["perTryTimeout"],
            wait=settings["backOff"],
            budget=Budget(budget["percent"], budget["minPerSecond"]),
            name=settings["name"],
        )
        return partial(cls, target, policy)

    @classmethod
    def foresight(cls, target: Target, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (target,)

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._start is None:
            if type(event) is MessageStart:
                self._start = event
                self._policy.budget.deposit(self.host.now())
                self._try()
            elif type(event) is StreamEnd:
                self.emit(event)
            return
        self._keep(event)
        if self._branch is not None:
            self._branch.feed(event)
        elif type(event) is StreamEnd and event.error is not Failure.NONE and not self._complete:
            self._give_up(event)

    def close(self) -> None:
        """See ``Filter``."""
        relieve(self._valve)
        super().close()

    # -- the request ------------------------------------------------------------------------------------------------

    def _keep(self, event: Event) -> None:
        if type(event) is Data:
            if self._kept is None:
                return
            self._size += len(event.payload)
            if self._complete or (self._size > self._policy.limit and self._branch is not None):
                self._kept = None  # it belongs to a tunnel, or there is too much of it: this try is the last one
                return
            if self._size > self._policy.limit:
                self._valve = press(self.host, self._valve)  # the next try will have it, and be the last one
        elif isinstance(event, MessageEnd):
            self._complete = True
            self._watch()
        if self._kept is not None:
            self._kept.append(event)

    def _try(self) -> None:
        """Send what there is of the request."""
        start = self._start
        assert start is not None
        self._timer = None
        self._tries += 1
        self._held = None
        self._unwanted = -1
        branch = self._branch = self.host.join(self._target, self._reply)
        kept = list(self._kept or ())
        if self._size > self._policy.limit:
            self._kept = None
        self._watch()
        branch.feed(MessageStart(start.head.copy() if start.head is not None else None))
        for event in kept:
            if self._branch is branch:
                branch.feed(event)
        relieve(self._valve)

    def _watch(self) -> None:
        """The server has got all of it: from now on it has so much time."""
        if self._policy.patience and self._complete and not self._settled and self._branch is not None and self._timer is None:
            self._timer = self.host.after(self._policy.patience, self._too_late)

    # -- the answer -------------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        if self._settled:
            self.emit(event)
        elif self._unwanted >= 0:
            self._skip(event)
        elif self._held is not None:
            start, self._held = self._held, None
            failure = event.error if type(event) is StreamEnd else Failure.NONE
            if self._again(status_of(start.head), failure):
                self._unwanted = 0
                self._skip(event)
            else:
                self._settle(start, event)
        elif type(event) is MessageStart:
            status = status_of(event.head)
            if status >= SERVER_ERROR or status in self._policy.statuses:
                self._held = event  # what follows tells whether it is an answer or stands for the lack of one
            else:
                self._settle(event)
        elif type(event) is StreamEnd and self._again(0, event.error):
            self._next()
        elif type(event) is not Data or event.payload:
            self._settle(event)

    def _again(self, status: int, failure: Failure) -> bool:
        """Whether there is to be another try, and may be."""
        policy = self._policy
        start = self._start
        if self._kept is None or self._tries >= policy.attempts or start is None or not policy.wants(status, failure, start.head):
            return False
        if not policy.budget.withdraw(self.host.now()):
            self.host.book.counter(RETRIES_DENIED).add(1, policy.name)
            return False
        self.host.book.counter(RETRIES).add(1, policy.name)
        return True

    def _settle(self, *events: Event) -> None:
        self._settled = True
        self._kept = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in events:
            self.emit(event)

    def _skip(self, event: Event) -> None:
        """Read an answer that is not wanted to its end, unless it is long, or the request is still being sent for nothing."""
        if type(event) is Data:
            self._unwanted += len(event.payload)
        if type(event) in (MessageEnd, StreamEnd) or self._unwanted > MAX_UNWANTED or not self._complete:
            self._next()

    def _next(self) -> None:
        """Let go of this try, and begin another one in a while."""
        if self._timer is not None:
            self._timer.cancel()
        self._end_try()
        self._timer = self.host.after(self._policy.pause(self._tries), self._try)

    def _end_try(self) -> None:
        branch, self._branch = self._branch, None
        if branch is not None:
            branch.close()

    def _too_late(self) -> None:
        self._timer = None
        if self._unwanted >= 0 or self._again(0, Failure.READ_TIMEOUT):
            self._next()
            return
        self._end_try()
        self._settle(MessageStart(Head({"status": 504, "headers": {}})), END)

    def _give_up(self, end: StreamEnd) -> None:
        """The client has not sent all of it, and the next try has not begun."""
        self._settle(end)


_BUDGET: Final = Options(
    (
        Param("percent", Number(0, 100), "retries for 100 requests", 20),
        Param("minPerSecond", Number(0), "retries a second that there may be in any case", 10),
    ),
    noun="options.budget",
)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "retryHTTP",
        RetryHTTP,
        [
            Param("target", PIPELINE, "what chooses a server and leads to it"),
            options(
                Param("attempts", Number(1, 100), "tries at most, the first one included", 3),
                Param(
                    "on",
                    ARRAY,
                    "when to try again: 'connect-failure', 'reset', 'timeout', 'gateway-error' (502, 503, 504), which "
                    "are the usual ones, '5xx', and numbers of statuses",
                    None,
                ),
                Param("methods", ARRAY, "that may be repeated although the server may have acted; the idempotent ones", None),
                Param(
                    "perTryTimeout",
                    DURATION,
                    "from the end of the request to the beginning of the answer; 0 is for ever. An observeHealth in target does "
                    "not count what is cut off by this: it has a timeout of its own",
                    0.0,
                ),
                Param("backOff", DURATION, "the longest wait before the second try; doubled with each further one", 0.025),
                Param("bufferLimit", SIZE, "bytes of the request that are kept; a longer one has one try", KEPT),
                Param("budget", _BUDGET, "how many retries there may be in ten seconds", _BUDGET.defaults()),
                Param("name", STRING, "tells it apart in metrics", ""),
            ),
        ],
        help="Sends a request through a sub-pipeline, and through a new run of it when the answer is an error that may pass. "
        "Requests that are not idempotent are sent again only if they cannot have reached a server.",
        group="resilience",
    )
