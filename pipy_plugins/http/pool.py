"""What sessions with servers count: how many there are, what the servers answer, and how long they take for it."""

from typing import Any, Final, Protocol

from pipy_core.api import Figure, Host

SESSIONS: Final = Figure("pipy_upstream_sessions", "gauge", "Sessions of muxHTTP, by version of HTTP.", ("version",))
REQUESTS: Final = Figure(
    "pipy_upstream_requests_total",
    "counter",
    "Responses of servers, by class of status; failed: there was none.",
    ("upstream", "code"),
)
WAITS: Final = Figure(
    "pipy_upstream_response_seconds", "histogram", "Time from a request to the head of its response.", ("upstream",)
)
FIGURES: Final = (SESSIONS, REQUESTS, WAITS)
_CODES: Final = tuple(f"{digit}xx" for digit in range(10))


class Pool:
    """What one session counts.

    :param session: whose context tells the server, once it is connected; it leads to no other. :ivar now: the clock.
    """

    __slots__ = ("_cell", "_codes", "_requests", "_session", "_sessions", "_version", "_waits", "now")

    def __init__(self, host: Host, session: Any, version: str) -> None:
        book = host.book
        self.now = host.clock.now
        self._session = session
        self._version = version
        self._sessions = book.gauge(SESSIONS)
        self._requests = book.counter(REQUESTS)
        self._waits = book.histogram(WAITS)
        self._codes: dict[int, tuple[str, ...]] = {}  # where responses of this server are counted
        self._cell: list[float] = []
        self._sessions.add(1, version)

    def answered(self, status: int, since: float) -> None:
        """The head of a response has come; *since* is when its request was submitted."""
        code = status // 100
        if code not in self._codes:
            self._look_up(code)
        self._requests.values[self._codes[code]] += 1
        self._waits.put(self._cell, self.now() - since)

    def _look_up(self, code: int) -> None:
        context = self._session.context
        upstream = (context.upstream if context is not None else "") or "unknown"
        self._codes[code] = self._requests.known(upstream, _CODES[code % 10])
        self._cell = self._waits.cell(upstream)

    def ended(self) -> None:
        """The session has ended."""
        self._sessions.add(-1, self._version)
        self._session = None


class User(Protocol):
    """The filter that a request came through."""

    host: Host


def failed(user: User | None) -> None:
    """There will be no response to the request of *user*, if anybody still waits for it."""
    if user is not None:
        user.host.book.counter(REQUESTS).add(1, user.host.context.upstream or "unknown", "failed")
