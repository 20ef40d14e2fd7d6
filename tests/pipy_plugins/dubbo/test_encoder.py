"""encodeDubbo: messages to frames."""

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Failure, Head, MessageStart, ScriptError, StreamEnd
from pipy_core.kit.body import LIMIT
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins.dubbo import encoder
from pipy_plugins.dubbo.encoder import EncodeDubbo
from tests.strategies import streams


def head(flags, status, number, size):
    return Data(bytes((0xDA, 0xBB, flags, status)) + number.to_bytes(8) + size.to_bytes(4))


def start(**fields):
    return MessageStart(Head(fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": "42", "status": 20, "isRequest": False, "isTwoWay": False, "isEvent": True}, head(0x22, 20, 42, 2)),
        ({"id": 7}, head(0xC2, 0, 7, 2)),
        ({"id": "18446744073709551615"}, head(0xC2, 0, 2**64 - 1, 2)),
        ({"id": -1}, head(0xC2, 0, 2**64 - 1, 2)),
        ({"id": 1, "isRequest": "0", "isTwoWay": 0, "status": "20", "serialization": 6}, head(0x06, 20, 1, 2)),
        ({"id": 1, "status": None}, head(0xC2, 0, 1, 2)),
    ],
)
def test_fields(fields, expected):
    message = start(**fields)
    Tape(EncodeDubbo, None).play(message, Data(b"a"), FLUSH, Data(b"b"), END).expect(message, expected, Data(b"ab"), END)


def test_ids_are_counted_where_there_are_none():
    message = MessageStart(None)
    Tape(EncodeDubbo, None).play(message, END, message, END).expect(
        message, head(0xC2, 0, 0, 0), END, message, head(0xC2, 0, 1, 0), END
    )


def test_a_head_for_all_messages():
    message = start(id="9", status=5)
    Tape(EncodeDubbo, {"status": 20}).play(message, END, message, END).expect(
        message, head(0xC2, 20, 0, 0), END, message, head(0xC2, 20, 1, 0), END
    )


def test_a_function_gives_the_head_of_each():
    heads = iter([{"id": 5}, None, {"id": 6}])
    message = start(id=9)
    Tape(EncodeDubbo, lambda: next(heads)).play(*[message, END] * 3).expect(
        message, head(0xC2, 0, 5, 0), END, message, head(0xC2, 0, 9, 0), END, message, head(0xC2, 0, 6, 0), END
    )


def test_a_function_that_throws_ends_the_stream():
    Tape(EncodeDubbo, throws()).play(MessageStart(), END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"id": "x"}, "id expects a number, given the string 'x'"),
        ({"id": 2**64}, "id expects a number, given the number 1.84467e+19"),
        ({"id": {}}, "id expects a number, given an object"),
        ({"id": float("inf")}, "id expects a number, given the number inf"),
        ({"status": 256}, "status expects a number from 0 to 255, given the number 256"),
        ({"isEvent": []}, "isEvent expects a number, given an array"),
        ({"serialization": 32}, "serialization expects a number from 0 to 31, given the number 32"),
    ],
)
def test_what_cannot_be_sent_is_logged_and_left_out(fields, line):
    good = start(id=1)
    with logged() as lines:
        Tape(EncodeDubbo, None).play(start(**fields), Data(b"x"), END, good, END).expect(good, head(0xC2, 0, 1, 0), END)
    assert lines == [f"[ERR] [encodeDubbo] {line}"]


def test_data_outside_of_messages_is_dropped():
    Tape(EncodeDubbo, None).play(Data(b"x"), END, EOS).expect(EOS)


def test_a_body_that_is_too_large():
    tape = Tape(EncodeDubbo, None)
    with logged() as lines:
        tape.play(MessageStart(), *[Data(bytes(1 << 20))] * (LIMIT >> 20), Data(b"x"), END, EOS).expect(
            StreamEnd(Failure.BUFFER_OVERFLOW)
        )
    assert lines == ["[ERR] [encodeDubbo] the body of a message is too large"]


@given(events=streams())
def test_keeps_the_filter_contract(events):
    check_filter((EncodeDubbo, None), events)


def test_arguments():
    forms = declared(encoder, "encodeDubbo").forms
    assert bind(forms, []) == [None]
    with pytest.raises(ArgumentError, match="expects an object or a function"):
        bind(forms, [5])
