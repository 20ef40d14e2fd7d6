"""compressHTTP and compressMessage: what is compressed, how, and what the head says of it."""

import gzip
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Head, MessageStart, ScriptDict, ScriptList
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared
from pipy_core.testing.check import merged
from pipy_plugins.compression import compress
from pipy_plugins.compression.compress import MIN_SIZE, CompressHTTP, CompressMessage
from pipy_plugins.compression.decoders import CODINGS
from pipy_plugins.compression.decompress import DecompressHTTP
from pipy_plugins.compression.heads import TYPES
from tests.strategies import streams

TEXT = b"some text that is compressed " * 100
DEFAULTS = {"method": "gzip", "level": None, "minSize": MIN_SIZE, "types": list(TYPES)}
OPEN = {"sizeLimit": 0, "ratioLimit": 0}


def head(**headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head({"status": 200, "headers": {"content-type": "text/plain", **names}})


def made(method, settings):
    return (CompressHTTP, method, {**DEFAULTS, **settings})


def tape(method="gzip", **settings):
    return Tape(*made(method, settings))


def body_of(events):
    return b"".join(event.payload for event in events if isinstance(event, Data))


DECODERS = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: b"".join(CODINGS["zstd"]().feed(body)),
}


@pytest.mark.parametrize("method", DECODERS)
def test_methods(method):
    start, *rest, end = tape(method).play(MessageStart(head()), Data(TEXT), END).events
    assert DECODERS[method](body_of(rest)) == TEXT
    assert end is END
    assert start.head.fields["headers"] == {
        "content-type": "text/plain",
        "content-encoding": method,
        "vary": "accept-encoding",
    }


@pytest.mark.parametrize(
    ("given_headers", "expected"),
    [
        ({"content_length": "2900", "accept_ranges": "bytes"}, {}),
        ({"etag": '"abc"'}, {"etag": 'W/"abc"'}),
        ({"etag": 'W/"abc"'}, {"etag": 'W/"abc"'}),
        ({"vary": "origin"}, {"vary": "origin, accept-encoding"}),
        ({"vary": "Accept-Encoding"}, {"vary": "Accept-Encoding"}),
        ({"vary": "*"}, {"vary": "*"}),
        ({"vary": ["origin", "accept"]}, {"vary": "origin, accept, accept-encoding"}),
        ({"content_encoding": "identity"}, {}),
        ({"x": "y"}, {"x": "y"}),
    ],
)
def test_what_the_head_says(given_headers, expected):
    original = head(**given_headers)
    before = {**original.fields, "headers": dict(original.fields["headers"])}
    start = tape().play(MessageStart(original), Data(TEXT), END).events[0]
    assert start.head.fields["headers"] == {
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "vary": "accept-encoding",
        **expected,
    }
    assert original.fields == before


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {}},
        {"headers": {"content-type": "image/png"}},
        {"headers": {"content-type": ["text/plain"]}},
        {"headers": None},
        {},
        {"headers": {"content-type": "text/plain", "content-encoding": "br"}},
        {"headers": {"content-type": "text/plain", "content-range": "bytes 0-1/9"}},
        {"headers": {"content-type": "text/plain", "cache-control": "private, No-Transform"}},
        {"status": 206, "headers": {"content-type": "text/plain"}},
        {"status": 204, "headers": {"content-type": "text/plain"}},
        {"status": 304, "headers": {"content-type": "text/plain"}},
        {"status": 101, "headers": {"content-type": "text/plain"}},
        {"status": "200", "headers": {"content-type": "text/plain"}},
    ],
)
def test_what_is_not_compressed(fields):
    events = [MessageStart(Head(fields)), Data(TEXT), END]
    output = tape().play(*events).events
    assert output == events
    assert output[0] is events[0]


@pytest.mark.parametrize(
    "kind", ["text/html; charset=utf-8", "TEXT/HTML", "application/json", "application/ld+json", "image/svg+xml"]
)
def test_types_that_are_compressed(kind):
    start = tape().play(MessageStart(head(content_type=kind)), Data(TEXT), END).events[0]
    assert start.head.fields["headers"]["content-encoding"] == "gzip"


def test_types_are_patterns_and_not_expressions():
    settings = {"types": ["a.b/*"]}
    assert tape(**settings).play(MessageStart(head(content_type="axb/c")), Data(TEXT), END).events[1] == Data(TEXT)
    assert tape(**settings).play(MessageStart(head(content_type="a.b/c")), Data(TEXT), END).events[1] != Data(TEXT)


def test_no_types_at_all():
    assert tape(types=[]).play(MessageStart(head()), Data(TEXT), END).events[1] == Data(TEXT)


def test_a_small_body_passes_in_one_piece():
    start = MessageStart(head())
    tape().play(start, Data(b"a"), Data(b"b"), END).expect(start, Data(b"ab"), END)
    tape(minSize=2).play(start, Data(b"a"), Data(b"b"), END).anything()
    assert tape(minSize=2).play(start, Data(b"a"), Data(b"b"), END).events[0] != start


def test_an_answer_to_head_passes():
    start = MessageStart(head(content_length="9999"))
    tape().play(start, END).expect(start, END)


def test_a_flush_sends_what_there_is():
    run = tape()
    decoder = CODINGS["gzip"]()
    start, *data, flush = run.play(MessageStart(head()), Data(b"one"), FLUSH).events
    assert start.head.fields["headers"]["content-encoding"] == "gzip"
    assert b"".join(decoder.feed(body_of(data))) == b"one"
    assert flush is FLUSH
    *data, flush = run.play(Data(b"two"), FLUSH).events
    assert b"".join(decoder.feed(body_of(data))) == b"two"
    (rest, _) = run.play(END).events
    assert b"".join(decoder.feed(rest.payload)) == b""
    assert decoder.finished


