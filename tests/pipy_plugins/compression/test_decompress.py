"""decompressHTTP and decompressMessage: which bodies are decompressed, and what becomes of heads."""

import gzip
import zlib

import brotli
import pytest

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Head, MessageStart, ScriptDict
from pipy_core.params import bind
from pipy_core.testing import Tape, declared, logged
from pipy_plugins.compression import decompress
from pipy_plugins.compression.decompress import DecompressHTTP, DecompressMessage

OPEN = {"sizeLimit": 0, "ratioLimit": 0}
GZIP = gzip.compress(b"hello", mtime=0)


def head(coding="gzip", **fields):
    return Head({"status": 200, **fields, "headers": {"content-encoding": coding, "content-length": "25", "x": "y"}})


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", GZIP),
        ("GZIP", GZIP),
        ("x-gzip", GZIP),
        ("deflate", zlib.compress(b"hello")),
        ("br", brotli.compress(b"hello")),
        ("gzip, br", brotli.compress(GZIP)),
        ("identity, gzip", GZIP),
    ],
)
def test_bodies_by_their_coding(coding, body):
    start = MessageStart(head(coding))
    Tape(DecompressHTTP, OPEN).play(start, Data(body), END).expect(start, Data(b"hello"), END)


@pytest.mark.parametrize("coding", ["identity", "unknown", "gzip, unknown", "", 7, None])
def test_others_pass(coding):
    events = [MessageStart(head(coding)), Data(GZIP), END]
    Tape(DecompressHTTP, OPEN).play(*events).expect(*events)


@pytest.mark.parametrize("start", [MessageStart(), MessageStart(Head({})), MessageStart(Head({"headers": "none"}))])
def test_heads_that_say_nothing(start):
    Tape(DecompressHTTP, OPEN).play(start, Data(GZIP), END).expect(start, Data(GZIP), END)


def test_scripts_see_the_head_as_it_came_and_the_wire_does_not():
    (start, *_) = Tape(DecompressHTTP, OPEN).play(MessageStart(head()), Data(GZIP), END).events
    assert start.head.fields == head().fields
    assert start.head.outgoing() == {"status": 200, "headers": {"x": "y"}}


def test_the_head_that_came_is_not_changed():
    original = head()
    (start, *_) = Tape(DecompressHTTP, OPEN).play(MessageStart(original), Data(GZIP), END).events
    assert start.head is not original
    assert original.outgoing() == head().fields


def test_a_coding_that_a_script_sets_is_sent():
    (start, *_) = Tape(DecompressHTTP, OPEN).play(MessageStart(head()), Data(GZIP), END).events
    fields = {"status": 200, "headers": {"content-encoding": "br"}}
    start.head.replace(fields)
    assert start.head.outgoing() == fields


class Received(Head):
    """What a codec knows besides."""

    __slots__ = ("wire",)


def test_a_codec_recognizes_its_head():
    received = Received(head().fields)
    received.wire = "wire"
    (start, *_) = Tape(DecompressHTTP, OPEN).play(MessageStart(received), Data(GZIP), END).events
    assert type(start.head) is Received
    assert start.head.wire == "wire"


def test_an_answer_to_head_stays_as_it_is():
    start = MessageStart(head())
    (output, end) = Tape(DecompressHTTP, OPEN).play(start, END).events
    assert output is start
    assert end is END


def test_a_body_that_is_something_else_keeps_its_head():
    start = MessageStart(head())
    with logged() as lines:
        events = Tape(DecompressHTTP, OPEN).play(start, Data(b"not gzip"), END).events
    assert events[0] is start
    assert events[1:] == [Data(b"not gzip"), END]
    assert lines[0].startswith("[WRN] [decompress] decompression error")


def test_a_flush_lets_the_head_go():
    tape = Tape(DecompressHTTP, OPEN)
    tape.play(MessageStart(head())).expect()
    tape.play(FLUSH).expect(MessageStart(head()), FLUSH)
    tape.play(Data(GZIP), END).expect(Data(b"hello"), END)


def test_a_client_that_waits_for_the_answer_to_its_head_is_not_kept_waiting():
    request = Head({"method": "POST", "headers": {"content-encoding": "gzip", "expect": "100-continue"}})
    tape = Tape(DecompressHTTP, OPEN)
    (start,) = tape.play(MessageStart(request)).events
    assert start.head.outgoing()["headers"] == {"expect": "100-continue"}
    tape.play(Data(GZIP), END).expect(Data(b"hello"), END)


@pytest.mark.parametrize(("answer", "body"), [(True, b"hello"), ("yes", b"hello"), (False, GZIP), (None, GZIP), (0, GZIP)])
def test_a_script_may_say_no(answer, body):
    seen = []
    tape = Tape(DecompressHTTP, lambda start: seen.append(start) or answer, OPEN)
    start, plain = MessageStart(head()), MessageStart(Head({"headers": {}}))
    tape.play(start, Data(GZIP), END, plain, END).expect(start, Data(body), END, plain, END)
    assert seen == [start]


@pytest.mark.parametrize("name", ["gzip", "inflate"])
def test_an_algorithm_by_name(name):
    start = MessageStart()
    Tape(DecompressMessage, name, OPEN).play(start, Data(GZIP), END, EOS).expect(start, Data(b"hello"), END, EOS)


def test_an_algorithm_for_each_message():
    names = iter(["gzip", None, "deflate", ""])
    start = MessageStart()
    bodies = [GZIP, b"plain", zlib.compress(b"hello"), b"plain"]
    tape = Tape(DecompressMessage, lambda _start: next(names), OPEN)
    for body, expected in zip(bodies, [b"hello", b"plain", b"hello", b"plain"], strict=True):
        tape.play(start, Data(body), END).expect(start, Data(expected), END)


@pytest.mark.parametrize("name", ["lzma", 7])
def test_an_unknown_algorithm_is_told_about(name):
    start = MessageStart()
    with logged() as lines:
        Tape(DecompressMessage, lambda _start: name, OPEN).play(start, Data(GZIP), END).expect(start, Data(GZIP), END)
    assert lines == [f"[ERR] [decompress] unknown compression algorithm: {name}"]


DEFAULTS = {"sizeLimit": 0, "ratioLimit": 200}


@pytest.mark.parametrize(
    ("name", "args", "bound"),
    [
        ("decompressHTTP", [], [None, DEFAULTS]),
        ("decompressHTTP", [ScriptDict(sizeLimit="1m")], [{"sizeLimit": 1 << 20, "ratioLimit": 200}]),
        ("decompressMessage", ["gzip"], ["gzip", DEFAULTS]),
        ("decompressMessage", ["gzip", ScriptDict(ratioLimit=0)], ["gzip", {"sizeLimit": 0, "ratioLimit": 0}]),
    ],
)
def test_forms_of_a_call(name, args, bound):
    assert bind(declared(decompress, name).forms, args) == bound


@pytest.mark.parametrize(("name", "args"), [("decompressHTTP", ["gzip"]), ("decompressMessage", []), ("decompressMessage", [7])])
def test_wrong_arguments(name, args):
    with pytest.raises(ArgumentError):
        bind(declared(decompress, name).forms, args)
