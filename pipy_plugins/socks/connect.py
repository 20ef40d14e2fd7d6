"""``connectSOCKS(target, address [, options])``: send the stream to *address* through a SOCKS 5 proxy.

The sub-pipeline leads to the proxy, in the same context. What comes before the proxy has agreed is kept (see ``Gate``).
Spec: filters.md, 5.
"""

from collections.abc import Callable
from typing import Any

from pipy_core.api import (
    PIPELINE,
    STRING,
    ArgumentError,
    Data,
    Emit,
    Event,
    Failure,
    Gate,
    Joint,
    Make,
    Param,
    Registry,
    StreamEnd,
    Target,
    dynamic,
    get_logger,
    hookimpl,
    ignore,
    options,
    parse_target,
)
from pipy_plugins.socks.wire import (
    USER_AND_PASSWORD,
    Denied,
    credentials_of,
    greeting,
    read_login,
    read_method,
    read_reply,
    request_of,
)

_log = get_logger("connectSOCKS")


class ConnectSOCKS(Joint):
    """See the module."""

    joins = "link"

    @classmethod
    def prepare(cls, target: Target, address: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``.

        :raises ArgumentError: user or password are too long.
        """
        if isinstance(settings["username"], str) and isinstance(settings["password"], str):
            try:
                credentials_of(settings["username"], settings["password"])
            except ValueError as error:
                raise ArgumentError(f"options.username and options.password: {error}") from None
        return super().prepare(target, address, settings)

    def __init__(self, target: Target, address: Any, settings: dict[str, Any]) -> None:
        self._target = target
        self._address = address
        self._settings = settings
        self._credentials = b""
        self._request = b""
        self._held = b""  # of the proxy's answers
        self._step: Callable[[], bool] | None = None  # what to do with them; gives whether there was enough
        self._feed: Emit | None = None  # where events go once the proxy has agreed
        self._gate: Gate | None = None
        self._granted = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd go to the proxy. A StreamEnd as the first event is all there is."""
        kind = type(event)
        feed = self._feed
        if feed is None and self._branch is None:
            if kind is StreamEnd:
                self._feed = ignore
                self.emit(event)
                return
            self._start()
            feed = self._feed  # the proxy may have answered at once, or has failed
        if kind is Data or kind is StreamEnd:
            if feed is not None:
                feed(event)
            elif self._gate is not None and not self._gate.keep(event):
                self._end(Failure.BUFFER_OVERFLOW)

    def close(self) -> None:
        """See ``Filter``."""
        self._forget()

    def _start(self) -> None:
        """With the first event: greet the proxy."""
        address = self._address = self.host.value(self._address)
        user, password = (self.host.value(self._settings[name]) for name in ("username", "password"))
        parsed = parse_target(address)
        try:
            if parsed is None:
                raise ValueError
            self._request = request_of(*parsed)
        except ValueError:
            self._refuse(f"invalid target: {address}")
            return
        try:
            self._credentials = credentials_of(_text(user), _text(password))
        except ValueError as error:
            self._refuse(f"invalid user or password: {error}")
            return
        self._step = self._chosen
        self._gate = Gate(self.host, self._expired)
        self._branch = self.host.join(self._target, self._reply)
        self._branch.feed(Data(greeting(self._credentials)))

    def _refuse(self, words: str) -> None:
        _log.error(words)
        self._feed = ignore
        self.emit(StreamEnd(Failure.RUNTIME_ERROR))

    # -- from the proxy ---------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        if self._granted:
            if type(event) is Data or type(event) is StreamEnd:
                self.emit(event)
        elif isinstance(event, Data):
            self._held += event.payload
            try:
                while self._held and self._step is not None and self._step():
                    pass
            except Denied as denied:
                _log.warning(f"{self._address}: {denied}")
                self._end(denied.failure)
        elif isinstance(event, StreamEnd) and self._step is not None:
            self._end(Failure.READ_ERROR if event.error is Failure.NONE else event.error)

    def _answer(self, size: int, step: Callable[[], bool], words: bytes) -> bool:
        self._held = self._held[size:]
        self._step = step
        assert self._branch is not None
        self._branch.feed(Data(words))
        return True

    def _chosen(self) -> bool:
        read = read_method(self._held, bool(self._credentials))
        if read is None:
            return False
        method, size = read
        if method == USER_AND_PASSWORD:
            return self._answer(size, self._logged_in, self._credentials)
        return self._answer(size, self._connected, self._request)

    def _logged_in(self) -> bool:
        read = read_login(self._held)
        return read is not None and self._answer(read[1], self._connected, self._request)

    def _connected(self) -> bool:
        read = read_reply(self._held)
        if read is None:
            return False
        rest, self._held = self._held[read[1] :], b""
        self._step = None
        self._granted = True
        if rest:
            self.emit(Data(rest))
        if self._feed is None and self._gate is not None and self._branch is not None:  # it has not been closed meanwhile
            self._gate.open(self._branch.feed)
            self._feed = self._feed or self._branch.feed
        return False

    def _expired(self) -> None:
        _log.warning(f"{self._address}: no answer from the proxy")
        self._end(Failure.CONNECTION_TIMEOUT)

    def _end(self, failure: Failure) -> None:
        self._forget()
        self.emit(StreamEnd(failure))

    def _forget(self) -> None:
        self._step = None
        self._feed = ignore
        self._held = b""
        if self._gate is not None:
            self._gate.forget()
        if self._branch is not None:
            self._branch.close()


def _text(value: Any) -> str:
    """A setting that a script has given."""
    return value if isinstance(value, str) else ""


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "connectSOCKS",
        ConnectSOCKS,
        [
            Param("target", PIPELINE, "what leads to the proxy, in the same context"),
            Param("address", dynamic(STRING), "where to, as 'host:port' or '[ipv6]:port'; evaluated at the first event"),
            options(
                Param("username", dynamic(STRING), "for a proxy that asks for it", ""),
                Param("password", dynamic(STRING), "the same", ""),
            ),
        ],
        help="Sends the stream through a SOCKS 5 proxy. A failure comes out as the error of StreamEnd: Unauthorized where the "
        "proxy refuses user and password, ConnectionRefused where it refuses the address or cannot reach it.",
        group="network",
    )
