"""Header compression: what is remembered makes no difference to what a peer understands."""

import pytest
from hpack import Decoder, Encoder, HPACKError, OversizedHeaderListError
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.http.v2.compression import BlockDecoder, BlockEncoder
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import HEADER_TABLE

names = st.sampled_from([b"accept", b"cookie", b"content-length", b"x-a", b"x-b", b"user-agent"])
values = st.one_of(st.sampled_from([b"", b"1", b"2", b"x" * 100, b"y" * 300]), st.binary(max_size=5))
paths = st.sampled_from([b"/", b"/a", b"/index.html", b"/" + b"p" * 125, b"/" + b"p" * 126, b"/" + b"p" * 300])
blocks = st.builds(
    lambda path, fields: [(b":method", b"GET"), (b":path", path), (b":authority", b"h"), *fields],
    paths,
    st.lists(st.tuples(names, values), max_size=5),
)


def plain(decoder: Decoder, data: bytes) -> Block:
    return [(bytes(name), bytes(value)) for name, value in decoder.decode(data, raw=True)]


@given(st.lists(st.one_of(blocks, st.sampled_from([0, 100, 4096])), max_size=20), st.integers(1, 3))
def test_the_peer_gets_every_field(steps: list[Block | int], times: int) -> None:
    """Pseudo-header fields first; the rest in its order, but for those that are not remembered."""
    encoder, decoder = BlockEncoder(), Decoder()
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
            continue
        for _ in range(times):
            fields = plain(decoder, encoder.encode(step))
            assert sorted(fields) == sorted(step)
            pseudo = [name[:1] == b":" for name, _ in fields]
            assert pseudo == sorted(pseudo, reverse=True)
            for name in (b"x-a", b"cookie"):
                assert [value for key, value in fields if key == name] == [value for key, value in step if key == name]


@given(st.lists(st.tuples(blocks, st.booleans()), max_size=20), st.lists(st.sampled_from([0, 100, 4096]), max_size=3))
def test_the_same_as_without_memory(steps: list[tuple[Block, bool]], sizes: list[int]) -> None:
    """Whatever the peer puts into the table, or how large it makes it."""
    encoder, ours, theirs = Encoder(), BlockDecoder(10**6), Decoder(10**6)
    for number, (block, sensitive) in enumerate(steps):
        if number % 5 == 4 and sizes:
            encoder.header_table_size = sizes.pop()
        data = encoder.encode([(*field, sensitive) for field in block])
        assert ours.decode(data) == plain(theirs, data)
        if data[0] & 0xE0 != 0x20:
            data = encoder.encode([(*field, sensitive) for field in block])
            assert ours.decode(data) == plain(theirs, data)


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_any_bytes(pieces: list[bytes]) -> None:
    """The same fields, or the same error."""
    ours, theirs = BlockDecoder(1000), Decoder(1000)
    for data in pieces:
        try:
            expected = plain(theirs, data)
        except HPACKError:
            with pytest.raises(HPACKError):
                ours.decode(data)
            return
        assert ours.decode(data) == expected


@given(blocks, blocks, st.integers(0, 200), st.integers(0, 255))
def test_a_wrong_byte(first: Block, second: Block, place: int, byte: int) -> None:
    """The same fields as the library finds, or an error where it finds one; in the block and the next one."""
    encoder, ours, theirs = Encoder(), BlockDecoder(1000), Decoder(1000)
    data = bytearray(encoder.encode(first))
    data[place % len(data)] = byte
    for wire in (bytes(data), encoder.encode(second)):
        try:
            expected = plain(theirs, wire)
        except OversizedHeaderListError:
            with pytest.raises(OversizedHeaderListError):
                ours.decode(wire)
            return
        except HPACKError:
            with pytest.raises(HPACKError):
                ours.decode(wire)
            return
        assert ours.decode(wire) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",  # there is no entry 0
        b"\xbe",  # nor one that was not made
        b"\xff",  # numbers that are cut off, or too large
        b"\xff\x80",
        b"\xff\xff\xff\xff\xff\xff\x0f",
        b"\x40",  # texts that are cut off
        b"\x40\x02a",
        b"\x40\x01a\x02b",
        b"\x40\x81\x00\x00",  # Huffman code that ends with something else than its end
        b"\x3f\xe2\x1f",  # a larger table than we have
        b"\x82\x20",  # the size of the table behind a field
    ],
)
def test_malformed_blocks(data: bytes) -> None:
    """They are errors, and nothing else."""
    with pytest.raises(HPACKError):
        BlockDecoder(1000).decode(data)


def test_a_list_that_is_too_long() -> None:
    """Fields are counted as they are decoded, with 32 bytes more for each: few bytes may stand for many."""
    decoder = BlockDecoder(100)
    assert decoder.decode(b"\x82\x82") == [(b":method", b"GET")] * 2
    with pytest.raises(OversizedHeaderListError):
        decoder.decode(b"\x82\x82\x82")


def test_blocks_of_many_fields_are_not_remembered() -> None:
    """Each would be some thousand objects."""
    decoder = BlockDecoder(10**6)
    for _ in range(3):
        assert len(decoder.decode(b"\x82" * 1000)) == 1000
    assert not decoder._remembered


def test_a_peer_with_a_large_table() -> None:
    """It is not filled."""
    encoder = BlockEncoder()
    encoder.header_table_size = 2**30
    assert encoder.header_table_size == HEADER_TABLE
    assert Decoder().decode(encoder.encode([(b"a", b"b")]), raw=True) == [(b"a", b"b")]


def test_equal_requests_are_not_encoded_again() -> None:
    """From the third time on: the first one fills the table."""
    encoder = BlockEncoder()
    block = [(b":method", b"GET"), (b":path", b"/1"), (b"user-agent", b"x")]
    first, second = encoder.encode(block), encoder.encode(block)
    assert len(second) < len(first)
    encoder._encoder = None  # type: ignore[assignment]  # it is not needed any more
    assert encoder.encode(block) == second
    assert encoder.encode([(b":method", b"GET"), (b":path", b"/2"), (b"user-agent", b"x")]) == second.replace(b"/1", b"/2")


def test_secrets_stay_out_of_the_table() -> None:
    """Other users could guess them by the size of what is sent."""
    encoder = BlockEncoder()
    for name in (b"authorization", b"cookie", b"proxy-authorization"):
        encoder.encode([(name, b"secret")])
    assert not encoder._encoder.header_table.dynamic_entries
