"""Compression of one body, piece by piece, with a way to send what there is. Knows no events and no filters."""

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Encoder(Protocol):
    """One body. What the calls give, joined, is the compressed body."""

    def feed(self, data: bytes) -> bytes:
        """Add *data*; most of it is held back."""

    def flush(self) -> bytes:
        """What is held back: the receiver can then decode all that was fed."""

    def finish(self) -> bytes:
        """The rest."""


class Deflate:
    """gzip or zlib.

    :param wbits: what zlib calls the wrapping: 31 is gzip, 15 is zlib.
    """

    __slots__ = ("_compressor", "feed", "finish")

    def __init__(self, wbits: int, level: int) -> None:
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, wbits)
        self.feed: Callable[[bytes], bytes] = self._compressor.compress
        self.finish: Callable[[], bytes] = self._compressor.flush

    def flush(self) -> bytes:
        """See ``Encoder``."""
        return self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Brotli:
    """RFC 7932, with a window of 4 MiB at most."""

    __slots__ = ("feed", "finish", "flush")

    def __init__(self, level: int) -> None:
        compressor: Any = brotli.Compressor(quality=level)
        self.feed: Callable[[bytes], bytes] = compressor.process
        self.flush: Callable[[], bytes] = compressor.flush
        self.finish: Callable[[], bytes] = compressor.finish


class Zstandard:
    """RFC 8878; windows stay below the 8 MiB of RFC 9659 at these levels."""

    __slots__ = ("_compressor", "feed", "finish")

    def __init__(self, level: int) -> None:
        self._compressor = zstd.ZstdCompressor(level=level)
        self.feed: Callable[[bytes], bytes] = self._compressor.compress
        self.finish: Callable[[], bytes] = self._compressor.flush

    def flush(self) -> bytes:
        """See ``Encoder``."""
        return self._compressor.flush(self._compressor.FLUSH_BLOCK)


#: What makes an encoder of a level; the lowest, usual and highest level. In our order of preference, which is by speed: the usual
#: levels are those that are fast enough for answers that are made for one client.
METHODS: Final[dict[str, tuple[Callable[[int], Encoder], int, int, int]]] = {
    "zstd": (Zstandard, 1, 3, 19),
    "br": (Brotli, 0, 4, 11),
    "gzip": (lambda level: Deflate(31, level), 1, 6, 9),
    "deflate": (lambda level: Deflate(15, level), 1, 6, 9),
}


def encoder_of(method: str, level: float | None) -> Encoder:
    """A new encoder.

    :param method: one of ``METHODS``.
    :param level: None is the usual one; one that the method does not have is the nearest it has.
    """
    make, lowest, usual, highest = METHODS[method]
    return make(usual if level is None else int(min(max(level, lowest), highest)))
