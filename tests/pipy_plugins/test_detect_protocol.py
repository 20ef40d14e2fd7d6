"""detectProtocol: what is told, when, and that everything passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import (
    EOS,
    FLUSH,
    UNDEFINED,
    ArgumentError,
    Data,
    Failure,
    MessageStart,
    ScriptDict,
    ScriptError,
    ScriptList,
    StreamEnd,
)
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, merged, throws
from pipy_plugins import detect_protocol
from pipy_plugins.detect_protocol import MAX_BEGINNING, DetectProtocol
from tests.strategies import streams

TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
ALL = {"protocols": ScriptList(["HTTP", "TLS", "HTTP2"])}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def checked(**given):
    form = declared(detect_protocol, "detectProtocol").forms[0]
    return bind([form[1:]], [ScriptDict(given)])[0]


def told(*pieces, **given):
    """What the script is told of a stream that comes in *pieces*, each of which passes unchanged."""
    calls = []
    tape = Tape(DetectProtocol, calls.append, checked(**given))
    for piece in pieces:
        tape.play(Data(piece)).expect(Data(piece))
    return calls


@pytest.mark.parametrize(
    ("stream", "classic", "wide"),
    [
        pytest.param(TLS, ["TLS"], ["TLS"], id="tls"),
        pytest.param(TLS[:10], ["TLS"], ["TLS"], id="shortest-tls"),
        pytest.param(TLS[:9], [], [], id="not-yet"),
        pytest.param(b"\x16", [], [], id="one-byte"),
        pytest.param(b"", [], [], id="nothing"),
        pytest.param(b"\x16\x03\x05" + TLS[3:], [""], [""], id="version-to-come"),
        pytest.param(b"\x16\x03\x01\x00\x10\x02", [""], [""], id="server-hello"),
        pytest.param(b"GET / HTTP/1.1\r\n", [""], ["HTTP"], id="http"),
        pytest.param(b"GET / HTTP/1.0\nHost: h\n", [""], ["HTTP"], id="bare-lf"),
        pytest.param(b"X-Y!z http://h/a?b HTTP/1.1\r\nHost", [""], ["HTTP"], id="any-method"),
        pytest.param(b"GET / HTTP/1.1", [""], [], id="http-not-yet"),
        pytest.param(b"GE", [""], [], id="method-not-yet"),
        pytest.param(b"GET / HTTP/2.0\r\n", [""], [""], id="http-2.0-has-no-such-line"),
        pytest.param(b"GET /\r\n", [""], [""], id="http-0.9"),
        pytest.param(b"HELO there\r\n", [""], [""], id="smtp"),
        pytest.param(b"\x00\x01", [""], [""], id="binary"),
        pytest.param(b"A" * 40, [""], [""], id="method-too-long"),
        pytest.param(b"GET /" + b"a" * MAX_BEGINNING, [""], [""], id="line-too-long"),
        pytest.param(PREFACE, [""], ["HTTP2"], id="http2"),
        pytest.param(PREFACE[:-1], [""], [], id="http2-not-yet"),
        pytest.param(b"PRI", [""], [], id="http2-or-http"),
    ],
)
def test_tells(stream, classic, wide):
    assert told(stream) == classic
    assert told(stream, **ALL) == wide


@given(st.sampled_from([TLS, PREFACE, b"GET / HTTP/1.1\r\n", b"nothing known"]), st.lists(st.integers(1, 9), max_size=30))
def test_pieces_do_not_matter(stream, sizes):
    pieces, at = [], 0
    for size in [*sizes, len(stream)]:
        pieces.append(stream[at : at + size])
        at += size
    pieces = [piece for piece in pieces if piece]
    assert told(*pieces, **ALL) == told(stream, **ALL)
    assert told(*pieces) == told(stream)


def test_the_script_of_the_original_sees_what_it_knows():
    for stream in (PREFACE, b"GET / HTTP/1.1\r\n"):
        assert told(stream) == [""], "plain HTTP is '' unless the script asks for more"


def test_only_what_is_asked_for_is_told():
    assert told(TLS, protocols=ScriptList(["HTTP"])) == [""]
    assert told(TLS, protocols=ScriptList([])) == [""]


def test_it_is_told_once_and_before_the_event():
    calls = []
    tape = Tape(DetectProtocol, calls.append, checked())
    tape.play(FLUSH, MessageStart(), Data(TLS[:5])).expect(FLUSH, MessageStart(), Data(TLS[:5]))
    assert calls == []
    tape.play(Data(TLS[5:]), Data(TLS), EOS).expect(Data(TLS[5:]), Data(TLS), EOS)
    assert calls == ["TLS"]


def test_after_a_while_it_is_nothing():
    calls = []
    tape = Tape(DetectProtocol, calls.append, checked(timeout="2s"))
    tape.play(Data(b"\x16")).expect(Data(b"\x16"))
    tape.advance(1.9).expect()
    woken = []
    tape.context.group.watch(lambda: woken.append(True))
    tape.advance(0.2).expect(FLUSH)
    assert calls == [""]
    assert woken == [True]
    tape.play(Data(TLS)).expect(Data(TLS))
    assert calls == [""]


def test_what_is_decided_needs_no_timer():
    for event in (Data(TLS), EOS):
        calls = []
        tape = Tape(DetectProtocol, calls.append, checked(timeout=2))
        tape.play(FLUSH, event).expect(FLUSH, event)
        tape.advance(10).expect()
        assert "" not in calls


@pytest.mark.parametrize(
    "given", [{"protocols": ScriptList(["SMTP"])}, {"protocols": "TLS"}, {"timeout": -1}, {"protocols": ScriptList([1])}]
)
def test_options_are_checked(given):
    with pytest.raises(ArgumentError):
        checked(**given)


def test_defaults():
    assert checked(protocols=UNDEFINED) == {"protocols": None, "timeout": 0.0}


def test_an_exception_in_the_function_ends_the_stream():
    Tape(DetectProtocol, throws(), checked()).play(Data(TLS)).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(streams())
def test_keeps_the_filter_contract(events):
    output = check_filter((DetectProtocol, lambda name: None, checked(**ALL)), events)
    assert merged(output) == merged(events)
