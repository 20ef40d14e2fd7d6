"""Whether the peer's certificates are good: what OpenSSL says, what they are for, and what the script says."""

from OpenSSL.crypto import X509

from pipy_core.api import Host, ScriptError
from pipy_plugins.tls.peer import describe, is_for, words_for
from pipy_plugins.tls.settings import Settings


class Judge:
    """Decides for one connection; OpenSSL asks it in the middle of the handshake.

    :param name: what the server is called, where ``checkHost`` asks for it.
    :ivar refusal: what is wrong with the certificate that was refused last; empty if none was.
    :ivar thrown: the script has thrown. It must not pass through OpenSSL: raise it when that is done.
    """

    __slots__ = ("_host", "_name", "_settings", "refusal", "thrown")

    def __init__(self, host: Host, settings: Settings, name: str) -> None:
        self._host = host
        self._settings = settings
        self._name = name
        self.refusal = ""
        self.thrown: ScriptError | None = None

    def accepts(self, certificate: X509, error: int, depth: int, ok: bool) -> bool:
        """Whether *certificate* is good.

        :param error: what OpenSSL says is wrong with it, by number.
        :param depth: 0 is the peer's own, 1 that of who signed it, and so on.
        :param ok: whether OpenSSL says that nothing is.
        """
        words = words_for(error)
        settings = self._settings
        if settings.check_host and depth == 0 and ok and not is_for(certificate.to_cryptography(), self._name):
            ok, words = False, f"it is not for {self._name or 'a server without a name'}"
        if settings.verify is not None:
            try:
                ok = bool(self._host.call(settings.verify, ok, describe(certificate.to_cryptography(), depth, words)))
            except ScriptError as thrown:
                self.thrown = thrown
                ok = False
            words = words or "the script does not accept it"
        if not ok:
            self.refusal = words
        return ok
