"""``connectTLS(target [, options])``: the client side of TLS. What goes in is encrypted for a server that a sub-pipeline leads to.

The handshake begins with the first event of any kind, an empty Data too. Nothing is verified unless ``trusted`` says whom to
believe. Holds what comes in before the handshake is done, 16 MiB at most; the sender has to wait from 64 KiB on.
"""

import re
from functools import partial
from typing import Any, Final

from OpenSSL import SSL

from pipy_core.api import (
    BOOLEAN,
    EOS,
    FLUSH,
    PIPELINE,
    STRING,
    UNDEFINED,
    ArgumentError,
    Data,
    Event,
    Failure,
    Function,
    Make,
    Param,
    Registry,
    StreamEnd,
    Target,
    dynamic,
    get_logger,
    hookimpl,
    options,
)
from pipy_plugins.tls.contexts import Contexts
from pipy_plugins.tls.engine import Broken, Engine
from pipy_plugins.tls.peer import address_of
from pipy_plugins.tls.settings import CERTIFICATE, COMMON, Settings, chosen
from pipy_plugins.tls.stream import TLSStream

#: What may stand in a name that is sent; what exactly is a name of a host, servers know.
_NAME: Final = re.compile(r"[!-~]{1,255}")

_log = get_logger("tls")


class ConnectTLS(TLSStream):
    """One connection to a server: the user is what this filter gets and emits, the peer is the sub-pipeline."""

    @classmethod
    def prepare(cls, target: Target, given: dict[str, Any]) -> Make:
        """See ``Filter``.

        :raises ArgumentError: OpenSSL cannot do what the options say.
        """
        settings = Settings.of(given, server=False)
        if settings.check_host and settings.sni is UNDEFINED:
            raise ArgumentError("options.checkHost needs options.sni, the name to look for")
        return partial(cls, Contexts(settings), target)

    def __init__(self, contexts: Contexts, target: Target) -> None:
        super().__init__(contexts, target)
        self._context: SSL.Context | None = None  # where the next session is to be kept; None: it has been, or is not
        self._name = ""  # of the server
        self._answered = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._branch is None and not self._user_over:
            if type(event) is StreamEnd:
                self._user_over = True
                self.emit(event)
                return
            self._begin()
        self.from_user(event)

    def _to_peer(self, event: Event) -> None:
        """See ``TLSStream``."""
        if self._branch is not None:
            self._branch.feed(event)

    def _to_user(self, event: Event) -> None:
        """See ``TLSStream``."""
        self.emit(event)

    def _begin(self) -> None:
        name = self._name = self._server_name()
        pair = chosen(self.host, self._settings.certificate, name) if isinstance(self._settings.certificate, Function) else None
        engine = self._open(pair, name)
        if name and address_of(name) is None:  # addresses are no names (RFC 6066, 3)
            engine.name_server(name.encode("ascii"))
        if self._settings.verify is None:
            self._context = self._contexts.of(pair)
            session = self._contexts.tickets.find(self._context, name)
            if session is not None:
                engine.resume(session)
        self._start_timer()
        self._branch = self.host.join(self._target, self.from_peer)
        try:
            engine.greet()
        except Broken as error:
            self._fail(error)
        else:
            self._to_peer(Data(engine.take()))

    def _server_name(self) -> str:
        """What the script calls the server, in ASCII; empty if it does not, or cannot be."""
        given = self.host.value(self._settings.sni)
        if isinstance(given, str):
            name = ascii_name(given)
            if name is not None:
                return name
            _log.error("sni is not the name of a host")
        elif given is not UNDEFINED or isinstance(self._settings.sni, Function):
            _log.error("sni callback did not return a string")
        return ""

    def _established(self, engine: Engine) -> None:
        """See ``TLSStream``. With ``alpn`` whoever is in front chooses what to speak by it, and has waited for this."""
        self._release()
        if self._settings.alpn:
            self._to_user(FLUSH)

    def _heard(self, engine: Engine, data: Data) -> None:
        """See ``TLSStream``. Servers have sent what a session is resumed with before they send data."""
        if not self._answered:
            self._answered = True
            session = engine.session
            if session is not None and self._context is not None:
                self._contexts.tickets.keep(self._context, self._name, session)
        self._to_user(data)

    def _is_handshake(self) -> bool:
        """See ``TLSStream``. A server may refuse our certificate when for us the handshake is done already (RFC 8446, 4.4.2.4)."""
        return not self._answered

    def _peer_ended(self) -> None:
        """See ``TLSStream``. There is nothing left to talk about."""
        self._end_output(EOS)
        self._to_user(EOS)

    def _peer_left(self, end: StreamEnd) -> None:
        """See ``TLSStream``. Somebody may have cut off what was to come (RFC 8446, 6.1; RFC 9112, 9.8)."""
        self._to_user(end if end.error is not Failure.NONE else StreamEnd(Failure.READ_ERROR))

    def _end_both(self, failure: Failure) -> None:
        """See ``TLSStream``."""
        if self._context is not None and not self._answered:
            self._contexts.tickets.forget(self._context, self._name)
        super()._end_both(failure)


def ascii_name(name: str) -> str | None:
    """*name* as it is sent and compared; None if it cannot be. OpenSSL would take a part of a name for all of it."""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = name.rstrip(".")
    return name if not name or _NAME.fullmatch(name) else None


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "connectTLS",
        ConnectTLS,
        [
            Param("target", PIPELINE, "the sub-pipeline that leads to the server, such as connect"),
            options(
                Param(
                    "certificate",
                    CERTIFICATE,
                    "the client's, { cert, key }; or a function that gives it, called with the name of the server",
                    None,
                ),
                Param(
                    "sni", dynamic(STRING), "the name of the server, which is told to it (SNI) unless it is an address", UNDEFINED
                ),
                Param("checkHost", BOOLEAN, "whether the server's certificate must be one for the name in sni", default=False),
                *COMMON,
            ),
        ],
        help="Encrypts the stream for a TLS server that the sub-pipeline leads to, and decrypts what it answers. The server is "
        "not verified unless trusted says whom to believe; its name is looked at only with checkHost.",
        group="network",
    )
