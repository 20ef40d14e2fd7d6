"""decodeMQTT: streams of packets in pieces of any size, whatever they are."""

import pytest
from hypothesis import given

from contrib.fuzz import mqtt as fuzz
from pipy_core.api import END, EOS, FLUSH, Data, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter, logged, merged
from pipy_plugins.mqtt.decoder import MAX_PACKET, DecodeMQTT
from pipy_plugins.mqtt.wire import varint

CONNECT_4 = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03dev"
CONNECT_5 = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03dev"
PUBLISH_4 = b"\x30\x06\x00\x01tabc"
PUBLISH_5 = b"\x30\x07\x00\x01t\x00abc"
BROKEN = StreamEnd(Failure.PROTOCOL_ERROR)


def types(events):
    return [event.head.fields["type"] for event in events if isinstance(event, MessageStart)]


def start(**fields):
    return MessageStart(Head({"type": "PUBLISH", "qos": 0, "dup": False, "retain": False, **fields}))


def test_a_publish_is_a_message_with_a_body():
    Tape(DecodeMQTT).play(Data(PUBLISH_4)).expect(start(topicName="t"), Data(b"abc"), END)


def test_the_level_comes_from_connect():
    assert Tape(DecodeMQTT).play(Data(CONNECT_5 + PUBLISH_5)).events[-3:] == [
        start(topicName="t", properties={}),
        Data(b"abc"),
        END,
    ]
    output = Tape(DecodeMQTT).play(Data(CONNECT_4 + PUBLISH_5)).events
    assert output[2:] == [start(topicName="t"), Data(b"\0abc"), END]


@pytest.mark.parametrize(
    ("first", "level"),
    [
        pytest.param(b"\x20\x02\x00\x00", 4, id="connack-4"),
        pytest.param(b"\x20\x03\x00\x00\x00", 5, id="connack-5"),
        pytest.param(b"\xf0\x09\x18\x07\x15\x00\x04SCRA", 5, id="auth"),
    ],
)
def test_the_level_of_a_server_comes_from_its_first_packet(first, level):
    output = Tape(DecodeMQTT).play(Data(first + (PUBLISH_5 if level == 5 else PUBLISH_4))).events
    assert merged(output)[-2] == Data(b"abc")
    assert ("properties" in output[2].head.fields) is (level == 5)


def test_a_refusal_by_a_server_that_does_not_know_5_0():
    [begun, _] = Tape(DecodeMQTT).play(Data(b"\x20\x02\x00\x01")).events
    assert begun.head.fields["reasonCode"] == 1


def test_a_payload_passes_as_it_comes():
    tape = Tape(DecodeMQTT)
    tape.play(Data(b"\x30" + varint(3 + 300_000) + b"\x00\x01t" + bytes(10))).expect(start(topicName="t"), Data(bytes(10)))
    piece = Data(bytes(200_000))
    [passed] = tape.play(piece).events
    assert passed is piece
    tape.play(FLUSH).expect(FLUSH)
    tape.play(Data(bytes(99_990) + b"\xc0\x00")).expect(
        Data(bytes(99_990)), END, MessageStart(Head({"type": "PINGREQ", "qos": 0, "dup": False, "retain": False})), END
    )


def test_what_is_no_data_is_dropped():
    Tape(DecodeMQTT).play(MessageStart(), FLUSH, END, EOS).expect(EOS)


@pytest.mark.parametrize("error", [Failure.NONE, Failure.READ_ERROR])
def test_the_end_between_packets_passes(error):
    tape = Tape(DecodeMQTT)
    assert types(tape.play(Data(CONNECT_4), StreamEnd(error), Data(PUBLISH_4), EOS).events) == ["CONNECT"]


@pytest.mark.parametrize("cut", [CONNECT_4[:1], CONNECT_4[:-1], PUBLISH_4[:-1], PUBLISH_4[:3]])
def test_the_end_within_a_packet_is_an_error(cut):
    assert Tape(DecodeMQTT).play(Data(cut), EOS).events[-1] == BROKEN


def test_another_error_within_a_packet_stays_what_it_is():
    Tape(DecodeMQTT).play(Data(CONNECT_4[:-1]), StreamEnd(Failure.CONNECTION_RESET)).expect(StreamEnd(Failure.CONNECTION_RESET))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x00", "a packet cannot begin with 0x00"),
        (b"\xc1\x00", "a packet cannot begin with 0xc1"),
        (b"\xc0\xff\xff\xff\xff", "a length has more than four bytes"),
        (b"\xc0\x01x", "there is more in the packet than belongs there"),
        (CONNECT_4 + CONNECT_4, "a second CONNECT"),
        (CONNECT_5 + b"\xc0\x80\x00", "a length is written longer than needed"),
        (b"\x30\x02\x00\x01t", "the packet is too short for what it says is in it"),
        (b"\x30\x01\x00", "the packet is too short for what it says is in it"),
        (CONNECT_5 + b"\x30\x03\x00\x01t\x00", "the packet is too short for what it says is in it"),
        (CONNECT_5 + b"\x30\x04\x00\x01t\x05", "the packet is too short for what it says is in it"),
        (b"GET / HTTP/1.1\r\n\r\n", "a packet cannot begin with 0x47"),
    ],
)
def test_what_is_malformed_ends_the_stream(content, reason):
    tape = Tape(DecodeMQTT)
    with logged() as lines:
        assert tape.play(Data(content + bytes(80))).events[-1] == BROKEN
        tape.play(Data(PUBLISH_4), EOS).expect()
    assert lines == [f"[WRN] [decodeMQTT] malformed packet: {reason}"]


def test_a_length_longer_than_needed_is_nothing_new_before_5_0():
    assert types(Tape(DecodeMQTT).play(Data(CONNECT_4 + b"\xc0\x80\x00")).events) == ["CONNECT", "PINGREQ"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x82" + varint(MAX_PACKET + 1), id="subscribe"),
        pytest.param(CONNECT_5 + b"\x30" + varint(MAX_PACKET + 100) + b"\x00\x01t" + varint(MAX_PACKET), id="properties"),
    ],
)
def test_what_would_have_to_be_held_is_limited(content):
    with logged() as lines:
        assert Tape(DecodeMQTT).play(Data(content)).events[-1] == StreamEnd(Failure.BUFFER_OVERFLOW)
    assert "more than 262144" in lines[0]


def test_a_packet_at_the_limit_byte_by_byte():
    """Held bytes are looked at again only when there are enough of them: this would take minutes otherwise."""
    content = b"\x82" + varint(MAX_PACKET) + b"\x00\x01" + b"\xff\xff" + b"x" * 65535 + b"\x00"
    content += b"\xff\xff" + b"x" * 65535 + b"\x00" + b"\xff\xff" + b"x" * 65535 + b"\x00" + b"\xff\xf5" + b"x" * 65525 + b"\x00"
    assert len(content) == MAX_PACKET + 4
    tape = Tape(DecodeMQTT)
    output = [event for at in range(len(content)) for event in tape.play(Data(content[at : at + 1])).events]
    assert types(output) == ["SUBSCRIBE"]
    assert isinstance(output[-1], MessageEnd)


@given(session=fuzz.sessions())
def test_keeps_the_filter_contract(session):
    check_filter(DecodeMQTT, [Data(fuzz.encode(fuzz.events(session))), EOS])


@pytest.mark.parametrize("each", fuzz.PROPERTIES, ids=lambda each: each.name)
def test_properties(each):
    given(each.examples)(each.check)()
