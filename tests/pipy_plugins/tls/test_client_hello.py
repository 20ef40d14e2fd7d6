"""handleTLSClientHello: what a client asks for, from hellos that OpenSSL makes, in any pieces; and that nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from pipy_core.api import EOS, Data, Failure, MessageStart, ScriptError, StreamEnd
from pipy_core.testing import Tape, check_filter, merged, throws
from pipy_plugins.tls.client_hello import HandleTLSClientHello
from pipy_plugins.tls.hello import MAX_HELLO, HelloReader, NotHello
from tests.strategies import streams


def hello(name=b"", protocols=(), version=SSL.TLS1_3_VERSION):
    """The first bytes of a client."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(version)
    if protocols:
        context.set_alpn_protos(list(protocols))
    connection = SSL.Connection(context)
    connection.set_connect_state()
    if name:
        connection.set_tlsext_host_name(name)
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(65536)


FULL = hello(b"server.test", [b"h2", b"http/1.1"])
SHOWN = {"serverNames": ["server.test"], "protocolNames": ["h2", "http/1.1"]}


def in_records(first, size):
    """The same message in records of *size* bytes."""
    body = first[5:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(first[:3] + len(piece).to_bytes(2) + piece for piece in pieces)


def told(*pieces):
    """What the script is told; everything comes out as it came in."""
    calls = []
    tape = Tape(HandleTLSClientHello, calls.append)
    for piece in pieces:
        tape.play(Data(piece)).expect(Data(piece))
    return calls


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(FULL, SHOWN, id="both"),
        pytest.param(hello(), {}, id="neither"),
        pytest.param(hello(b"a.b"), {"serverNames": ["a.b"]}, id="name"),
        pytest.param(hello(protocols=[b"x"]), {"protocolNames": ["x"]}, id="protocol"),
        pytest.param(hello(b"a.b", version=SSL.TLS1_2_VERSION), {"serverNames": ["a.b"]}, id="TLS-1.2"),
        pytest.param(in_records(FULL, 100), SHOWN, id="several-records"),
        pytest.param(in_records(FULL, 1), SHOWN, id="many-records"),
        pytest.param(FULL + b"more", SHOWN, id="more-behind-it"),
        # a client of old that sends no extensions at all: its message ends with the compression methods
        pytest.param(b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + bytes(32) + b"\x00\x00\x02\x00\x2f\x01\x00", {}, id="plain"),
    ],
)
def test_tells_what_the_client_asks_for(first, expected):
    assert told(first) == [expected]
    assert told(first, b"more", first) == [expected], "once"


@given(st.lists(st.integers(1, 400), max_size=20), st.integers(1, 700))
def test_pieces_do_not_matter(sizes, record):
    stream = in_records(FULL, record)
    pieces, at = [], 0
    for size in [*sizes, len(stream)]:
        pieces.append(stream[at : at + size])
        at += size
    assert told(*[piece for piece in pieces if piece]) == [SHOWN]


def test_the_event_that_completes_it_is_passed_on_behind_the_call():
    order = []
    tape = Tape(HandleTLSClientHello, order.append)
    tape.play(Data(FULL[:-1])).expect(Data(FULL[:-1]))
    assert order == []
    tape.play(Data(FULL[-1:])).expect(Data(FULL[-1:]))
    assert order == [SHOWN]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(b"\x16\x02" + FULL[2:], id="ssl2"),
        pytest.param(b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", id="server-hello"),
        pytest.param(b"\x16\x03\x01\x00\x00" + FULL, id="empty-record"),
        pytest.param(b"\x16\x03\x01\x40\x01" + bytes(0x4001), id="record-too-long"),
        pytest.param(FULL[:5] + b"\x01\xff\xff\xff" + FULL[9:] + in_records(bytes(5) + bytes(MAX_HELLO), 16000), id="endless"),
        pytest.param(FULL[:60], id="cut-off"),
        pytest.param(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", id="empty-message"),
        pytest.param(FULL[:43] + b"\xff" + FULL[44:], id="wrong-length-inside"),
    ],
)
def test_what_is_no_hello_is_not_told(stream):
    assert told(stream) == []
    assert told(stream, FULL) == []


@given(st.binary(max_size=200))
def test_any_bytes(garbage):
    for stream in (garbage, b"\x16\x03\x01" + garbage, FULL[:50] + garbage, b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4" + garbage):
        reader = HelloReader()
        try:
            found = reader.feed(stream)
        except NotHello:
            found = None
        assert found is None or len(found) == 2


def test_it_keeps_no_more_than_it_may():
    reader = HelloReader()
    endless = b"\x16\x03\x01\x00\x05\x01\x00\xff\xff\x00" + b"\x16\x03\x01\x00\x01\x00" * 20_000
    with pytest.raises(NotHello, match="too long"):
        for at in range(0, len(endless), 1000):
            reader.feed(endless[at : at + 1000])
    assert len(reader.received) <= MAX_HELLO + 1000


def test_an_exception_in_the_function_ends_the_stream():
    tape = Tape(HandleTLSClientHello, throws())
    tape.play(Data(FULL)).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_other_events_pass():
    Tape(HandleTLSClientHello, lambda shown: None).play(MessageStart(), EOS).expect(MessageStart(), EOS)


@given(streams())
def test_keeps_the_filter_contract(events):
    output = check_filter((HandleTLSClientHello, lambda shown: None), events)
    assert merged(output) == merged(events)
