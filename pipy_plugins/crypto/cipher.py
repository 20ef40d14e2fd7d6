"""``crypto.Cipher`` and ``crypto.Decipher``: SM4 and AES, in pieces."""

from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB, GCM

from pipy_core.api import UNDEFINED, Native, Registry, hookimpl
from pipy_plugins.crypto import source
from pipy_plugins.crypto.arguments import octets

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB, OFB
except ImportError:  # before cryptography 47 they stood among the others
    from cryptography.hazmat.primitives.ciphers.modes import CFB, OFB

_BLOCK: Final = 16
_MODES: Final[dict[str, Callable[[bytes], Any]]] = {
    "cbc": CBC,
    "ecb": lambda _: ECB(),  # noqa: S305  # what it is good for is for scripts to know
    "cfb": CFB,
    "cfb128": CFB,
    "ofb": OFB,
    "ctr": CTR,
    "gcm": GCM,
}
_PADDED: Final = frozenset({"cbc", "ecb"})
_CIPHERS: Final = {
    "sm4": (algorithms.SM4, 16),
    "aes-128": (algorithms.AES, 16),
    "aes-192": (algorithms.AES, 24),
    "aes-256": (algorithms.AES, 32),
}


def _material(algorithm: Any, key: Any, iv: Any) -> tuple[Cipher[Any], str]:
    """The cipher of ``cryptography``, and the name of its mode."""
    if not isinstance(algorithm, str):
        raise TypeError("argument #1 expects a string")
    family, _, mode = algorithm.lower().rpartition("-")
    if family not in _CIPHERS or mode not in _MODES:
        raise ValueError(f"unknown cipher: {algorithm}")
    block, size = _CIPHERS[family]
    secret = _option(key, "key")
    if len(secret) != size:
        raise ValueError(f"options.key length should be {size}")
    start = b"" if mode == "ecb" else _option(iv, "iv")
    if mode == "gcm":
        if not 8 <= len(start) <= 128:
            raise ValueError("options.iv length should be 8 to 128, usually 12")
    elif mode != "ecb" and len(start) != _BLOCK:
        raise ValueError(f"options.iv length should be {_BLOCK}")
    return Cipher(block(secret), _MODES[mode](start)), mode


def _option(value: Any, name: str) -> bytes:
    if value is None or value is UNDEFINED:
        raise ValueError(f"options.{name} is missing")
    if not isinstance(value, bytes | str):
        raise TypeError(f"options.{name} expects a string or an instance of Data")
    return octets(value, 2)


class Coder(Native):
    """A cipher at work, in one direction.

    :ivar context: of ``cryptography``; None when ``final`` has been called.
    """

    __slots__ = ("context", "mode")

    def __init__(self, context: CipherContext, mode: str) -> None:
        self.context: Any = context
        self.mode = mode

    def present(self) -> Any:
        """The context.

        :raises ValueError: ``final`` has been called.
        """
        if self.context is None:
            raise ValueError("final() has been called already")
        return self.context

    def authenticate(self, content: bytes) -> None:
        """Data that is not encrypted but stands under the authentication tag; before the first ``update``."""
        if self.mode != "gcm":
            raise ValueError("only ciphers in GCM mode authenticate")
        self.present().authenticate_additional_data(content)


class Sealer(Coder):
    """The way there."""

    __slots__ = ("_padder", "_tag")

    def __init__(self, cipher: Cipher[Any], mode: str) -> None:
        super().__init__(cipher.encryptor(), mode)
        self._padder = padding.PKCS7(_BLOCK * 8).padder() if mode in _PADDED else None
        self._tag: bytes | None = None

    def update(self, content: bytes) -> bytes:
        """What can be encrypted by now."""
        context = self.present()
        sealed: bytes = context.update(content if self._padder is None else self._padder.update(content))
        return sealed

    def final(self) -> bytes:
        """The rest."""
        context, self.context = self.present(), None
        rest = b"" if self._padder is None else context.update(self._padder.finalize())
        sealed: bytes = rest + context.finalize()
        if self.mode == "gcm":
            self._tag = context.tag
        return sealed

    def tag(self) -> bytes:
        """The authentication tag.

        :raises ValueError: there is none, or not yet.
        """
        if self._tag is None:
            raise ValueError("the authentication tag is there after final(), of ciphers in GCM mode")
        return self._tag


class Opener(Coder):
    """The way back."""

    __slots__ = ("_expected", "_unpadder")

    def __init__(self, cipher: Cipher[Any], mode: str) -> None:
        super().__init__(cipher.decryptor(), mode)
        self._unpadder = padding.PKCS7(_BLOCK * 8).unpadder() if mode in _PADDED else None
        self._expected: bytes | None = None

    def expect(self, tag: bytes) -> None:
        """What the authentication tag must be."""
        if self.mode != "gcm":
            raise ValueError("only ciphers in GCM mode authenticate")
        if len(tag) != _BLOCK:
            raise ValueError(f"an authentication tag has {_BLOCK} bytes")
        self._expected = tag

    def update(self, content: bytes) -> bytes:
        """What can be decrypted by now."""
        opened: bytes = self.present().update(content)
        return opened if self._unpadder is None else self._unpadder.update(opened)

    def final(self) -> bytes:
        """The rest.

        :raises ValueError: the length, the padding or the authentication tag is wrong.
        """
        context, self.context = self.present(), None
        if self.mode == "gcm":
            if self._expected is None:
                raise ValueError("setAuthTag() must be called before final()")
            try:
                context.finalize_with_tag(self._expected)
            except InvalidTag as error:
                raise ValueError("the authentication tag is wrong") from error
            return b""
        try:
            opened: bytes = context.finalize()
            return opened if self._unpadder is None else self._unpadder.update(opened) + self._unpadder.finalize()
        except ValueError as error:
            raise ValueError("bad decrypt: the key, the data or its length is wrong") from error


def new_cipher(algorithm: Any, key: Any, iv: Any) -> Sealer:
    """What ``new crypto.Cipher`` holds."""
    return Sealer(*_material(algorithm, key, iv))


def new_decipher(algorithm: Any, key: Any, iv: Any) -> Opener:
    """What ``new crypto.Decipher`` holds."""
    return Opener(*_material(algorithm, key, iv))


def update(coder: Sealer | Opener, content: Any) -> bytes:
    """``update`` of both classes."""
    return coder.update(octets(content, 1))


def final(coder: Sealer | Opener) -> bytes:
    """``final`` of both classes."""
    return coder.final()


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``crypto.Cipher`` and ``crypto.Decipher``."""
    registry.add_function("crypto.cipher", new_cipher)
    registry.add_function("crypto.decipher", new_decipher)
    registry.add_function("crypto.updateCipher", update)
    registry.add_function("crypto.finalCipher", final)
    registry.add_function("crypto.setAAD", lambda coder, content: coder.authenticate(octets(content, 1)))
    registry.add_function("crypto.getAuthTag", lambda sealer: sealer.tag())
    registry.add_function("crypto.setAuthTag", lambda opener, tag: opener.expect(octets(tag, 1)))
    source.add(registry, "cipher")
