"""Keys and certificates as scripts hold them. TLS filters and the ``crypto`` global both take these; only PEM text becomes one."""

import re
from collections.abc import Callable
from typing import Final, Self, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from pipy_core.kit.native import Native

_Parsed = TypeVar("_Parsed")
_LINE: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]{1,64})-----")
_DETAILS: Final = re.compile(r"\. |\n|: ParseError|\.$")  # what follows is for those who know ASN.1
_SM2: Final = "1.2.156.10197.1.301"  # the curve, which no library that cryptography is made of knows
#: Bytes of PEM text. A private key of RSA with 16384 bits has 13 KB, a bundle of all public authorities about 250 KB.
MAX_PEM: Final = 1024 * 1024


class PrivateKey(Native):
    """A private key. ``key`` is that of ``cryptography``."""

    __slots__ = ("key",)

    def __init__(self, key: PrivateKeyTypes) -> None:
        self.key = key

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """The first private key in *pem*: PKCS#8, or that of RSA or EC in its own form.

        :raises ValueError: there is none, it is encrypted, damaged or of an unknown kind; says which in one line.
        """
        block = _first(pem, b"PRIVATE KEY", "private key")
        if b"ENCRYPTED" in block:
            raise ValueError("the private key is encrypted; decrypt it first: openssl pkey -in FILE -out FILE")
        return cls(_parsed(lambda: load_pem_private_key(block, None), "private key"))


class PublicKey(Native):
    """A public key. ``key`` is that of ``cryptography``."""

    __slots__ = ("key",)

    def __init__(self, key: PublicKeyTypes) -> None:
        self.key = key

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """The first public key in *pem*.

        :raises ValueError: there is none, or it is damaged or of an unknown kind; says which in one line.
        """
        block = _first(pem, b"PUBLIC KEY", "public key")
        return cls(_parsed(lambda: load_pem_public_key(block), "public key"))


class Certificate(Native):
    """An X.509 certificate. ``certificate`` is that of ``cryptography``."""

    __slots__ = ("certificate",)

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """The first certificate in *pem*; what follows is left alone.

        :raises ValueError: there is none, or it is damaged; says which in one line.
        """
        block = _first(pem, b"CERTIFICATE", "certificate")
        return cls(_parsed(lambda: x509.load_pem_x509_certificate(block), "certificate"))


class CertificateChain(Native):
    """Certificates in the order of their file: the host's own one first, then those of the authorities in between."""

    __slots__ = ("certificates",)

    def __init__(self, certificates: tuple[x509.Certificate, ...]) -> None:
        self.certificates = certificates

    def __len__(self) -> int:
        return 1024 * max(1, len(self.certificates))

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """All certificates in *pem*.

        :raises ValueError: there is none, or one of them is damaged; says which in one line.
        """
        blocks = [block for label, block in _blocks(pem) if label.endswith(b"CERTIFICATE")]
        if not blocks:
            _first(pem, b"CERTIFICATE", "certificate")
        return cls(tuple(_parsed(lambda: [x509.load_pem_x509_certificate(block) for block in blocks], "certificate")))


def _blocks(pem: bytes) -> list[tuple[bytes, bytes]]:
    """All blocks with their labels, in their order."""
    if len(pem) > MAX_PEM:
        raise ValueError(f"a PEM text of {len(pem)} bytes is too long, {MAX_PEM} are allowed")
    blocks: list[tuple[bytes, bytes]] = []
    begun: re.Match[bytes] | None = None
    for line in _LINE.finditer(pem):  # in one pass: strangers may send certificates
        if line[1] == b"BEGIN":
            begun = line
        elif begun is not None and begun[2] == line[2]:
            blocks.append((line[2], pem[begun.start() : line.end()]))
            begun = None
    return blocks


def _first(pem: bytes, label: bytes, what: str) -> bytes:
    """The first block whose label ends with *label*: files of EC keys begin with a block of parameters."""
    blocks = _blocks(pem)
    for found, block in blocks:
        if found.endswith(label):
            return block
    if not blocks:
        raise ValueError(f"this is no {what} in PEM form")
    raise ValueError(f"there is no {what} in this PEM text, but {', '.join(sorted({found.decode() for found, _ in blocks}))}")


def _parsed(parse: Callable[[], _Parsed], what: str) -> _Parsed:
    try:
        return parse()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if _SM2 in str(error):
            raise ValueError(f"the {what} is one of SM2, which is not supported") from error
        reason = _DETAILS.split(str(error), maxsplit=1)[0]
        raise ValueError(f"the {what} cannot be read: {reason or type(error).__name__}") from error
