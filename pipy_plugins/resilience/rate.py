"""``limitRate(target, key, { rate })``: send the stream through a sub-pipeline, unless its key has had its share.

The first event of a stream costs one token: in pipelines of ``demuxHTTP`` that is a request, behind ``listen`` a connection. Who
has none is refused, with 429 (RFC 6585, 4) and the time to come again, or with the end of the stream where there are no messages.
"""

from functools import partial
from typing import Any, Final

from pipy_core.api import (
    ANY,
    DURATION,
    END,
    PIPELINE,
    STRING,
    UNDEFINED,
    ArgumentError,
    Data,
    Event,
    Failure,
    Function,
    Head,
    Joint,
    Make,
    MessageStart,
    Number,
    Param,
    Registry,
    StreamEnd,
    Target,
    hookimpl,
    key_of,
    options,
)
from pipy_plugins.resilience.bucket import Buckets
from pipy_plugins.resilience.figures import LIMITED
from pipy_plugins.resilience.watched import retry_after

#: A key that is not limited.
_EXEMPT: Final = (None, UNDEFINED)


class LimitRate(Joint):
    """See the module."""

    joins = "link"

    def __init__(self, buckets: Buckets, label: str, target: Target, key: Any) -> None:
        self._buckets = buckets
        self._label = label
        self._target = target
        self._key = key
        self._refused = False

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``. The streams of one use share its buckets.

        :raises ArgumentError: there is no rate.
        """
        rate, per = settings["rate"], settings["per"]
        if rate is None or rate <= 0 or per <= 0:
            raise ArgumentError("options.rate and options.per expect numbers above 0")
        burst = max(rate, 1.0) if settings["burst"] is None else settings["burst"]
        return partial(cls, Buckets(rate / per, burst), settings["name"], target, key)

    @classmethod
    def foresight(cls, target: Target, key: Any, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (key,) if isinstance(key, Function) else (target,)

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        branch = self._branch
        if branch is None:
            if self._refused or (type(event) is Data and not event.payload):
                return
            if type(event) is StreamEnd:
                self._refused = True
                self.emit(event)
                return
            wait = self._take()
            if wait:
                self._refuse(event, wait)
                return
            branch = self._branch = self.host.join(self._target, self.emit)
        branch.feed(event)

    def _take(self) -> float:
        key = self.host.value(self._key)
        return 0.0 if key in _EXEMPT else self._buckets.take(key_of(key), self.host.now())

    def _refuse(self, event: Event, wait: float) -> None:
        self._refused = True
        self.host.book.counter(LIMITED).add(1, self._label)
        if type(event) is MessageStart:
            self.emit(MessageStart(Head({"status": 429, "headers": retry_after(wait)})))
            self.emit(END)
        else:
            self.emit(StreamEnd(Failure.CONNECTION_CANCELED))


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "limitRate",
        LimitRate,
        [
            Param("target", PIPELINE, "where the stream goes that is not refused"),
            Param(
                "key", ANY, "what tells apart who has a share each, such as an address; a value or a function; null is not limited"
            ),
            options(
                Param("rate", Number(0), "how many there may be, on average", None),
                Param("per", DURATION, "in which time", 1.0),
                Param("burst", Number(1, 1_000_000), "how many there may be at once; rate unless given", None),
                Param("name", STRING, "tells it apart in metrics", ""),
            ),
        ],
        help="Sends the stream through a sub-pipeline, unless its key has had too many requests, or connections, in the last time: "
        "then it is refused with 429 and Retry-After, or closed. Each worker counts for itself.",
        group="resilience",
    )
