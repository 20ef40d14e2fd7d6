"""Public keys as JSON (RFC 7517; RFC 7518, 6; RFC 8037)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurve, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from pipy_plugins.crypto.base64url import decoded

_CURVES: Final[dict[str, EllipticCurve]] = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}
#: Digits of a number. An RSA key of 16384 bits has 2731.
MAX_DIGITS: Final = 4096


class Unusable(ValueError):
    """All members are there, but they make no key."""


def key_of(members: Mapping[str, Any]) -> PublicKeyTypes:
    """The public key that *members* describe.

    :raises ValueError: one is missing, or ``kty`` is unknown; says which.
    :raises Unusable: a value is damaged, or the curve is unknown.
    """
    kty = _member(members, "kty")
    if kty not in _KINDS:
        raise ValueError('unknown "kty"')
    names, make = _KINDS[kty]
    values = [_member(members, name) for name in names]
    try:
        return make(*values)
    except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise Unusable(str(error)) from error


def _member(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise ValueError(f'missing "{name}"')  # noqa: TRY004  # the name that the original has for it
    return value


def _bytes(text: str) -> bytes:
    if len(text) > MAX_DIGITS:
        raise ValueError("the number is too long")
    return decoded(text.rstrip("="))  # padding is wrong here, but seen


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


def _rsa(n: str, e: str) -> PublicKeyTypes:
    return RSAPublicNumbers(_number(e), _number(n)).public_key()


def _ec(crv: str, x: str, y: str) -> PublicKeyTypes:
    if crv not in _CURVES:
        raise ValueError("unknown curve")
    return EllipticCurvePublicNumbers(_number(x), _number(y), _CURVES[crv]).public_key()


def _okp(crv: str, x: str) -> PublicKeyTypes:
    if crv != "Ed25519":
        raise ValueError("unknown curve")
    return Ed25519PublicKey.from_public_bytes(_bytes(x))


_KINDS: Final[dict[str, tuple[tuple[str, ...], Callable[..., PublicKeyTypes]]]] = {
    "RSA": (("n", "e"), _rsa),
    "EC": (("crv", "x", "y"), _ec),
    "OKP": (("crv", "x"), _okp),
}
