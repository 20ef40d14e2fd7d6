"""``crypto.Hash`` and ``crypto.Hmac``: digests of what comes in pieces."""

import hmac
from typing import Any

from pipy_core.api import Native, Registry, hookimpl
from pipy_plugins.crypto import digests, source
from pipy_plugins.crypto.arguments import octets


class Running(Native):
    """A digest on its way.

    :ivar state: of ``hashlib`` or ``hmac``; None when the digest has been taken.
    """

    __slots__ = ("_size", "state")

    def __init__(self, state: Any, size: int | None = None) -> None:
        self.state = state
        self._size = size

    def update(self, content: bytes) -> None:
        """Take in what follows.

        :raises ValueError: the digest has been taken.
        """
        self._present().update(content)

    def digest(self) -> bytes:
        """The digest; it can be taken once.

        :raises ValueError: it has been taken.
        """
        state, self.state = self._present(), None
        result: bytes = state.digest() if self._size is None else state.digest(self._size)
        return result

    def _present(self) -> Any:
        if self.state is None:
            raise ValueError("digest() has been called already")
        return self.state


def new_hash(algorithm: Any) -> Running:
    """What ``new crypto.Hash`` holds."""
    name = digests.checked(algorithm)
    return Running(digests.new(name), digests.SHAKE_SIZES.get(name))


def new_hmac(algorithm: Any, key: Any) -> Running:
    """What ``new crypto.Hmac`` holds."""
    name = digests.checked(algorithm)
    if name in digests.SHAKE_SIZES:
        raise ValueError(f"there is no HMAC with {name}")
    return Running(hmac.new(octets(key, 2), digestmod=digests.new(name).name))


def update(running: Running, content: Any) -> None:
    """``update`` of both classes."""
    running.update(octets(content, 1))


def digest(running: Running) -> bytes:
    """``digest`` of both classes."""
    return running.digest()


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``crypto.Hash`` and ``crypto.Hmac``."""
    registry.add_function("crypto.hash", new_hash)
    registry.add_function("crypto.hmac", new_hmac)
    registry.add_function("crypto.updateDigest", update)
    registry.add_function("crypto.digest", digest)
    source.add(registry, "hash")