def test_events_of_a_stream_of_events_go_at_once():
    run = tape(types=["text/*"])
    decoder = CODINGS["gzip"]()
    for text in (b"data: 1\n\n", b"data: 2\n\n"):
        events = run.play(
            MessageStart(head(content_type="text/event-stream")) if text[6:7] == b"1" else Data(b""), Data(text)
        ).events
        assert b"".join(decoder.feed(body_of(events))) == text
        assert events[-1] is FLUSH


def test_the_head_of_events_is_not_held_back():
    (opening,) = tape().play(MessageStart(head(content_type="text/event-stream"))).events
    assert opening.head.fields["headers"]["content-encoding"] == "gzip"


def test_what_a_client_accepts():
    accepted = iter(["br;q=0.9, gzip;q=0.1", "identity", "", None, 7, "gzip"])
    run = tape(lambda _start: next(accepted))
    codings = []
    for _ in range(6):
        start, *_ = run.play(MessageStart(head()), Data(TEXT), END).events
        headers = start.head.fields["headers"]
        codings.append(headers.get("content-encoding"))
        assert headers["vary"] == "accept-encoding"
    assert codings == ["br", None, None, None, None, "gzip"]


def test_a_request_does_not_vary():
    request = Head({"method": "POST", "path": "/", "headers": {"content-type": "text/plain"}})
    start, *_ = tape().play(MessageStart(request), Data(TEXT), END).events
    assert start.head.fields["headers"] == {"content-type": "text/plain", "content-encoding": "gzip"}


def test_what_was_decompressed_can_be_compressed_again():
    came = head(content_encoding="br")
    decoded = came.derived(came.fields, {"content-encoding": "br"})
    start, *_ = tape().play(MessageStart(decoded), Data(TEXT), END).events
    assert start.head.outgoing()["headers"]["content-encoding"] == "gzip"


def test_data_outside_of_messages_passes():
    tape().play(Data(b"x"), FLUSH, EOS).expect(Data(b"x"), FLUSH, EOS)


def test_a_stream_that_ends_in_a_small_message():
    start = MessageStart(head())
    tape().play(start, Data(b"ab"), EOS).expect(start, Data(b"ab"), EOS)


def test_every_message_of_a_stream():
    run = tape()
    for size in (5000, 10, 3000, 0):
        start, *rest = run.play(MessageStart(head()), Data(b"x" * size), END).events
        body = body_of(rest)
        if start.head.fields["headers"].get("content-encoding"):
            body = gzip.decompress(body)
        assert body == b"x" * size


@given(events=streams(), method=st.sampled_from(sorted(DECODERS)))
def test_keeps_the_filter_contract(events, method):
    check_filter((CompressMessage, method, {"level": None}), events, chunking=False)


@given(
    bodies=st.lists(st.lists(st.binary(max_size=800), max_size=4), max_size=3),
    method=st.sampled_from(sorted(DECODERS)),
    min_size=st.integers(0, 1000),
)
def test_decompressed_it_is_what_it_was(bodies, method, min_size):
    events = [event for pieces in bodies for event in (MessageStart(head()), *map(Data, pieces), END)]
    both = Tape([made(method, {"minSize": min_size}), (DecompressHTTP, OPEN)])
    output = merged(both.play(*events).events)
    expected = merged([event for pieces in bodies for event in (END, Data(b"".join(pieces)))])
    assert [event for event in output if isinstance(event, Data)] == [event for event in expected if isinstance(event, Data)]


@given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=4), method=st.sampled_from(sorted(DECODERS)))
def test_a_message_compressed_without_regard_to_its_head(pieces, method):
    run = Tape(CompressMessage, method, {"level": 1})
    start, *rest = run.play(MessageStart(), *map(Data, pieces), END).events
    assert start == MessageStart()
    if pieces:
        assert DECODERS[method](body_of(rest)) == b"".join(pieces)


@pytest.mark.parametrize(
    ("name", "args", "bound"),
    [
        ("compressHTTP", [], [{**DEFAULTS, "types": TYPES}]),
        ("compressHTTP", ["br"], ["br", {**DEFAULTS, "types": TYPES}]),
        ("compressHTTP", [ScriptDict(level=9, minSize="1k")], [{**DEFAULTS, "types": TYPES, "level": 9, "minSize": 1024}]),
        ("compressMessage", ["zstd"], ["zstd", {"level": None}]),
    ],
)
def test_forms_of_a_call(name, args, bound):
    spec = declared(compress, name)
    values = bind(spec.forms, args)
    assert values == bound
    spec.filter.prepare(*values)()


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("compressHTTP", ["lzma"], "unknown compression method: lzma"),
        ("compressHTTP", [ScriptDict(method="lzma")], "unknown compression method: lzma"),
        ("compressMessage", ["lzma"], "unknown compression method: lzma"),
        ("compressHTTP", [ScriptDict(types=ScriptList(["text/*", 7]))], "options.types expects an array of strings"),
        ("compressHTTP", [7], "expects"),
        ("compressMessage", [], "requires 1"),
    ],
)
def test_wrong_arguments(name, args, message):
    spec = declared(compress, name)
    with pytest.raises(ArgumentError, match=message):
        spec.filter.prepare(*bind(spec.forms, args))
