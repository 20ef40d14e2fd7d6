"""What scripts may set for TLS, checked: the kinds of the options that both filters have, and what a certificate must be."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cryptography import x509
from OpenSSL import SSL

from pipy_core.api import (
    DURATION,
    FUNCTION,
    STRING,
    UNDEFINED,
    ArgumentError,
    Certificate,
    CertificateChain,
    Function,
    Host,
    Kind,
    OneOf,
    Param,
    PrivateKey,
    ScriptDict,
    ScriptList,
    get_logger,
)

_log = get_logger("tls")

#: Seconds a handshake may take unless a script says otherwise; nginx waits 60 s for the first request, handshake included.
HANDSHAKE_LIMIT: Final = 60.0
#: A name that ALPN can carry is this long at most (RFC 7301, 3.1).
_MOST_LETTERS: Final = 255

_VERSIONS: Final = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.0": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


class Pair(NamedTuple):
    """A certificate with its key, as a script holds them."""

    cert: Certificate | CertificateChain
    key: PrivateKey

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificate and those of the authorities behind it."""
        return self.cert.certificates if isinstance(self.cert, CertificateChain) else (self.cert.certificate,)


def pair_of(value: Any) -> Pair:
    """*value*, an object with ``cert`` and ``key``.

    :raises ValueError: it is not; says which, in the original's words.
    """
    if not isinstance(value, ScriptDict):
        raise ValueError("certificate callback did not return an object")  # noqa: TRY004  # the value is wrong, not the call
    key, cert = value.get("key"), value.get("cert")
    if not isinstance(key, PrivateKey):
        raise ValueError("certificate.key requires a PrivateKey object")  # noqa: TRY004
    if not isinstance(cert, Certificate | CertificateChain):
        raise ValueError("certificate.cert requires a Certificate or a CertificateChain object")  # noqa: TRY004
    if isinstance(cert, CertificateChain) and not cert.certificates:
        raise ValueError("empty certificate chain")
    return Pair(cert, key)


def chosen(host: Host, function: Function, name: str) -> Pair | None:
    """What a certificate function gives for a server *name*, which may be empty. What it must not give is logged, and None.

    :raises ScriptError: it has thrown.
    """
    given = host.call(function, *([name] if name else []), plain=True)
    if not given:
        return None
    try:
        return pair_of(given)
    except ValueError as error:
        _log.error(str(error))
        return None


@dataclass(frozen=True)
class PairOf(Kind):
    """A certificate and its key."""

    words: str = "an object"
    typescript: str = "{ cert: crypto.Certificate | crypto.CertificateChain, key: crypto.PrivateKey }"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, ScriptDict)

    def check(self, value: Any) -> Pair:
        """See ``Kind``."""
        given = super().check(value)
        try:
            return pair_of(given)
        except ValueError as error:
            raise ArgumentError(f"is not one: {error}") from None


@dataclass(frozen=True)
class Authorities(Kind):
    """Certificates of those who may vouch for the peer. Given to the filter as a tuple of certificates of ``cryptography``."""

    words: str = "an array"
    typescript: str = "(crypto.Certificate | crypto.CertificateChain)[]"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, ScriptList)

    def check(self, value: Any) -> tuple[x509.Certificate, ...]:
        """See ``Kind``."""
        trusted: list[x509.Certificate] = []
        for number, element in enumerate(super().check(value)):
            if isinstance(element, Certificate):
                trusted.append(element.certificate)
            elif isinstance(element, CertificateChain):
                trusted += element.certificates
            else:
                raise ArgumentError(f"element {number} is not a Certificate")
        return tuple(trusted)


@dataclass(frozen=True)
class Protocols(Kind):
    """Names for ALPN, the most wanted first. Given to the filter as a tuple of bytes."""

    words: str = "an array of strings"
    typescript: str = "string[]"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, ScriptList)

    def check(self, value: Any) -> tuple[bytes, ...]:
        """See ``Kind``."""
        names = []
        for number, element in enumerate(super().check(value)):
            if not (isinstance(element, str) and element.isascii() and 1 <= len(element) <= _MOST_LETTERS):
                raise ArgumentError(f"element {number} is not the name of a protocol")
            names.append(element.encode("ascii"))
        return tuple(names)


