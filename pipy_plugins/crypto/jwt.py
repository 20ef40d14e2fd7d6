"""``crypto.JWT`` and ``crypto.JWK``: signatures of JSON Web Tokens.

What a token claims (``exp``, ``aud``, ...) is for scripts to check. The token is taken apart in JavaScript, so that one parser
alone decides which algorithm it names.
"""

from functools import lru_cache
from typing import Any, Final

from pipy_core.api import Native, PrivateKey, PublicKey, Registry, hookimpl
from pipy_plugins.crypto import jwa, source
from pipy_plugins.crypto.base64url import decoded
from pipy_plugins.crypto.jwk import Unusable, key_of

ALGORITHMS: Final = sorted(jwa.SECRET | jwa.PUBLIC)
#: Keys kept for scripts that verify with the same PEM text again and again.
KEPT_KEYS: Final = 64


class Jwk(Native):
    """What ``new crypto.JWK`` holds: ``key`` is None if it makes no key."""

    __slots__ = ("key",)

    def __init__(self, members: dict[str, Any]) -> None:
        try:
            self.key: Any = key_of(members)
        except Unusable:
            self.key = None


def new_jwk(members: Any) -> Jwk:
    """What ``new crypto.JWK`` holds.

    :raises ValueError: a member is missing, or ``kty`` is unknown.
    """
    if not isinstance(members, dict):
        raise TypeError("argument #1 expects an object")
    return Jwk(members)


def texts(*parts: str) -> list[str] | None:
    """Parts of a token as text; None if one of them is none."""
    try:
        return [decoded(part).decode() for part in parts]
    except ValueError:  # UnicodeDecodeError is one
        return None


def verify(algorithm: str, signed: str, encoded: str, key: Any) -> bool:
    """Whether the signature under the text *signed* was made with *key* in the way that *algorithm* says.

    :param algorithm: one of ``ALGORITHMS``.
    :param encoded: the signature as it stands in the token.

    :raises TypeError: *key* is nothing that could be one.
    :raises ValueError: it is a damaged key in PEM form.
    """
    if not isinstance(key, bytes | str | Jwk | PublicKey | PrivateKey):
        raise TypeError("argument #1 expects a string, an instance of Data, or a key")
    try:
        signature = decoded(encoded)
    except ValueError:
        return False
    if algorithm in jwa.SECRET:
        return isinstance(key, bytes | str) and jwa.verify_secret(algorithm, _octets(key), signed.encode(), signature)
    public = _public(key)
    return public is not None and jwa.verify_public(algorithm, public, signed.encode(), signature)


def _octets(key: bytes | str) -> bytes:
    return key.encode() if isinstance(key, str) else key


def _public(key: Any) -> Any:
    if isinstance(key, bytes | str):
        return _from_pem(_octets(key))
    return key.key.public_key() if isinstance(key, PrivateKey) else key.key


@lru_cache(KEPT_KEYS)
def _from_pem(text: bytes) -> Any:
    """The public key in *text*, or that of the private key in it; None if it is no PEM text, but a secret, say."""
    if jwa.PEM not in text:
        return None
    return PrivateKey.parse(text).key.public_key() if b"PRIVATE KEY-----" in text else PublicKey.parse(text).key


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``crypto.JWK`` and ``crypto.JWT``."""
    registry.add_function("crypto.jwk", new_jwk)
    registry.add_function("crypto.isValidJWK", lambda jwk: jwk.key is not None)
    registry.add_function("crypto.algorithmsOfJWT", lambda: ALGORITHMS)
    registry.add_function("crypto.textsOfJWT", texts)
    registry.add_function("crypto.verifyJWT", verify)
    source.add(registry, "jwt")
