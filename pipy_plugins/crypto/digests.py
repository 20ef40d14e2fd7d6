"""Message digests by the names that scripts know."""

import hashlib
from typing import Any, Final

#: The bytes that OpenSSL gives of a digest that may have any length.
SHAKE_SIZES: Final = {"shake128": 16, "shake256": 32}
_SPELLINGS: Final = {  # where hashlib has a name of its own, which needs no OpenSSL
    "shake128": "shake_128",
    "shake256": "shake_256",
    "blake2b512": "blake2b",
    "blake2s256": "blake2s",
    **{f"sha3-{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)},
}
_SHA: Final = {f"sha{size}" for size in ("1", "224", "256", "384", "512", "512-224", "512-256")}
_NAMES: Final = _SPELLINGS.keys() | _SHA | {"md4", "md5", "md5-sha1", "mdc2", "ripemd160", "whirlpool", "sm3"}


def checked(name: Any) -> str:
    """The name of a digest as it stands in the list; capitals do not matter.

    :raises TypeError: *name* is no text.
    :raises ValueError: there is no such digest.
    """
    if not isinstance(name, str):
        raise TypeError("argument #1 expects a string")
    if name.lower() not in _NAMES:
        raise ValueError(f"unknown message digest: {name}")
    return name.lower()


def new(name: str) -> Any:
    """A digest of ``hashlib``.

    :param name: from ``checked``.
    :raises ValueError: the OpenSSL of this Python does not offer it.
    """
    try:
        return hashlib.new(_SPELLINGS.get(name, name), usedforsecurity=False)
    except ValueError as error:
        raise ValueError(f"the message digest {name} is not offered by the OpenSSL of this system") from error
