"""The signatures of JSON Web Tokens by their names (RFC 7518, 3; RFC 8037). Pure: names, keys and bytes in, a verdict out."""

import hmac
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

_SHA2: Final[dict[str, hashes.HashAlgorithm]] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
#: The one curve of each algorithm, and the bytes of each half of a signature (RFC 7518, 3.4).
_CURVES: Final = {"ES256": ("secp256r1", 32), "ES384": ("secp384r1", 48), "ES512": ("secp521r1", 66)}
#: How the text of a key in PEM form begins.
PEM: Final = b"-----BEGIN "


def verify_secret(algorithm: str, secret: bytes, signed: bytes, signature: bytes) -> bool:
    """Whether *signature* was made with *secret*. A key in PEM form is no secret, nor is an empty one."""
    if not secret or PEM in secret:
        return False
    return hmac.compare_digest(hmac.digest(secret, signed, _SHA2[algorithm[2:]].name), signature)


def verify_public(algorithm: str, key: Any, signed: bytes, signature: bytes) -> bool:
    """Whether *signature* was made with the private half of *key*. False for a key that is not of this algorithm."""
    try:
        return _FAMILIES[algorithm[:2]](algorithm, key, signed, signature)
    except InvalidSignature:
        return False


def _rsa(algorithm: str, key: Any, signed: bytes, signature: bytes) -> bool:
    if not isinstance(key, RSAPublicKey):
        return False
    key.verify(signature, signed, padding.PKCS1v15(), _SHA2[algorithm[2:]])
    return True


def _pss(algorithm: str, key: Any, signed: bytes, signature: bytes) -> bool:
    if not isinstance(key, RSAPublicKey):
        return False
    digest = _SHA2[algorithm[2:]]
    key.verify(signature, signed, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
    return True


def _ec(algorithm: str, key: Any, signed: bytes, signature: bytes) -> bool:
    curve, size = _CURVES[algorithm]
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != curve or len(signature) != 2 * size:
        return False
    halves = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    key.verify(encode_dss_signature(*halves), signed, ECDSA(_SHA2[algorithm[2:]]))
    return True


def _ed(_algorithm: str, key: Any, signed: bytes, signature: bytes) -> bool:
    if not isinstance(key, Ed25519PublicKey):
        return False
    key.verify(signature, signed)
    return True


_FAMILIES: Final[dict[str, Callable[[str, Any, bytes, bytes], bool]]] = {"RS": _rsa, "PS": _pss, "ES": _ec, "Ed": _ed}
_SIZES: Final = ("256", "384", "512")
SECRET: Final = frozenset(f"HS{size}" for size in _SIZES)
PUBLIC: Final = frozenset({*(f"{family}{size}" for family in ("RS", "PS", "ES") for size in _SIZES), "EdDSA"})
