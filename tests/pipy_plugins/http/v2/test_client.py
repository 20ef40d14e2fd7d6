"""The client's side of a connection: whatever a server sends, it is dealt with, and nothing grows without end."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import Failure, Head
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.client import Client
from pipy_plugins.http.v2.limits import HIGH_WATER, MAX_FRAME
from pipy_plugins.http.v2.sender import BURST
from pipy_plugins.http.v2.wire import BrokenConnection, FrameSplitter


class Receiver:
    """Writes down what it gets, and checks that it makes sense."""

    method = "GET"

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.over = False

    def note(self, what: object) -> None:
        assert not self.over
        self.heard.append(what)

    def interim(self, head: Any) -> None:
        assert "response" not in self.heard
        self.note("interim")

    def response(self, head: Any) -> None:
        assert "response" not in self.heard
        self.note("response")

    def data(self, payload: bytes) -> None:
        assert payload
        assert "response" in self.heard
        self.note(payload)

    def finished(self, tail: Head | None) -> None:
        assert "response" in self.heard
        self.note("finished")
        self.over = True

    def lost(self, code: int, by_peer: bool) -> None:
        self.note("lost")
        self.over = True

    def cut(self, failure: Failure, served: bool) -> None:
        self.note("cut")
        self.over = True

    def drained(self) -> None:
        """It does not matter here."""


def client_with(count: int, body: bytes = b"") -> tuple[Client, list[Receiver]]:
    client = Client(lambda: 0.0, secure=False)
    receivers = [Receiver() for _ in range(count)]
    for receiver in receivers:
        stream = client.open([(b":method", b"POST")], not body, receiver)
        if body:
            stream.write(body)
            stream.end([])
    client.out.clear()
    return client, receivers


SETTINGS = wire.settings({})
numbers = st.sampled_from([0, 1, 3, 5, 7, 2])
blocks = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\x88", b"\x88\x0f\x0d\x012", b"\x08\x03100", b"\0\x03x-a\x011", b"\x89", b"\x8b\0\x01c\x01d"]),
)
settings = st.dictionaries(st.integers(1, 6), st.integers(0, 2**32 - 1), max_size=3)
some_frames = st.one_of(
    st.builds(wire.frame, st.integers(0, 12), st.integers(0, 255), numbers, st.binary(max_size=40)),
    st.builds(wire.header_frames, numbers, blocks, st.booleans(), st.sampled_from([1, 5, MAX_FRAME])),
    st.builds(
        wire.frame,
        st.just(wire.DATA),
        st.sampled_from([0, 0, 1, 8, 9]),
        numbers,
        st.sampled_from([b"", b"x", b"\x01xy", b"y" * MAX_FRAME]),
    ),
    st.builds(wire.window_update, numbers, st.integers(0, 2**31 - 1)),
    st.builds(wire.rst_stream, numbers, st.integers(0, 20)),
    st.builds(wire.goaway, st.integers(0, 9), st.integers(0, 20)),
    st.builds(wire.settings, settings),
)


def feed(client: Client, data: bytes, size: int) -> bool:
    """Feed *data* in pieces of *size* bytes; whether the connection has lived through it."""
    try:
        for position in range(0, len(data), size):
            client.feed(data[position : position + size])
            assert sum(map(len, client.out)) <= 2 * BURST + 64 * len(data)
    except BrokenConnection:
        return False
    return True


@given(st.lists(some_frames, max_size=25), st.sampled_from([1, 7, 1000, 2**20]))
def test_any_frames(parts: list[bytes], size: int) -> None:
    """Nothing but ``BrokenConnection`` is raised, and every receiver hears a response that makes sense."""
    client, receivers = client_with(3, b"body" * 20000)
    alive = feed(client, SETTINGS + b"".join(parts), size)
    if alive:
        assert len(client.streams) == sum(not receiver.over for receiver in receivers)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(data: bytes, begun: bool) -> None:
    """The same for what need not be frames."""
    client, _ = client_with(2)
    feed(client, SETTINGS * begun + data, 2**20)


@given(st.lists(some_frames, max_size=15))
def test_pieces_do_not_matter(parts: list[bytes]) -> None:
    """Whole or byte by byte: the same."""
    data = SETTINGS + b"".join(parts)
    results = []
    for size in (1, len(data)):
        client, receivers = client_with(3)
        alive = feed(client, data, size)
        results.append((alive, [receiver.heard for receiver in receivers], b"".join(client.out)))
    assert results[0] == results[1]


@pytest.mark.parametrize("limit", [1, 3, 16384])
def test_long_lists_of_fields_are_split(limit: int) -> None:
    """HEADERS, then CONTINUATION."""
    block = bytes(range(50))
    frames = list(FrameSplitter().feed(wire.header_frames(3, block, True, limit)))
    assert b"".join(payload for _, _, _, payload in frames) == block
    assert [kind for kind, _, _, _ in frames] == [wire.HEADERS] + [wire.CONTINUATION] * (len(frames) - 1)
    assert frames[0][1] & wire.END_STREAM
    assert [bool(flags & wire.END_HEADERS) for _, flags, _, _ in frames] == [False] * (len(frames) - 1) + [True]
    assert all(number == 3 for _, _, number, _ in frames)


def test_bursts() -> None:
    """However large the windows are: what is to be sent stays in the streams until the connection has taken what was."""
    client, _ = client_with(0)
    client.feed(wire.settings({wire.WINDOW_SETTING: 2**31 - 1, wire.FRAME_SETTING: 2**20}) + wire.window_update(0, 2**30))
    streams = [client.open([(b":method", b"POST")], False, Receiver()) for _ in range(20)]
    for stream in streams:
        stream.write(b"x" * HIGH_WATER)
    assert sum(map(len, client.out)) <= BURST + HIGH_WATER
    waiting = sum(stream.waiting for stream in streams)
    assert waiting > 10 * HIGH_WATER
    while waiting:
        client.out.clear()
        client.pump()
        assert sum(stream.waiting for stream in streams) < waiting
        waiting = sum(stream.waiting for stream in streams)


def test_streams_take_turns() -> None:
    """A large body does not keep a small one waiting."""
    client, _ = client_with(0)
    client.feed(SETTINGS)
    large, small = (client.open([(b":method", b"POST")], False, Receiver()) for _ in range(2))
    client.choked = True
    large.write(b"x" * 60000)
    small.write(b"y" * 20000)
    client.out.clear()
    client.choked = False
    client.pump()
    sent = [(number, len(payload)) for _, _, number, payload in FrameSplitter().feed(b"".join(client.out))]
    assert sent == [(1, 16384), (3, 16384), (1, 16384), (3, 3616), (1, 12767)]


def test_all_numbers_are_used_up() -> None:
    """No more streams then."""
    client, _ = client_with(0)
    client._next = 2**31 - 1
    client.open([(b":method", b"GET")], True, Receiver())
    assert client.exhausted
