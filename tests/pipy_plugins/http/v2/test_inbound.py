"""Frames: ours are those of the library, however they come."""

from hyperframe.frame import Frame
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.http.v2.budget import Budget
from pipy_plugins.http.v2.inbound import FrameReader, PlainData, PlainHeaders
from tests.pipy_plugins.http.v2.peer import DATA, END_HEADERS, HEADERS, SETTINGS, raw

PADDED, PRIORITY = 8, 0x20
frames_of_messages = st.builds(
    raw,
    st.sampled_from([DATA, HEADERS]),
    st.sampled_from([0, 1, PADDED, PRIORITY, 0x40]),
    st.sampled_from([1, 7, 2**31 - 1, 2**31 + 1]),
    st.binary(max_size=8).map(lambda text: b"\x01" + text + b"1234567"),
)


def whole(data: bytes) -> bytes:
    """As a header block in one frame."""
    return data[:4] + bytes([data[4] | END_HEADERS]) + data[5:] if data[3] == HEADERS else data


def read(reader: FrameReader, data: bytes) -> list[Frame]:
    """The frames that are complete."""
    reader.add_data(data)
    return list(reader)


@given(st.lists(frames_of_messages, max_size=5), st.integers(1, 40))
def test_as_the_library(pieces: list[bytes], size: int) -> None:
    """What h2 looks at is the same, whole and in pieces."""
    pieces = [whole(piece) for piece in pieces]
    data = raw(SETTINGS, 0, 0) + b"".join(pieces)
    reader = FrameReader(Budget(lambda: 0.0))
    found = [frame for start in range(0, len(data), size) for frame in read(reader, data[start : start + size])]
    assert len(found) == 1 + len(pieces)
    for frame, piece in zip(found[1:], pieces, strict=True):
        expected, _ = Frame.parse_frame_header(memoryview(piece[:9]))
        expected.parse_body(memoryview(piece[9:]))
        assert isinstance(frame, type(expected))
        assert (frame.stream_id, set(frame.flags)) == (expected.stream_id, set(expected.flags))
        assert frame.data == expected.data  # type: ignore[attr-defined]
        if piece[3] == DATA:
            assert frame.flow_controlled_length == expected.flow_controlled_length  # type: ignore[attr-defined]


def test_what_is_written_for_a_log() -> None:
    """h2 wants it of every frame: it must not have the body in it."""
    for frame in (PlainData(1, frozenset(), b"x" * 10000), PlainHeaders(1, frozenset(), b"x" * 10000)):
        assert len(repr(frame)) < 10
