"""Decoders: every coding, in any pieces; what is corrupt, cut off, or far larger than it looks."""

import gzip
import zlib
from contextlib import suppress

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins.compression.decoders import ALGORITHMS, CODINGS, PIECE, Chain, Corrupt, decoder_of
from pipy_plugins.compression.encoders import METHODS, encoder_of

MIB = 1024 * 1024


def raw(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def encoded(name, data):
    encoder = encoder_of(name, None)
    return encoder.feed(data) + encoder.finish()


WAYS = {
    "gzip": ("gzip", lambda data: gzip.compress(data, mtime=0)),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", raw),
    "br": ("br", lambda data: brotli.compress(data, quality=1)),
    "zstd": ("zstd", lambda data: encoded("zstd", data)),
    "inflate-gzip": ("inflate", lambda data: gzip.compress(data, mtime=0)),
    "inflate-zlib": ("inflate", zlib.compress),
    "brotli": ("brotli", lambda data: brotli.compress(data, quality=1)),
}
ALL = pytest.mark.parametrize("way", WAYS)


def decode(decoder, pieces):
    return b"".join(out for piece in pieces for out in decoder.feed(piece))


def cut(data, cuts):
    places = sorted({min(place, len(data)) for place in cuts})
    return [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]


@ALL
@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_any_pieces_give_the_same(way, data, cuts):
    name, encode = WAYS[way]
    decoder = ALGORITHMS[name]()
    assert decode(decoder, cut(encode(data), cuts)) == data
    assert decoder.finished


@ALL
def test_byte_by_byte(way):
    name, encode = WAYS[way]
    data = bytes(range(256)) * 40
    decoder = ALGORITHMS[name]()
    assert decode(decoder, [bytes([byte]) for byte in encode(data)]) == data
    assert decoder.finished


@ALL
def test_a_bomb_comes_in_small_pieces(way):
    name, encode = WAYS[way]
    bomb = encode(bytes(32 * MIB))
    assert len(bomb) < 64 * 1024
    decoder, total = ALGORITHMS[name](), 0
    for piece in decoder.feed(bomb):
        assert 0 < len(piece) <= 2 * PIECE
        assert not any(piece)
        total += len(piece)
    assert total == 32 * MIB
    assert decoder.finished


@ALL
def test_a_bomb_can_be_left_alone_and_gone_on_with(way):
    name, encode = WAYS[way]
    pieces = ALGORITHMS[name]().feed(encode(bytes(MIB)))
    first = next(pieces)
    assert len(first) + sum(map(len, pieces)) == MIB


@ALL
@given(data=st.binary(min_size=1, max_size=300), where=st.floats(0, 0.999))
def test_what_is_cut_off_is_not_finished(way, data, where):
    name, encode = WAYS[way]
    whole = encode(data)
    decoder = ALGORITHMS[name]()
    output = decode(decoder, [whole[: int(len(whole) * where)]])
    assert data.startswith(output)
    assert not decoder.finished


@ALL
@given(garbage=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=200)
def test_garbage_is_corrupt_or_unfinished_or_decoded_but_nothing_else(way, garbage, cuts):
    decoder = ALGORITHMS[WAYS[way][0]]()
    with suppress(Corrupt):  # anything else fails
        decode(decoder, cut(garbage, cuts))


@ALL
@given(data=st.binary(min_size=20, max_size=300), place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_a_flipped_bit_does_no_harm(way, data, place, bit):
    name, encode = WAYS[way]
    broken = bytearray(encode(data))
    broken[int(len(broken) * place)] ^= 1 << bit
    decoder = ALGORITHMS[name]()
    with suppress(Corrupt):  # anything else fails
        assert len(decode(decoder, [bytes(broken)])) < 1 << 20


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_text_is_corrupt(name):
    decoder = CODINGS[name]()
    with pytest.raises(Corrupt):
        decode(decoder, [b"This is no compressed body at all, but a sentence in English."])


def test_several_gzip_members_are_one_body():
    data = gzip.compress(b"one, ") + gzip.compress(b"") + gzip.compress(b"two")
    for pieces in ([data], [bytes([byte]) for byte in data]):
        decoder = CODINGS["gzip"]()
        assert decode(decoder, pieces) == b"one, two"
        assert decoder.finished


def test_a_member_that_is_cut_off_behind_a_whole_one():
    decoder = CODINGS["gzip"]()
    assert decode(decoder, [gzip.compress(b"one"), gzip.compress(b"two")[:4]]) == b"one"
    assert not decoder.finished


@pytest.mark.parametrize("padding", [bytes(512), b"no member"])
def test_padding_behind_gzip_is_ignored(padding):
    decoder = CODINGS["gzip"]()
    assert decode(decoder, [gzip.compress(b"data") + padding, padding]) == b"data"
    assert decoder.finished


def test_several_zstd_frames_are_one_body():
    decoder = CODINGS["zstd"]()
    assert decode(decoder, [encoded("zstd", b"one, ") + encoded("zstd", b"two")]) == b"one, two"
    assert decoder.finished


def test_a_zstd_window_beyond_what_http_allows_is_refused():
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3])  # single segment flag off, window log 31
    with pytest.raises(Corrupt):
        decode(CODINGS["zstd"](), [frame + bytes(20)])


def test_bytes_behind_a_brotli_body_are_ignored():
    decoder = CODINGS["br"]()
    assert decode(decoder, [brotli.compress(b"data"), b"more", b"and more"]) == b"data"
    assert decoder.finished


@given(data=st.binary(max_size=500), codings=st.lists(st.sampled_from(sorted(CODINGS)), min_size=1, max_size=4))
def test_codings_on_top_of_each_other(data, codings):
    body = data
    for name in codings:
        body = encoded(name, body)
    decoder = decoder_of(codings)
    assert decode(decoder, [body[:7], body[7:]]) == data
    assert decoder.finished


@pytest.mark.parametrize("codings", [[], ["unknown"], ["gzip", "unknown"], ["gzip"] * 5])
def test_what_nobody_can_decode(codings):
    assert decoder_of(codings) is None


def test_a_chain_is_not_finished_before_all_of_it_is():
    decoder = decoder_of(["gzip", "br"])
    assert isinstance(decoder, Chain)
    decode(decoder, [encoded("br", gzip.compress(b"data")[:-3])])
    assert not decoder.finished


@pytest.mark.parametrize("method", METHODS)
def test_what_was_flushed_can_be_decoded(method):
    encoder, decoder = encoder_of(method, None), CODINGS[method]()
    for text in (b"one", b"two", b"three" * 1000):
        assert decode(decoder, [encoder.feed(text) + encoder.flush()]) == text
    assert not decoder.finished
    assert decode(decoder, [encoder.finish()]) == b""
    assert decoder.finished


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [-100, 0, 1, 5, 9.9, 1000])
def test_any_level_is_the_nearest_there_is(method, level):
    encoder = encoder_of(method, level)
    assert decode(CODINGS[method](), [encoder.feed(b"data"), encoder.finish()]) == b"data"
