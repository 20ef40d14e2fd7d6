"""Attacks on HTTP/2: what costs us work and brings nothing forward ends the connection, and memory is bounded before that."""

import tracemalloc
from itertools import count

import pytest
from h2.errors import ErrorCodes
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_core.events import END, EOS, Data, Event, Head, Message, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.testing import Tape, logged, target
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.serve import ServeHTTP
from pipy_plugins.http.v2.budget import BUDGET, REFILL, WASTED_STREAM
from tests.pipy_plugins.http.v2.peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET_BLOCK,
    GOAWAY,
    HEADERS,
    HELLO,
    PING,
    POST_BLOCK,
    PRIORITY,
    RST,
    SETTINGS,
    WINDOW,
    frames,
    raw,
)


class Answers(Filter):
    """Answers every request at once."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if event == END:
            self.emit(MessageStart(Head({"status": 200})))
            self.emit(END)


def tape_of(stage: type[Filter] | None = Answers) -> Tape:
    """A connection."""
    return Tape(DemuxHTTP, target("r", [stage]) if stage is not None else target("r"), {"bufferSize": 10})


def feed_until_calm(tape: Tape, pieces: list[bytes]) -> int:
    """Feed *pieces* until the client is cut off; how many it took."""
    with logged() as lines:
        taken = _feed(tape, pieces)
    assert len([line for line in lines if "cut off" in line]) == 1
    return taken


def _feed(tape: Tape, pieces: list[bytes]) -> int:
    for number, piece in enumerate(pieces):
        events = tape.play(Data(piece)).events
        if events and isinstance(events[-1], StreamEnd):
            last = frames(events)[-1]
            assert (last.type, last.error_code) == (GOAWAY, ErrorCodes.ENHANCE_YOUR_CALM)
            return number
    raise AssertionError("nobody minded")


UPLOAD = HELLO + raw(HEADERS, END_HEADERS, 1, POST_BLOCK)
FLOODS = {
    "ping": (HELLO, raw(PING, 0, 0, bytes(8))),
    "ping answers": (HELLO, raw(PING, 1, 0, bytes(8))),
    "settings": (HELLO, raw(SETTINGS, 0, 0)),
    "large settings": (HELLO, raw(SETTINGS, 0, 0, b"".join(b"%b\0\0\0\1" % n.to_bytes(2) for n in range(16, 2000)))),
    "settings answers": (HELLO, raw(SETTINGS, 1, 0)),
    "priority": (HELLO, raw(PRIORITY, 0, 3, b"\0\0\0\0\1")),
    "window": (HELLO, raw(WINDOW, 0, 0, b"\0\0\0\1")),
    "window of a stream": (UPLOAD, raw(WINDOW, 0, 1, b"\0\0\0\1")),
    "unknown": (HELLO, raw(0x42, 0, 0)),
    "goaway": (UPLOAD, raw(GOAWAY, 0, 0, bytes(8))),
    "empty data": (UPLOAD, raw(DATA, 0, 1)),
    "padding": (UPLOAD, raw(DATA, 8, 1, b"\0")),
}


@pytest.mark.parametrize("one_read", [True, False])
@pytest.mark.parametrize("name", FLOODS)
def test_floods_of_frames(name: str, one_read: bool) -> None:
    """Whatever the frames are, some thousand are enough; one read or many."""
    first, frame = FLOODS[name]
    tape = tape_of(None)
    if one_read:
        feed_until_calm(tape, [first + frame * 10_000])
        return
    for child in tape.children("r"):
        assert child.closed
    assert feed_until_calm(tape, [first] + [frame * 10] * 1000) <= BUDGET // 10 + 1


def test_a_few_pings_each_second() -> None:
    """Whoever does not overdo it may go on for ever."""
    tape = tape_of()
    tape.play(Data(HELLO)).anything()
    for _ in range(100):
        tape.advance(1).anything()
        (pong,) = {frame.type for frame in frames(tape.play(Data(raw(PING, 0, 0, bytes(8)) * (REFILL // 4))).events)}
        assert pong == PING


def rapid_reset(block: bytes) -> list[bytes]:
    """Requests that are cancelled at once."""
    return [HELLO] + [
        raw(HEADERS, END_STREAM | END_HEADERS, number, block) + raw(RST, 0, number, b"\0\0\0\x08") for number in range(1, 20_001, 2)
    ]


def test_rapid_reset() -> None:
    """CVE-2023-44487: in one read nothing is begun, in several it soon ends."""
    tape = tape_of(None)
    assert feed_until_calm(tape, rapid_reset(GET_BLOCK)) <= BUDGET // WASTED_STREAM + 1
    assert not tape.children("r")
    pieces = [HELLO]
    for number in range(1, 2001, 2):
        pieces += raw(HEADERS, END_STREAM | END_HEADERS, number, GET_BLOCK), raw(RST, 0, number, b"\0\0\0\x08")
    tape = tape_of(None)
    feed_until_calm(tape, pieces)
    assert all(child.closed for child in tape.children("r"))


def test_a_busy_client_may_cancel() -> None:
    """As many as it lets be answered."""
    tape = tape_of()
    tape.play(Data(HELLO)).anything()
    for number in range(1, 8001, 4):
        tape.play(
            Data(raw(HEADERS, END_STREAM | END_HEADERS, number, GET_BLOCK)),
            Data(raw(HEADERS, END_HEADERS, number + 2, POST_BLOCK)),
        ).anything()
        events = tape.play(Data(raw(RST, 0, number + 2, b"\0\0\0\x08"))).events
        assert EOS not in events


MADE = {
    "window of nothing": lambda number: raw(HEADERS, END_HEADERS, number, POST_BLOCK) + raw(WINDOW, 0, number, b"\x7f\xff\xff\xff"),
    "malformed": lambda number: raw(HEADERS, END_STREAM | END_HEADERS, number, GET_BLOCK + b"\0\x01A\x01b"),
    "refused": lambda number: raw(HEADERS, END_HEADERS, number, POST_BLOCK),
    "malformed trailers": lambda number: (
        raw(HEADERS, END_HEADERS, number, POST_BLOCK) + raw(HEADERS, END_STREAM | END_HEADERS, number, b"\0\x01A\x01b")
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_resets_that_the_client_provokes(name: str) -> None:
    """CVE-2025-8671: they count as its own."""
    make = MADE[name]
    tape = tape_of(None)
    assert feed_until_calm(tape, [HELLO] + [make(number) for number in range(1, 4001, 2)]) < 500


def test_data_on_a_closed_stream() -> None:
    """Each frame is answered with a reset, but not for ever."""
    tape = tape_of()
    closed = HELLO + raw(HEADERS, END_HEADERS, 1, POST_BLOCK) + raw(RST, 0, 1, bytes(4))
    feed_until_calm(tape, [closed] + [raw(DATA, 0, 1, b"x") * 10] * 1000)


@pytest.mark.parametrize("part", [b"", b"\0\x01a\x01b" * 10])
def test_continuations(part: bytes) -> None:
    """CVE-2024-27316: a header block has so many frames, and so many bytes."""
    tape = tape_of()
    pieces = [HELLO + raw(HEADERS, END_STREAM, 1, GET_BLOCK)] + [raw(CONTINUATION, 0, 1, part)] * 100
    assert feed_until_calm(tape, pieces) <= 32


def test_a_large_header_block() -> None:
    """16 KiB frames fill it up sooner."""
    tape = tape_of()
    pieces = [HELLO + raw(HEADERS, END_STREAM, 1, GET_BLOCK)] + [raw(CONTINUATION, 0, 1, bytes(16384))] * 100
    assert feed_until_calm(tape, pieces) <= 4


def test_a_bomb_of_header_fields() -> None:
    """A small block that refers to a large field again and again (CVE-2016-6581)."""
    encoder = Encoder()
    block = encoder.encode([(b"a", b"x" * 4000)])
    feed_until_calm(tape_of(), [HELLO, raw(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK + block + b"\xbe" * 12_000)])


def test_a_frame_that_is_announced_is_not_waited_for() -> None:
    """If it is too large."""
    tape = tape_of()
    events = tape.play(Data(HELLO + b"\xff\xff\xff\0\0\0\0\0\1")).events
    assert frames(events)[-1].error_code == ErrorCodes.FRAME_SIZE_ERROR


def test_memory_of_a_long_connection() -> None:
    """Streams that have ended leave nothing behind."""
    tape = Tape(ServeHTTP, Message(body=Data(b"x")))
    tape.play(Data(HELLO)).anything()
    numbers = count(1, 2)

    def requests(amount: int) -> None:
        for _ in range(amount):
            tape.play(Data(raw(HEADERS, END_STREAM | END_HEADERS, next(numbers), GET_BLOCK))).anything()

    tracemalloc.start()
    try:
        requests(1200)
        before = tracemalloc.get_traced_memory()[0]
        requests(2400)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()


FRAMES = st.builds(
    raw,
    st.integers(0, 10),
    st.integers(0, 255),
    st.integers(0, 9),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([GET_BLOCK, POST_BLOCK, bytes(4), bytes(8), b"\0\0\0\1", b"\0\4\0\0\0\1", b"\0\1a\1b"]),
    ),
)


@pytest.mark.parametrize("which", ["demux", "answers", "serve"])
@settings(deadline=None)
@given(data=st.one_of(st.binary(max_size=200), st.lists(FRAMES, max_size=12).map(b"".join)), cut=st.integers(1, 60))
def test_whatever_comes(which: str, data: bytes, cut: int) -> None:
    """No exception; the same however it is cut; what leaves is frames; nothing behind the end."""
    outcomes = []
    for size in (len(data) + 1, cut):
        tape = Tape(ServeHTTP, lambda _message: None) if which == "serve" else tape_of(Answers if which == "answers" else None)
        pieces = [HELLO, *(data[at : at + size] for at in range(0, len(data), size))]
        with logged():
            events = tape.play(*map(Data, pieces)).events
            found = frames(events)
            assert EOS not in events[:-1]
            tape.close().anything()
        assert all(child.closed for child in tape.children())
        outcomes.append([(frame.type, frame.stream_id) for frame in found if frame.type == GOAWAY])
    assert outcomes[0] == outcomes[1]
