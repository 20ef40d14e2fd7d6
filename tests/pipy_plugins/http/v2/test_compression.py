"""Header compression: what is remembered makes no difference to what a peer understands."""

import pytest
from hpack import Decoder, Encoder, HPACKError
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.http.v2.compression import BlockDecoder, BlockEncoder
from pipy_plugins.http.v2.heads import Block

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
