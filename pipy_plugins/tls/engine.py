"""One TLS connection without a network: ciphertext in, plaintext out, and the other way round. OpenSSL does the work.

Decides how large the pieces are in which bytes pass through OpenSSL, so that its buffers stay small, and turns its exceptions into
``Broken``. Knows no events.
"""

from typing import Any, Final

from OpenSSL import SSL

#: A record holds as much plaintext as this (RFC 8446, 5.1), and one read gives no more than one record.
RECORD: Final = 16 * 1024
#: What is handed to OpenSSL at once. Its buffers keep the size they have grown to for as long as the connection lasts.
PIECE: Final = 64 * 1024
#: Room for what four records are longer than their plaintext, with a handshake message beside them.
_OVERHEAD: Final = 4096


class Broken(Exception):
    """The connection cannot go on: the peer breaks the protocol, or one side does not trust the other.

    ``code`` is OpenSSL's class of error, ``reasons`` its words. What ``Engine.take`` gives next tells the peer.
    """

    def __init__(self, code: int, reasons: list[str]) -> None:
        super().__init__(f"error {code}")
        self.code = code
        self.reasons = reasons


class Engine:
    """Server or client side of one connection.

    :param context: everything that connections have in common.
    :param server: which side.
    :ivar established: the handshake is done.
    :ivar ended: the peer has announced its end (close_notify).
    """

    __slots__ = ("_connection", "ended", "established")

    def __init__(self, context: SSL.Context, *, server: bool) -> None:
        self._connection = connection = SSL.Connection(context)
        self.established = False
        self.ended = False
        if server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()

    # -- before the handshake ---------------------------------------------------------------------------------------

    def name_server(self, name: bytes) -> None:
        """Tell the server which of its names is meant."""
        self._connection.set_tlsext_host_name(name)

    def resume(self, session: SSL.Session) -> None:
        """Offer the server to go on with an earlier *session*, which must be of the same context."""
        self._connection.set_session(session)

    def belongs_to(self, owner: Any) -> None:
        """Callbacks of the context find *owner* as the connection's ``get_app_data()``."""
        self._connection.set_app_data(owner)

    def greet(self) -> None:
        """Begin the handshake: the client speaks first.

        :raises Broken: it cannot begin, as no protocol version is left.
        """
        self._advance()

    # -- bytes ------------------------------------------------------------------------------------------------------

    def receive(self, ciphertext: bytes, plaintext: list[bytes]) -> None:
        """Take what the peer sent and append what it says to *plaintext*. Look at ``take`` afterwards, also after an error.

        :raises Broken: what came before the error has been appended.
        """
        if len(ciphertext) <= PIECE:
            self._receive(ciphertext, plaintext)
            return
        view = memoryview(ciphertext)
        for begin in range(0, len(ciphertext), PIECE):
            self._receive(view[begin : begin + PIECE], plaintext)

    def _receive(self, ciphertext: bytes | memoryview, plaintext: list[bytes]) -> None:
        if self.ended:
            return  # there is nothing behind the end, whatever comes
        connection = self._connection
        connection.bio_write(ciphertext)
        if not self.established and not self._advance():
            return
        recv = connection.recv
        try:
            while True:
                plaintext.append(recv(RECORD))
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self.ended = True
        except SSL.Error as error:
            raise broken(error) from error

    def _advance(self) -> bool:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            raise broken(error) from error
        self.established = True
        return True

    def send(self, plaintext: bytes) -> bytes:
        """The ciphertext for *plaintext*, behind whatever else is to be sent.

        :raises Broken: nothing can be sent any more.
        """
        connection = self._connection
        try:
            if len(plaintext) <= PIECE:
                connection.send(plaintext)
                return self.take(len(plaintext))
            view = memoryview(plaintext)
            pieces = []
            for begin in range(0, len(plaintext), PIECE):
                connection.send(view[begin : begin + PIECE])
                pieces.append(self.take(PIECE))
            return b"".join(pieces)
        except SSL.Error as error:
            raise broken(error) from error

    def take(self, expected: int = 0) -> bytes:
        """All that is to be sent to the peer: about *expected* bytes, perhaps none."""
        room = expected + _OVERHEAD
        try:
            taken = self._connection.bio_read(room)
        except SSL.WantReadError:
            return b""
        if len(taken) < room:
            return taken
        return taken + self.take(PIECE)

    # -- the end ----------------------------------------------------------------------------------------------------

    def end(self) -> bytes:
        """What tells the peer that all has been sent (close_notify)."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return b""  # the connection has failed, or was never there: an end would say that all is well
        return self.take()

    def close(self) -> None:
        """Let go of everything. The session can still be resumed, which OpenSSL forbids where nobody has said goodbye."""
        self._connection.set_app_data(None)
        if self.established:
            self._connection.set_shutdown(SSL.SENT_SHUTDOWN)

    # -- what was agreed on -----------------------------------------------------------------------------------------

    @property
    def alpn(self) -> str:
        """The protocol agreed on for what is inside; empty if there is none."""
        return self._connection.get_alpn_proto_negotiated().decode("latin-1")

    @property
    def session(self) -> SSL.Session | None:
        """What ``resume`` of a later connection takes. With TLS 1.3 it comes some time after the handshake."""
        return self._connection.get_session()


def broken(error: SSL.Error) -> Broken:
    """*error* in our terms."""
    if isinstance(error, SSL.SysCallError):
        return Broken(5, [str(error.args[1])])
    found = error.args[0] if error.args else []
    return Broken(1, [": ".join(part for part in (library, reason) if part) for library, _function, reason in found])