@dataclass(frozen=True)
class Version(Kind):
    """A version of TLS, written as OpenSSL does."""

    words: str = "'TLSv1', 'TLSv1.1', 'TLSv1.2' or 'TLSv1.3'"
    typescript: str = "'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``. Later versions of the original write ``TLS1.2``."""
        return isinstance(value, str) and value.replace("TLS1", "TLSv1") in _VERSIONS

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        version: str = super().check(value)
        return version.replace("TLS1", "TLSv1")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of one use of a filter.

    :ivar certificate: a Pair, a function that gives an object with ``cert`` and ``key``, or None.
    :ivar trusted: who may vouch for the peer; nobody: the peer is not asked for a certificate, or need not be known.
    :ivar verify: has the last word on each certificate.
    :ivar alpn: protocols, the most wanted first.
    :ivar oldest: version of TLS; ``newest`` too, 0 is the newest there is.
    :ivar timeout: seconds for the handshake; None: nothing was said.
    :ivar check_host: whether the server's certificate must be one for the name that was asked for.
    """

    server: bool
    certificate: Pair | Function | None
    trusted: tuple[x509.Certificate, ...]
    verify: Function | None
    alpn: tuple[bytes, ...]
    oldest: int
    newest: int
    ciphers: str
    timeout: float | None
    sni: Any = UNDEFINED
    check_host: bool = False

    @classmethod
    def of(cls, given: dict[str, Any], *, server: bool) -> "Settings":
        """Those that a script has given.

        :raises ArgumentError: two of them contradict each other.
        """
        settings = cls(
            server,
            given["certificate"],
            given["trusted"] or (),
            given["verify"],
            given["alpn"] or (),
            _VERSIONS[given["minVersion"]],
            _VERSIONS[given["maxVersion"]] if given["maxVersion"] else 0,
            given["ciphers"] or "",
            given["handshakeTimeout"],
            given.get("sni", UNDEFINED),
            given.get("checkHost", False),
        )
        if settings.newest and settings.newest < settings.oldest:
            raise ArgumentError("options.maxVersion is older than options.minVersion")
        if settings.check_host and not settings.trusted and settings.verify is None:
            raise ArgumentError("options.checkHost needs options.trusted: anybody can make a certificate for any name")
        return settings


CERTIFICATE: Final = OneOf((PairOf(), FUNCTION))

#: The options that both filters have, but for the certificate, which only a server needs.
COMMON: Final = (
    Param(
        "trusted",
        Authorities(),
        "certificates, one of which must have signed the peer's, or be it; unless there are any, nothing is verified",
        None,
    ),
    Param(
        "verify",
        FUNCTION,
        "called as (ok, info) for each certificate of the peer's chain, the authority's first: whether OpenSSL finds it good, and "
        "an object with subject, issuer, serialNumber, names, notBefore, notAfter, fingerprint (SHA-256), depth (0 is the peer's "
        "own) and error. What it returns counts. The peer then needs a certificate, and sessions are not resumed",
        None,
    ),
    Param("alpn", Protocols(), "application protocols to agree on one, the most wanted first", None),
    Param("minVersion", Version(), "the oldest version of TLS to speak", "TLSv1.2"),
    Param("maxVersion", Version(), "the newest version of TLS to speak; the newest that OpenSSL has unless given", None),
    Param("ciphers", STRING, "for TLS 1.2 and older, as OpenSSL lists them; its own choice unless given", None),
    Param(
        "handshakeTimeout",
        DURATION,
        "for the handshake, from its first byte on; 0 is for ever; unless given 60 s, for clients what --header-timeout says",
        None,
    ),
)
