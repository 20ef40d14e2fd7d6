"""``crypto.Sign`` and ``crypto.Verify``: signatures under what comes in pieces. RSA signs as PKCS#1 v1.5, EC gives DER."""

from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateKey, DSAPublicKey
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from pipy_core.api import UNDEFINED, Native, PrivateKey, PublicKey, Registry, hookimpl
from pipy_plugins.crypto import digests, source
from pipy_plugins.crypto.arguments import octets

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303  # for what was signed long ago
    "sha1": hashes.SHA1(),  # noqa: S303  # as above
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512-224": hashes.SHA512_224(),
    "sha512-256": hashes.SHA512_256(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
    "blake2b512": hashes.BLAKE2b(64),
    "blake2s256": hashes.BLAKE2s(32),
    "sm3": hashes.SM3(),
}


class Signature(Native):
    """What is being signed or verified."""

    __slots__ = ("_algorithm", "_hash")

    def __init__(self, algorithm: hashes.HashAlgorithm) -> None:
        self._algorithm = algorithm
        self._hash: hashes.Hash | None = hashes.Hash(algorithm)

    def update(self, content: bytes) -> None:
        """Take in what follows.

        :raises ValueError: it is finished.
        """
        self._present().update(content)

    def _present(self) -> hashes.Hash:
        if self._hash is None:
            raise ValueError("this has been signed or verified already")
        return self._hash

    def _digest(self) -> bytes:
        running, self._hash = self._present(), None
        return running.finalize()

    def sign(self, key: Any) -> bytes:
        """The signature.

        :raises ValueError: this kind of key cannot sign, or not this digest; or it is finished.
        """
        prehashed = Prehashed(self._algorithm)
        try:
            if isinstance(key, RSAPrivateKey):
                return key.sign(self._digest(), PKCS1v15(), prehashed)
            if isinstance(key, EllipticCurvePrivateKey):
                return key.sign(self._digest(), ECDSA(prehashed))
            if isinstance(key, DSAPrivateKey):
                return key.sign(self._digest(), prehashed)
        except UnsupportedAlgorithm as error:
            raise ValueError(f"this key cannot sign {self._algorithm.name}") from error
        raise ValueError("a key of this kind cannot sign a digest")

    def verify(self, key: Any, signature: bytes) -> bool:
        """Whether *signature* is that of the private half of *key*.

        :raises ValueError: this kind of key cannot verify, or not this digest; or it is finished.
        """
        if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey | DSAPublicKey):
            raise ValueError("a key of this kind cannot verify a digest")  # noqa: TRY004  # it is a key
        digest, prehashed = self._digest(), Prehashed(self._algorithm)
        try:
            if isinstance(key, RSAPublicKey):
                key.verify(signature, digest, PKCS1v15(), prehashed)
            elif isinstance(key, EllipticCurvePublicKey):
                key.verify(signature, digest, ECDSA(prehashed))
            else:
                key.verify(signature, digest, prehashed)
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as error:
            raise ValueError(f"this key cannot verify {self._algorithm.name}") from error
        return True


def new_signature(algorithm: Any) -> Signature:
    """What ``new crypto.Sign`` and ``new crypto.Verify`` hold."""
    name = digests.checked(algorithm)
    if name not in _HASHES:
        raise ValueError(f"signatures of {name} are not supported")
    return Signature(_HASHES[name])


def update(signature: Signature, content: Any) -> None:
    """``update`` of both classes."""
    signature.update(octets(content, 1))


def sign(signature: Signature, key: Any, identity: Any) -> bytes:
    """``sign``."""
    if not isinstance(key, PrivateKey):
        raise TypeError("argument #1 expects an instance of crypto.PrivateKey")
    _refuse(identity)
    return signature.sign(key.key)


def verify(signature: Signature, key: Any, given: Any, identity: Any) -> bool:
    """``verify``."""
    if not isinstance(key, PublicKey):
        raise TypeError("argument #1 expects an instance of crypto.PublicKey")
    _refuse(identity)
    return signature.verify(key.key, octets(given, 2))


def _refuse(identity: Any) -> None:
    if identity is not UNDEFINED and identity is not None:
        raise ValueError("options.id is for keys of SM2, which are not supported")


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``crypto.Sign`` and ``crypto.Verify``."""
    registry.add_function("crypto.signature", new_signature)
    registry.add_function("crypto.updateSignature", update)
    registry.add_function("crypto.sign", sign)
    registry.add_function("crypto.verify", verify)
    source.add(registry, "signature")
