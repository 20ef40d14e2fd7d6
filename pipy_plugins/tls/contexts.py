"""OpenSSL's contexts: all that connections of one use of a filter have in common. Made once, as that takes longer than a handshake.

Every choice about the protocol stands here: versions, renegotiation (refused), compression (never), sessions (in tickets that the
client keeps; the server remembers none).
"""

import itertools
from collections import OrderedDict
from typing import Any, Final

from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags

from pipy_core.api import ArgumentError, get_logger
from pipy_plugins.tls.settings import Pair, Settings

#: Certificates whose contexts are kept, where a function chooses them.
MOST_CONTEXTS: Final = 1024
#: Sessions that a client keeps, one for each name of a server.
MOST_SESSIONS: Final = 1024
#: OpenSSL's SSL_MODE_ENABLE_PARTIAL_WRITE, which pyOpenSSL sets: a write would return after each record.
_PARTIAL_WRITE: Final = 0x1

_log = get_logger("tls")
_numbers = itertools.count(1)


class NoCommonProtocol(SSL.Error):
    """ALPN is wanted by both sides, but they have no protocol in common (RFC 7301, 3.2)."""

    def __init__(self) -> None:
        super().__init__([("SSL routines", "", "no application protocol")])


class Contexts:
    """What all connections of one use of a filter share: its settings, contexts, one per certificate, and a client's sessions.

    :param settings: of that use.
    :raises ArgumentError: OpenSSL cannot do what they say.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tickets = Tickets()
        self._session_id = b"pipy-%d" % next(_numbers)
        self._made: OrderedDict[tuple[int, int], tuple[SSL.Context, Pair]] = OrderedDict()
        fixed = settings.certificate if isinstance(settings.certificate, Pair) else None
        try:
            #: That of the certificate which is always the same, or without any.
            self.usual = self._make(fixed)
        except SSL.Error as error:
            raise ArgumentError(f"options cannot be used: {_words(error)}") from error

    def of(self, pair: Pair | None) -> SSL.Context:
        """The context for what a function has given. One that OpenSSL refuses is logged, and as good as none."""
        if pair is None:
            return self.usual
        key = (id(pair.cert), id(pair.key))  # both are kept below: no other object gets these numbers meanwhile
        found = self._made.get(key)
        if found is not None:
            self._made.move_to_end(key)
            return found[0]
        try:
            context = self._make(pair)
        except SSL.Error as error:
            _log.error(f"certificate cannot be used: {_words(error)}")
            context = self.usual
        self._made[key] = (context, pair)
        if len(self._made) > MOST_CONTEXTS:
            self._made.popitem(last=False)
        return context

    def _make(self, pair: Pair | None) -> SSL.Context:
        settings = self.settings
        context = SSL.Context(SSL.TLS_SERVER_METHOD if settings.server else SSL.TLS_CLIENT_METHOD)
        context.clear_mode(_PARTIAL_WRITE)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection needs none
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_min_proto_version(settings.oldest)
        context.set_max_proto_version(settings.newest)
        if settings.ciphers:
            context.set_cipher_list(settings.ciphers.encode())
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(self._session_id)
        if settings.verify is not None:
            context.set_options(SSL.OP_NO_TICKET)
        self._set_alpn(context)
        self._set_trust(context)
        if pair is not None:
            own, *others = pair.chain
            context.use_certificate(own)
            for other in others:
                context.add_extra_chain_cert(other)
            context.use_privatekey(pair.key.key)  # type: ignore[arg-type]  # OpenSSL says whether it can use this kind of key
            context.check_privatekey()
        return context

    def _set_alpn(self, context: SSL.Context) -> None:
        wanted = self.settings.alpn
        if not wanted:
            return
        if not self.settings.server:
            context.set_alpn_protos(list(wanted))
            return

        def select(_connection: SSL.Connection, offered: list[bytes]) -> bytes:
            for protocol in wanted:
                if protocol in offered:
                    return protocol
            raise NoCommonProtocol

        context.set_alpn_select_callback(select)

    def _set_trust(self, context: SSL.Context) -> None:
        settings = self.settings
        if not settings.trusted and settings.verify is None:
            context.set_verify(SSL.VERIFY_NONE)
            return
        store = context.get_cert_store()
        assert store is not None
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)  # who is trusted need not be a root
        for authority in settings.trusted:
            store.add_cert(X509.from_cryptography(authority))
            if settings.server:
                context.add_client_ca(authority)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _ask_owner)


def _ask_owner(connection: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
    owner: Any = connection.get_app_data()
    return owner is not None and bool(owner.accepts(certificate, error, depth, bool(ok)))


class Tickets:
    """Sessions that a client may go on with: the last one for each context and name of a server."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[SSL.Context, str], SSL.Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, context: SSL.Context, name: str) -> SSL.Session | None:
        """The session for *name*, if there is one."""
        return self._kept.get((context, name))

    def keep(self, context: SSL.Context, name: str, session: SSL.Session) -> None:
        """Remember *session* instead of the one before; the oldest is forgotten where there are too many."""
        self._kept[context, name] = session
        self._kept.move_to_end((context, name))
        if len(self._kept) > MOST_SESSIONS:
            self._kept.popitem(last=False)

    def forget(self, context: SSL.Context, name: str) -> None:
        """The handshake that it was offered in has failed; it may be the reason."""
        self._kept.pop((context, name), None)


def _words(error: SSL.Error) -> str:
    return ", ".join(reason for _library, _function, reason in (error.args[0] if error.args else [])) or "unknown error"
