"""decodeDubbo: frames in pieces of any size."""

import pytest
from hypothesis import given

from contrib.fuzz import dubbo as fuzz
from pipy_core.api import END, EOS, FLUSH, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged
from pipy_plugins.dubbo import decoder
from pipy_plugins.dubbo.decoder import MAX_BODY, DecodeDubbo

FRAME = b"\xda\xbb\xc2\x00" + b"\x00\x00\x00\x00\x00\x00\x00\x2a" + b"\x00\x00\x00\x05" + b"hello"
DEFAULT = {"sizeLimit": MAX_BODY}
REQUEST = {"id": "42", "status": 0, "isRequest": True, "isTwoWay": True, "isEvent": False, "serialization": 2}


def start(**fields):
    return MessageStart(Head(REQUEST | fields))


@pytest.mark.parametrize(
    ("flags", "status", "fields"),
    [
        (0xC2, 0, {}),
        (0x82, 0, {"isTwoWay": False}),
        (0x02, 20, {"isRequest": False, "isTwoWay": False, "status": 20}),
        (0xE6, 0, {"isEvent": True, "serialization": 6}),
    ],
)
def test_flags_and_status(flags, status, fields):
    frame = bytes((0xDA, 0xBB, flags, status)) + FRAME[4:]
    Tape(DecodeDubbo, DEFAULT).play(Data(frame)).expect(start(**fields), Data(b"hello"), END)


def test_ids_are_strings_because_they_have_64_bits():
    frame = FRAME[:4] + b"\xff" * 8 + bytes(4)
    Tape(DecodeDubbo, DEFAULT).play(Data(frame)).expect(start(id="18446744073709551615"), END)


def test_a_body_passes_as_it_comes():
    tape = Tape(DecodeDubbo, DEFAULT)
    tape.play(Data(FRAME[:17])).expect(start(), Data(b"h"))
    piece = Data(b"ell")
    [passed] = tape.play(piece).events
    assert passed is piece
    tape.play(FLUSH, Data(b"o" + FRAME), FLUSH).expect(FLUSH, Data(b"o"), END, start(), Data(b"hello"), END)


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1\r\n\r\n", b"\xda\xbc", b"\xbb", FRAME + b"x"])
def test_what_is_no_frame_ends_the_stream(content):
    tape = Tape(DecodeDubbo, DEFAULT)
    with logged() as lines:
        assert tape.play(Data(content)).events[-1] == StreamEnd(Failure.PROTOCOL_ERROR)
        tape.play(Data(FRAME), EOS).expect()
    assert lines == ["[ERR] [dubbo] magic number not found"]


def test_a_body_that_is_too_large():
    with logged() as lines:
        Tape(DecodeDubbo, {"sizeLimit": 4}).play(Data(FRAME), EOS).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [dubbo] a body of 5 bytes is larger than 4"]


def test_a_body_of_any_size():
    head = FRAME[:12] + bytes((255,) * 4)
    start, data = Tape(DecodeDubbo, {"sizeLimit": 0}).play(Data(head + b"part")).events
    assert isinstance(start, MessageStart)
    assert data == Data(b"part")


@pytest.mark.parametrize("size", range(1, len(FRAME)))
def test_the_end_within_a_frame_is_an_error(size):
    assert Tape(DecodeDubbo, DEFAULT).play(Data(FRAME[:size]), EOS).events[-1] == StreamEnd(Failure.PROTOCOL_ERROR)


@pytest.mark.parametrize("error", [Failure.NONE, Failure.READ_ERROR])
def test_the_end_between_frames_passes(error):
    assert Tape(DecodeDubbo, DEFAULT).play(MessageStart(), Data(FRAME), StreamEnd(error)).events[-1] == StreamEnd(error)


def test_keeps_the_filter_contract():
    check_filter((DecodeDubbo, DEFAULT), [Data(FRAME * 3), EOS])


def test_the_limit_can_be_set():
    forms = declared(decoder, "decodeDubbo").forms
    assert bind(forms, []) == [DEFAULT]


@pytest.mark.parametrize("each", fuzz.PROPERTIES, ids=lambda each: each.name)
def test_properties(each):
    given(each.examples)(each.check)()
