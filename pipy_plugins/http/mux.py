"""``muxHTTP(target, key)``: requests of many streams over few connections, found by key.

A session is a sub-pipeline that leads to a server. See ``upstream`` for what happens on one session, ``exchange`` for a request on
its way there, ``v2`` for both over HTTP/2, ``negotiation`` for what goes before where the server decides that; here is only how a
request finds a session.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from pipy_core.api import (
    ANY,
    DURATION,
    PIPELINE,
    SIZE,
    ArgumentError,
    Branch,
    Emit,
    Event,
    Failure,
    Filter,
    Function,
    Host,
    Kind,
    Make,
    MessageStart,
    Number,
    Param,
    Registry,
    ScriptError,
    Session,
    Sessions,
    StreamEnd,
    Target,
    deliver,
    describe,
    hookimpl,
    options,
)
from pipy_plugins.http.codecs import BUFFER_SIZE
from pipy_plugins.http.exchange import Exchange
from pipy_plugins.http.negotiation import Negotiation, Undecided
from pipy_plugins.http.pace import Pace
from pipy_plugins.http.pool import FIGURES
from pipy_plugins.http.upstream import Upstream
from pipy_plugins.http.v2.exchange import Exchange as Exchange2
from pipy_plugins.http.v2.upstream import Upstream as Upstream2

AnySession: TypeAlias = Upstream | Upstream2 | Negotiation
AnyExchange: TypeAlias = Exchange | Exchange2 | Undecided
Join: TypeAlias = Callable[[Emit], Branch]

#: The session decides which version it is, by ALPN.
AUTO: Final = "auto"


@dataclass(frozen=True)
class Version(Kind):
    """A version of HTTP, or a function that gives one."""

    words: str = "1, 2, 'auto', or a function that gives one of them"
    typescript: str = "number | string | (() => number | string)"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return (isinstance(value, int | float | Function) and not isinstance(value, bool)) or value == AUTO

    def check(self, value: Any) -> Any:
        """See ``Kind``."""
        if not self.accepts(value):
            raise ArgumentError(f"requires a number, given {describe(value)}")
        return value


def check_version(version: Any) -> None:
    """See that *version*, which a script or a function of it has given, can be spoken.

    :raises ArgumentError: it cannot.
    """
    if version not in (1, 2, AUTO) or isinstance(version, bool):
        shown = f"{version:g}" if isinstance(version, int | float) else describe(version)
        raise ArgumentError(f"invalid HTTP version: {shown}")


class MuxHTTP(Filter):
    """One stream: its first message is a request; what follows is ignored, unless it belongs to another protocol agreed upon."""

    joins = "link"

    @classmethod
    def prepare(cls, target: Target, key: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``. The streams of one use share its sessions.

        :raises ArgumentError: an HTTP version that is not spoken.
        """
        version = settings["version"]
        if not isinstance(version, Function):
            check_version(version)
        sessions: Sessions[AnySession] = Sessions()
        return partial(cls, sessions, target, key, version, settings)

    @classmethod
    def foresight(cls, _target: Target, key: Any, _settings: dict[str, Any]) -> tuple[Function | Target, ...]:
        """See ``Filter``."""
        return (key,) if isinstance(key, Function) else ()

    def __init__(self, sessions: Sessions[AnySession], target: Target, key: Any, version: Any, settings: dict[str, Any]) -> None:
        self._sessions = sessions
        self._target = target
        self._key = key
        self._version = version
        self._settings = settings
        self._session: AnySession | None = None
        self._exchange: AnyExchange | None = None

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._exchange is not None:
            self._exchange.feed(event)
        elif type(event) is MessageStart:
            self._key = self.host.value(self._key)
            self._exchange = exchange = self._acquire().exchange(self._settings["bufferSize"], self, event)
            if exchange.expects:
                exchange.submit()
        elif type(event) is StreamEnd:
            self.emit(event)

    def carry(self, exchange: AnyExchange) -> None:
        """See ``exchange.User``."""
        session: Any = self._session  # mypy cannot see that it carries what it says it does
        if session is None or session.retired:
            session = self._acquire()
        if type(exchange) is session.carries or isinstance(session, Negotiation):
            session.submit(exchange)
        else:
            exchange.fail(Failure.CONNECTION_RESET)  # it was prepared for another version than there is now

    def decided(self, session: AnySession, events: list[Event]) -> None:
        """See ``negotiation.User``."""
        self._take(session)
        start, *rest = events
        assert isinstance(start, MessageStart)
        self._exchange = exchange = session.exchange(self._settings["bufferSize"], self, start)
        if exchange.expects:
            exchange.submit()
        for event in rest:
            deliver(exchange.feed, event, self.host)

    def _acquire(self) -> AnySession:
        session = self._sessions.find(self._key)
        if session is None:
            session = self._sessions.add(self._key, self._begin())
        self._take(session)
        return session

    def _take(self, session: AnySession) -> None:
        session.acquire()
        self.host.context.via = session.context
        before, self._session = self._session, session
        if before is not None:
            before.release(self.host.clock, self._settings["maxIdle"])

    def _begin(self) -> AnySession:
        """A new session. Its context is a copy of this, its first user's (spec: model.md, 5)."""
        host, target = self.host, self._target
        version = host.value(self._version)
        try:
            check_version(version)
        except ArgumentError as error:
            raise ScriptError("Error", str(error)) from None
        pace = Pace.of(self._settings, host.limits)
        if version == AUTO:
            return Negotiation(
                host, target, partial(_decide, self._sessions, self._key, host, self._settings["maxIdle"], pace), pace.most
            )

        context = host.clone_context()

        def join(reply: Emit) -> Branch:
            return host.join(target, reply, context)

        session = Upstream(host, join, pace) if version == 1 else Upstream2(host, join, pace)
        session.context = context
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
            session.release(self.host.clock, self._settings["maxIdle"])


def _decide(sessions: Sessions[AnySession], key: Any, host: Host, max_idle: float, pace: Pace, alpn: str, join: Join) -> Session:
    """TLS has agreed on *alpn*: the session that speaks it."""
    session = sessions.add(key, Upstream2(host, join, pace, secure=True) if alpn == "h2" else Upstream(host, join, pace))
    session.acquire()
    session.release(host.clock, max_idle)
    return session


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    for figure in FIGURES:
        registry.add_figure(figure)
    registry.add_filter(
        "muxHTTP",
        MuxHTTP,
        [
            Param("target", PIPELINE, "what leads to the server, such as connect"),
            Param("key", ANY, "requests with equal keys share a session; a value or a function", default=None),
            options(
                Param("maxIdle", DURATION, "after which an unused session ends", default=10.0),
                Param(
                    "responseTimeout",
                    DURATION,
                    "without a byte from the server while a response is due; then 504; 0: for ever; unless given what "
                    "--response-timeout says, 60 s at first",
                    None,
                ),
                Param(
                    "maxPending",
                    Number(low=1),
                    "requests that may wait for one session; beyond it 503; unless given what --max-pending says, 1,024 at first",
                    None,
                ),
                Param("bufferSize", SIZE, "bytes of a request body that wait for its length to be known", BUFFER_SIZE),
                Param(
                    "version",
                    Version(),
                    "of HTTP: 1; 2, which the server has to know; 'auto': what connectTLS agrees on by its alpn",
                    1,
                ),
            ),
        ],
        help="Sends requests over sessions that are shared by key, and gives each its response.",
        group="joint",
    )
