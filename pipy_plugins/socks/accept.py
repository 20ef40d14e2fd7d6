"""``acceptSOCKS(target, onConnect [, options])``: a SOCKS proxy of versions 4, 4a and 5, as far as ``CONNECT`` goes.

The client is told that it is connected as soon as the script agrees, before anything is known of a connection; what it sends
behind its request goes to the sub-pipeline, in the same context. Holds at most one request. Spec: filters.md, 5.
"""

from collections.abc import Callable
from typing import Any

from pipy_core.api import (
    EOS,
    FLUSH,
    FUNCTION,
    PIPELINE,
    Data,
    Emit,
    Event,
    FirstWords,
    Function,
    Joint,
    Param,
    Registry,
    ScriptError,
    StreamEnd,
    Target,
    hookimpl,
    options,
)
from pipy_plugins.socks.wire import (
    GRANTED,
    GRANTED4,
    LOGGED_IN,
    NO_AUTHENTICATION,
    NO_METHOD,
    NOT_ALLOWED,
    NOT_LOGGED_IN,
    REJECTED4,
    USER_AND_PASSWORD,
    Refusal,
    Request,
    read_credentials,
    read_methods,
    read_request,
    read_request4,
    reply,
    reply4,
)


class AcceptSOCKS(Joint):
    """One client: greeting, perhaps user and password, request; then a stream."""

    joins = "link"
    begins = True

    def __init__(self, target: Target, on_connect: Function, settings: dict[str, Any]) -> None:
        self._target = target
        self._on_connect = on_connect
        self._authenticate: Function | None = settings["authenticate"]
        self._user = ""
        self._held = b""
        self._step: Callable[[], bool] | None = self._greeted  # what to do with what is held; gives whether there was enough
        self._feed: Emit | None = None  # where events go once the client is connected

    def begin(self) -> None:
        """See ``Filter``."""
        self._first = FirstWords(self.host.context.group, self.host.now())

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd are consumed."""
        kind = type(event)
        if kind is not Data and kind is not StreamEnd:
            return
        if self._feed is not None:
            self._feed(event)
        elif isinstance(event, Data):
            self._held += event.payload
            self._advance()
        elif self._step is not None:
            self._step = None
            self.emit(event)

    def drain(self) -> None:
        """See ``Filter``. A client that has said nothing yet has begun nothing."""
        if self._branch is not None:
            self._branch.drain()
        elif self._step == self._greeted and not self._held:
            self._end(b"")

    def close(self) -> None:
        """See ``Filter``."""
        self._step = self._feed = None
        self._first.heard()
        super().close()

    def _advance(self) -> None:
        try:
            while self._held and self._step is not None and self._step():
                pass
        except Refusal as refusal:
            self._end(refusal.reply)

    def _end(self, answer: bytes) -> None:
        """Tell the client that it cannot go on."""
        self._step = None
        self._held = b""
        self._first.heard()
        if answer:
            self.emit(Data(answer))
        self.emit(EOS)

    def _go_on(self, size: int, step: Callable[[], bool], answer: bytes) -> bool:
        """*size* bytes have been understood: *answer* them. What comes next is for *step*."""
        self._held = self._held[size:]
        self._step = step
        self.emit(Data(answer))
        return True

    def _ask(self, refusal: bytes, function: Function, *args: Any) -> None:
        """Ask the script whether the client may go on.

        :raises Refusal: it may not, or the script has failed.
        """
        try:
            allowed = self.host.call(function, *args)
        except ScriptError as error:
            self.host.report(error)
            allowed = False
        if not allowed:
            raise Refusal(refusal)

    # -- the steps --------------------------------------------------------------------------------------------------

    def _greeted(self) -> bool:
        version = self._held[0]
        if version == 4:
            if self._authenticate is not None:  # that version has no passwords
                raise Refusal(reply4(REJECTED4))
            self._step = self._requested4
            return True
        if version != 5:
            raise Refusal
        greeting = read_methods(self._held)
        if greeting is None:
            return False
        methods, size = greeting
        if self._authenticate is None:  # whatever the client offers, as the original does
            return self._go_on(size, self._requested, b"\x05%c" % NO_AUTHENTICATION)
        if USER_AND_PASSWORD not in methods:
            raise Refusal(NO_METHOD)
        return self._go_on(size, self._identified, b"\x05%c" % USER_AND_PASSWORD)

    def _identified(self) -> bool:
        read = read_credentials(self._held)
        if read is None:
            return False
        (self._user, password), size = read
        assert self._authenticate is not None
        self._ask(NOT_LOGGED_IN, self._authenticate, self._user, password)
        return self._go_on(size, self._requested, LOGGED_IN)

    def _requested(self) -> bool:
        read = read_request(self._held)
        return read is not None and self._connect(*read, reply(GRANTED), reply(NOT_ALLOWED))

    def _requested4(self) -> bool:
        read = read_request4(self._held)
        return read is not None and self._connect(*read, reply4(GRANTED4), reply4(REJECTED4))

    def _connect(self, request: Request, size: int, granted: bytes, refused: bytes) -> bool:
        user = self._user or request.user
        self._ask(refused, self._on_connect, request.host, request.port, *((user,) if user else ()))
        self._held = self._held[size:]
        self._step = None
        self._first.heard()
        branch = self._branch = self.host.join(self._target, self._pass)
        self.emit(Data(granted))
        rest, self._held = self._held, b""
        self._feed = branch.feed
        branch.feed(Data(rest) if rest else FLUSH)  # what is connected to may be the first to speak
        return False

    def _pass(self, event: Event) -> None:
        self.emit(event)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "acceptSOCKS",
        AcceptSOCKS,
        [
            Param("target", PIPELINE, "what the stream of a connected client goes through, in the same context"),
            Param(
                "onConnect",
                FUNCTION,
                "gets host, port, and the user if there is one; true connects the client. An IPv6 address is in brackets",
            ),
            options(
                Param(
                    "authenticate",
                    FUNCTION,
                    "gets user and password; true lets the client in. Version 4, which has no passwords, is refused then",
                    None,
                )
            ),
        ],
        help="Is a SOCKS proxy (versions 4, 4a and 5) for connections to IPv4 and IPv6 addresses and to names. The client is told "
        "that it is connected as soon as the function agrees; BIND and UDP are refused.",
        group="network",
    )
