"""Decompression in small pieces: however much there is in a few bytes, only so much of it is in memory at a time.

A decoder gives its output as an iterator, so that whoever uses it can stop and go on later. Knows no events and no filters.
"""

import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Bytes that come out in one piece, and that are given to a library at once.
PIECE: Final = 64 * 1024
_SLICE: Final = 16 * 1024
#: log2 of the largest window a zstd body may ask for: RFC 9659 allows 8 MiB.
_ZSTD_WINDOW: Final = 23


class Corrupt(Exception):  # what the data is
    """The data is not what its name says."""


class Decoder(ABC):
    """One compressed body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What *data* brings to light, in pieces of ``PIECE`` bytes or a little more. Exhaust it before the next call.

        :raises Corrupt: while it is iterated.
        """
        for start in range(0, len(data), _SLICE):
            yield from self._decode(data[start : start + _SLICE])

    @abstractmethod
    def _decode(self, data: bytes) -> Iterator[bytes]: ...

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether the body may end here."""


class Inflate(Decoder):
    """DEFLATE in one of its wrappings. Several gzip members are one body (RFC 1952, 2.2); what is no member behind them is padding.

    :param wrapping: the ``wbits`` of zlib for a body that begins with these two bytes.
    """

    def __init__(self, wrapping: Callable[[bytes], int]) -> None:
        self._wrapping = wrapping
        self._opening = b""  # the first byte while it is alone
        self._inflater: zlib._Decompress | None = None
        self._members = 0
        self._padding = False

    @property
    def finished(self) -> bool:
        """See ``Decoder``."""
        return self._padding or (self._members > 0 and self._inflater is None)

    def _decode(self, data: bytes) -> Iterator[bytes]:
        full = False
        while data or full:
            inflater = self._inflater or self._open(data)
            if inflater is None:
                return
            if self._opening:
                data, self._opening = self._opening + data, b""
            try:
                piece = inflater.decompress(data, PIECE)
            except zlib.error as error:
                raise Corrupt(str(error)) from None
            full = len(piece) == PIECE
            data = inflater.unconsumed_tail
            if inflater.eof:
                self._inflater, full, data = None, False, inflater.unused_data
                self._members += 1
            if piece:
                yield piece

    def _open(self, data: bytes) -> "zlib._Decompress | None":
        opening = (self._opening + data[:2])[:2]
        if self._padding or (self._members and opening[:1] != b"\x1f"):
            self._padding = True
            return None
        if len(opening) < 2:
            self._opening = opening
            return None
        self._inflater = zlib.decompressobj(self._wrapping(opening))
        return self._inflater


def gzip_wrapping(_opening: bytes) -> int:
    """gzip, whatever it begins with."""
    return 31


def zlib_wrapping(opening: bytes) -> int:
    """Zlib as RFC 9110, 8.4.1.2 wants it, or the bare DEFLATE that some servers send under the same name."""
    return 15 if opening[0] & 0x0F == 8 and int.from_bytes(opening) % 31 == 0 else -15


def any_wrapping(opening: bytes) -> int:
    """gzip, zlib or bare."""
    return 31 if opening == b"\x1f\x8b" else zlib_wrapping(opening)


class Brotli(Decoder):
    """RFC 7932."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        """See ``Decoder``."""
        return bool(self._decompressor.is_finished())

    def _decode(self, data: bytes) -> Iterator[bytes]:
        decompressor = self._decompressor
        while not decompressor.is_finished():
            try:
                piece = decompressor.process(data, output_buffer_limit=PIECE)
            except brotli.error as error:
                raise Corrupt(str(error)) from None
            if piece:
                yield piece
            if len(piece) < PIECE and decompressor.can_accept_more_data():  # which is so also where more is to come out
                return
            data = b""


class Zstandard(Decoder):
    """RFC 8878; several frames are one body."""

    def __init__(self) -> None:
        self._decompressor = _new_zstd()
        self._begun = False

    @property
    def finished(self) -> bool:
        """See ``Decoder``."""
        return self._begun and self._decompressor.eof

    def _decode(self, data: bytes) -> Iterator[bytes]:
        self._begun = True
        while data or not (self._decompressor.needs_input or self._decompressor.eof):
            if self._decompressor.eof:
                self._decompressor = _new_zstd()
            try:
                piece = self._decompressor.decompress(data, PIECE)
            except zstd.ZstdError as error:
                raise Corrupt(str(error)) from None
            data = self._decompressor.unused_data if self._decompressor.eof else b""
            if piece:
                yield piece


def _new_zstd() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})


class Chain(Decoder):
    """A body with several codings, the outermost first."""

    def __init__(self, decoders: Sequence[Decoder]) -> None:
        self._decoders = decoders

    @property
    def finished(self) -> bool:
        """See ``Decoder``."""
        return all(decoder.finished for decoder in self._decoders)

    def _decode(self, data: bytes) -> Iterator[bytes]:
        pieces: Iterable[bytes] = (data,)
        for decoder in self._decoders:
            pieces = _through(decoder, pieces)
        return iter(pieces)


def _through(decoder: Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)


#: Makes the decoder of a content coding.
CODINGS: Final[dict[str, Callable[[], Decoder]]] = {
    "gzip": lambda: Inflate(gzip_wrapping),
    "deflate": lambda: Inflate(zlib_wrapping),
    "br": Brotli,
    "zstd": Zstandard,
}
#: What scripts may call an algorithm besides. ``inflate`` is gzip in the original, and zlib by its name: both are understood.
ALGORITHMS: Final[dict[str, Callable[[], Decoder]]] = {**CODINGS, "inflate": lambda: Inflate(any_wrapping), "brotli": Brotli}
#: Codings that a body may have on top of each other; each costs a window of memory.
MAX_CODINGS: Final = 4


def decoder_of(codings: Sequence[str]) -> Decoder | None:
    """The decoder of a body to which these codings were applied in this order; None where one is unknown, or there is none."""
    if not 0 < len(codings) <= MAX_CODINGS or any(name not in CODINGS for name in codings):
        return None
    if len(codings) == 1:
        return CODINGS[codings[0]]()
    return Chain([CODINGS[name]() for name in reversed(codings)])
