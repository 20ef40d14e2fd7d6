"""HTTP/2, both sides: nothing a peer sends raises anything or breaks the grammar of events, in whatever pieces it comes."""

from itertools import pairwise

from hpack import Encoder
from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged
from pipy_core.api import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Grammar, Tape, target
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.v2.preface import PREFACE

_REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "h")]
REQUESTS = [
    _REQUEST,
    [*_REQUEST, ("content-length", "3")],
    [*_REQUEST, ("te", "trailers"), ("x", "y" * 300)],
    [*_REQUEST, ("connection", "close")],
    [(":method", "CONNECT"), (":authority", "a:1")],
]
RESPONSES = [
    [(":status", "200")],
    [(":status", "200"), ("content-length", "3"), ("x", "y")],
    [(":status", "103")],
    [(":status", "204")],
    [(":status", "200"), ("Bad", "x")],
]
_TRAILERS = [("grpc-status", "0")]
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END = st.sampled_from([4, 5])
_VALUES = st.tuples(st.integers(0, 9), st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 65535, 16384]))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


@st.composite
def conversations(draw: st.DrawFn, heads: list[list[tuple[str, str]]], begins: bool) -> bytes:
    """What a peer says, most of which it may say.

    :param begins: it opens streams, as clients do; otherwise it answers on the first one.
    """
    encoder = Encoder()
    last = -1 if begins else 1
    frames = [frame(_SETTINGS, 0, 0, b"")]
    for kind in draw(st.lists(st.sampled_from([0, 0, 1, 1, 1, 3, 4, 6, 7, 8, 9, 10]), max_size=8)):
        if kind == _HEADERS:
            last += 2 if begins else 0
            frames.append(frame(kind, draw(_END), last, encoder.encode(draw(st.sampled_from(heads)))))
        elif kind == _DATA:
            frames.append(frame(kind, draw(st.integers(0, 1)), max(last, 1), draw(st.sampled_from([b"", b"abc", b"0123456789"]))))
        elif kind == _RESET:
            frames.append(frame(kind, 0, max(last, 1), draw(st.integers(0, 14)).to_bytes(4)))
        elif kind == _SETTINGS:
            pairs = draw(st.lists(_VALUES, max_size=3))
            frames.append(frame(kind, 0, 0, b"".join(name.to_bytes(2) + value.to_bytes(4) for name, value in pairs)))
        elif kind == _PING:
            frames.append(frame(kind, draw(st.integers(0, 1)), 0, bytes(8)))
        elif kind == _GOAWAY:
            frames.append(frame(kind, 0, 0, draw(st.integers(0, 9)).to_bytes(4) + draw(st.integers(0, 14)).to_bytes(4)))
        elif kind == _WINDOW:
            frames.append(frame(kind, 0, draw(st.sampled_from([0, max(last, 1)])), draw(st.integers(0, 2**31)).to_bytes(4)))
        elif kind == 9:
            frames.append(frame(_HEADERS, 5, max(last, 1), encoder.encode(_TRAILERS)))
        else:
            anything = st.builds(frame, st.integers(0, 12), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=20))
            frames.append(draw(anything))
    return b"".join(frames)


CLIENTS = conversations(REQUESTS, begins=True)
SERVERS = conversations(RESPONSES, begins=False)


def _pieces(content: bytes, places: list[int]) -> list[Data]:
    bounds = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    return [Data(content[begin:end]) for begin, end in pairwise(bounds)]


def _check(output: list[Event]) -> None:
    grammar = Grammar()
    for event in output:
        grammar.follow(event)


def _server(example: tuple[bytes, list[int]]) -> None:
    """A client speaks; its requests are answered at once."""
    tape = Tape([(DemuxHTTP, target("request"), {"bufferSize": 10})])
    output: list[Event] = []
    answered = 0
    for piece in _pieces(PREFACE + example[0], example[1]):
        output += tape.play(piece).events
        for child in tape.children()[answered:]:
            answered += 1
            output += child.reply(MessageStart(Head({})), Data(b"abc"), END).events
    output += tape.play(EOS).events
    output += tape.close().events
    _check(output)
    for child in tape.children():
        _check(child.fed)
        assert child.closed


def _client(example: tuple[bytes, list[int]]) -> None:
    """A server answers a request."""
    settings = {"version": 2, "bufferSize": 10, "maxIdle": 60.0}
    tape = Tape([(MuxHTTP, target("session"), "key", settings)])
    output = list(
        tape.play(MessageStart(Head({"method": "POST", "path": "/", "headers": {"host": "h"}})), Data(b"abc"), END).events
    )
    session = tape.child("session")
    for piece in _pieces(*example):
        if not session.closed:
            output += session.reply(piece).events
    if not session.closed:
        output += session.reply(StreamEnd(Failure.NONE)).events
    _check(output)
    output += tape.close().events
    _check(output)
    _check(session.fed)


PROPERTIES = [
    Property("clients", cuts(CLIENTS), _server),
    Property("damaged clients", cuts(damaged(CLIENTS)), _server),
    Property("servers", cuts(SERVERS), _client),
    Property("damaged servers", cuts(damaged(SERVERS) | st.binary(max_size=60)), _client),
]
