"""Chunked bodies: where they end, whatever is in them and however they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.http.chunks import MAX_OVERHEAD, Dechunker
from pipy_plugins.http.framing import BadMessage

#: What looks like an end, a size, or the beginning of either.
TRICKY = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"0", b"0\r\n\r\n", b"1\r\n", b"a", b";"]), min_size=1, max_size=8)
EXTENSIONS = st.sampled_from([b"", b";a", b';a="0;b"', b";0"])
TRAILERS = st.lists(st.sampled_from([b"a: b\r\n", b"0: 0\r\n", b"upgrade: x\r\n", b"connection: upgrade\r\n"]), max_size=3)


def fed(pieces: list[bytes]) -> tuple[bytes, int]:
    """The body in *pieces*, and how many bytes of them belong to it."""
    dechunker = Dechunker()
    body, used = b"", 0
    for piece in pieces:
        found, end = dechunker.feed(piece, 0)
        body += b"".join(found)
        used += end
        if dechunker.done:
            return body, used
        assert end == len(piece)
    raise AssertionError("it has no end")


@given(
    st.lists(st.tuples(TRICKY.map(b"".join), EXTENSIONS, st.sampled_from([b"%x", b"%X", b"00%x"])), max_size=4),
    st.tuples(st.sampled_from([b"0", b"000"]), EXTENSIONS, TRAILERS.map(b"".join)),
    st.sampled_from([b"", b"GET ", b"\r\n", b"0\r\n\r\n"]),
    st.lists(st.integers(1, 12), max_size=20),
)
def test_the_end_is_found(
    chunks: list[tuple[bytes, bytes, bytes]], last: tuple[bytes, bytes, bytes], behind: bytes, sizes: list[int]
) -> None:
    """And nothing behind it is touched."""
    coded = b"".join(form % len(chunk) + extension + b"\r\n" + chunk + b"\r\n" for chunk, extension, form in chunks)
    coded += last[0] + last[1] + b"\r\n" + last[2] + b"\r\n"
    wire = coded + behind
    pieces, start = [], 0
    for size in sizes:
        pieces.append(wire[start : start + size])
        start += size
    for cut in ([wire], [*filter(None, pieces), wire[start:]], [bytes((byte,)) for byte in wire]):
        assert fed(cut) == (b"".join(chunk for chunk, _, _ in chunks), len(coded))


def test_what_is_in_a_chunk_is_not_looked_at() -> None:
    """Empty lines in it cost nothing."""
    dechunker = Dechunker()
    chunk = b"\r\n" * 50_000
    assert dechunker.feed(b"%x\r\n%b\r\n0\r\n" % (len(chunk), chunk), 0)[0] == [chunk]
    assert not dechunker.done
    assert dechunker.feed(b"\r\nx", 0) == ([], 2)
    assert dechunker.done


TOO_LONG = b"x" * MAX_OVERHEAD * 2
REFUSED = {
    "extension": b"1;" + TOO_LONG,
    "trailer": b"0\r\na: " + TOO_LONG,
    "zeros": b"0" * len(TOO_LONG),
    "size": b"f" * 17 + b"\r\n",
}


@pytest.mark.parametrize("wire", [*(pytest.param(wire, id=name) for name, wire in REFUSED.items()), b"x", b"\n"])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_is_refused(wire: bytes, size: int) -> None:
    """Malformed sizes, and too much beside the body."""
    dechunker = Dechunker()
    with pytest.raises(BadMessage):
        for start in range(0, len(wire), size):
            dechunker.feed(wire[start : start + size], 0)
