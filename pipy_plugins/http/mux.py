"""``muxHTTP(target, key)``: requests of many streams over few connections, found by key.

A session is a sub-pipeline that leads to a server. See ``upstream`` for what happens on one session, ``exchange`` for a request on
its way there; here is only how a request finds a session.
"""

from functools import partial
from typing import Any

from pipy_core.api import (
    ANY,
    NUMBER,
    PIPELINE,
    SIZE,
    ArgumentError,
    Event,
    Filter,
    Function,
    Make,
    MessageStart,
    Number,
    Param,
    Registry,
    Sessions,
    StreamEnd,
    Target,
    hookimpl,
    options,
)
from pipy_plugins.http.codecs import BUFFER_SIZE
from pipy_plugins.http.exchange import Exchange
from pipy_plugins.http.upstream import Upstream


class MuxHTTP(Filter):
    """One stream: its first message is a request; what follows is ignored, unless it belongs to another protocol agreed upon."""

    joins = "link"

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``. The streams of one use share its sessions.

        :raises ArgumentError: an HTTP version that is not spoken.
        """
        version = settings["version"]
        if version not in (1, 2):
            raise ArgumentError(f"invalid HTTP version: {version:g}")
        if version == 2:
            raise ArgumentError("options.version 2 is not supported yet")
        sessions: Sessions[Upstream] = Sessions()
        return partial(cls, sessions, target, key, settings["bufferSize"], settings["maxIdle"])

    @classmethod
    def foresight(cls, _target: Target, key: Any, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (key,) if isinstance(key, Function) else ()

    def __init__(self, sessions: Sessions[Upstream], target: Target, key: Any, limit: int, max_idle: float) -> None:
        self._sessions = sessions
        self._target = target
        self._key = key
        self._limit = limit
        self._max_idle = max_idle
        self._session: Upstream | None = None
        self._exchange: Exchange | None = None

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._exchange is not None:
            self._exchange.feed(event)
        elif type(event) is MessageStart:
            self._key = self.host.value(self._key)
            self._acquire()
            self._exchange = exchange = Exchange(self._limit, self, event)
            if exchange.expects:
                exchange.submit()
        elif type(event) is StreamEnd:
            self.emit(event)

    def carry(self, exchange: Exchange) -> None:
        """See ``exchange.User``."""
        session = self._session
        if session is None or session.retired:
            session = self._acquire()
        session.submit(exchange)

    def _acquire(self) -> Upstream:
        if self._session is not None:
            self._session.release(self.host.clock, self._max_idle)
        session = self._sessions.find(self._key)
        if session is None:
            session = self._sessions.add(self._key, Upstream(self.host, self._target))
        session.acquire()
        self._session = session
        return session

    def busy(self) -> bool:
        """See ``Filter``."""
        return self._exchange is not None and not self._exchange.over

    def close(self) -> None:
        """See ``Filter``."""
        exchange, self._exchange = self._exchange, None
        session, self._session = self._session, None
        if exchange is not None:
            exchange.cancel()
        if session is not None:
            session.release(self.host.clock, self._max_idle)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "muxHTTP",
        MuxHTTP,
        [
            Param("target", PIPELINE, "what leads to the server, such as connect"),
            Param("key", ANY, "requests with equal keys share a session; a value or a function", default=None),
            options(
                Param("maxIdle", Number(low=0), "seconds after which an unused session ends", default=10),
                Param("bufferSize", SIZE, "bytes of a request body that wait for its length to be known", BUFFER_SIZE),
                Param("version", NUMBER, "of HTTP; 1 is the only one yet", default=1),
            ),
        ],
        help="Sends requests over sessions that are shared by key, and gives each its response.",
        group="joint",
    )
