"""Encoders: what they give is what others decode."""

import gzip
import random
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.compression.encoders import METHODS, encoder_of

OTHERS = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotli.decompress}


@pytest.mark.parametrize("method", OTHERS)
@given(pieces=st.lists(st.binary(max_size=200), max_size=5), flushes=st.booleans())
def test_others_can_decode_it(method, pieces, flushes):
    encoder = encoder_of(method, None)
    body = b""
    for piece in pieces:
        body += encoder.feed(piece)
        if flushes:
            body += encoder.flush()
    assert OTHERS[method](body + encoder.finish()) == b"".join(pieces)


@pytest.mark.parametrize("method", METHODS)
def test_it_becomes_smaller(method):
    encoder = encoder_of(method, None)
    assert len(encoder.feed(b"the same " * 10_000) + encoder.finish()) < 500


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_level_is_smaller(method):
    text = random.Random(1).choices([b"some ", b"words ", b"in ", b"any ", b"order, ", b"again "], k=10_000)
    text = b"".join(text)
    sizes = []
    for level in (1, 9):
        encoder = encoder_of(method, level)
        sizes.append(len(encoder.feed(text) + encoder.finish()))
    assert sizes[1] < sizes[0]
