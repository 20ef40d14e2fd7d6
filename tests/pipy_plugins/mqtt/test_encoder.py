"""encodeMQTT: messages to packets; what cannot be sent is logged and left out."""

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, FLUSH, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.kit.body import LIMIT
from pipy_core.testing import Tape, check_filter, logged
from pipy_plugins.mqtt.decoder import DecodeMQTT
from pipy_plugins.mqtt.encoder import EncodeMQTT
from tests.strategies import streams


def start(**fields):
    return MessageStart(Head(fields))


PUBLISH = start(type="PUBLISH", topicName="t")
PING = start(type="PINGREQ")


def sent(*events):
    return b"".join(event.payload for event in Tape(EncodeMQTT).play(*events).events if isinstance(event, Data))


def test_a_publish():
    Tape(EncodeMQTT).play(PUBLISH, Data(b"ab"), FLUSH, Data(b"c"), END).expect(
        PUBLISH, Data(b"\x30\x06\x00\x01t"), Data(b"abc"), END
    )


def test_a_packet_without_a_payload():
    Tape(EncodeMQTT).play(PING, Data(b"ignored"), END).expect(PING, Data(b"\xc0\x00"), END)


def test_data_outside_of_messages_is_dropped():
    Tape(EncodeMQTT).play(Data(b"x"), END, EOS).expect(EOS)


@pytest.mark.parametrize(
    ("first", "level"),
    [
        pytest.param([], 4, id="unknown"),
        pytest.param([start(type="CONNECT"), END], 4, id="connect"),
        pytest.param([start(type="CONNECT", protocolLevel=5), END], 5, id="connect-5"),
        pytest.param([start(type="CONNACK"), END], 4, id="connack"),
        pytest.param([start(type="CONNACK", protocolLevel=5), END], 5, id="connack-5"),
        pytest.param([start(type="AUTH"), END], 5, id="auth"),
        pytest.param([start(type="AUTH"), END, start(type="CONNACK"), END], 5, id="auth-connack"),
    ],
)
def test_the_level_comes_from_the_first_packet(first, level):
    assert sent(*first, PUBLISH, END).endswith(b"\x30\x04\x00\x01t\x00" if level == 5 else b"\x30\x03\x00\x01t")


def test_what_nobody_has_changed_goes_out_as_it_came():
    connect = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03dev"
    odd = b"\x30\x1a\x00\x01t\x15" + b"\x26\x00\x01a\x00\x011\x26\x00\x01b\x00\x012\x26\x00\x01a\x00\x013" + b"x"
    output = Tape([DecodeMQTT, EncodeMQTT]).play(Data(connect + odd)).events
    assert b"".join(event.payload for event in output if isinstance(event, Data)) == connect + odd


def test_what_was_changed_is_written_anew():
    tape = Tape(DecodeMQTT)
    [begun, body, end] = tape.play(Data(b"\x30\x04\x00\x01tx")).events
    begun.head.replace(begun.head.fields | {"topicName": "other"})
    assert sent(begun, body, end) == b"\x30\x08\x00\x05otherx"


def test_a_packet_from_a_stream_of_another_level_is_written_anew():
    [begun, *rest] = Tape(DecodeMQTT).play(Data(b"\x30\x04\x00\x01tx")).events
    assert sent(start(type="CONNECT", protocolLevel=5), END, begun, *rest).endswith(b"\x30\x05\x00\x01t\x00x")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (MessageStart(None), "invalid packet type"),
        (start(), "invalid packet type"),
        (start(type="publish"), "invalid packet type"),
        (start(type=["PUBLISH"]), "invalid packet type"),
        (start(type="PUBLISH"), "PUBLISH: topicName expects a string, given null"),
        (start(type="CONNECT", protocolLevel=6), "CONNECT: protocolLevel expects a number from 3 to 5, given the number 6"),
        (start(type="CONNECT", protocolLevel=[4]), "CONNECT: protocolLevel expects a number from 3 to 5, given an array"),
    ],
)
def test_what_cannot_be_sent_is_logged_and_left_out(message, line):
    with logged() as lines:
        Tape(EncodeMQTT).play(message, Data(b"x"), END, PING, END).expect(PING, Data(b"\xc0\x00"), END)
    assert lines == [f"[ERR] [encodeMQTT] {line}"]


def test_the_end_ends_an_open_message():
    Tape(EncodeMQTT).play(PUBLISH, Data(b"x"), EOS).expect(PUBLISH, Data(b"\x30\x04\x00\x01t"), Data(b"x"), END, EOS)


def test_an_error_does_not():
    Tape(EncodeMQTT).play(PUBLISH, Data(b"x"), StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))


def test_a_payload_that_is_too_large():
    tape = Tape(EncodeMQTT)
    with logged() as lines:
        tape.play(PUBLISH, *[Data(bytes(1 << 20))] * (LIMIT >> 20)).expect()
        tape.play(Data(b"x")).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
        tape.play(END, PING, END, EOS).expect()
    assert lines == ["[ERR] [encodeMQTT] the payload of a PUBLISH is too large"]


@given(events=streams())
def test_keeps_the_filter_contract(events):
    changed = [PUBLISH if isinstance(event, MessageStart) and event.head is not None else event for event in events]
    check_filter(EncodeMQTT, changed)
