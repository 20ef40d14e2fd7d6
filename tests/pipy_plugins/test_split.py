"""split: where it cuts, what it puts there, what it takes off."""

import pytest
from hypothesis import given

from pipy_core.api import (
    END,
    EOS,
    FLUSH,
    UNDEFINED,
    ArgumentError,
    Data,
    Failure,
    Identity,
    Message,
    MessageStart,
    ScriptError,
    StreamEnd,
)
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, merged, throws
from pipy_plugins import split
from pipy_plugins.split import Split
from tests.strategies import streams

START = MessageStart()


def at_comma(result):
    return lambda byte: result if byte == ord(",") else UNDEFINED


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param([END, START], [Data(b"a,"), END, START, Data(b"b")], id="array"),
        pytest.param(END, [Data(b"a,"), END, Data(b"b")], id="event"),
        pytest.param(Message(None, Data(b"!")), [Data(b"a,"), START, Data(b"!"), END, Data(b"b")], id="message"),
        pytest.param(None, [Data(b"a,"), Data(b"b")], id="null-cuts-only"),
        pytest.param([], [Data(b"a,"), Data(b"b")], id="empty-array-cuts-only"),
        pytest.param(UNDEFINED, [Data(b"a,b")], id="undefined"),
        pytest.param(True, [Data(b"a,b")], id="boolean"),
        pytest.param(5, [Data(b"a,b")], id="number"),
        pytest.param("text", [Data(b"a,b")], id="string"),
        pytest.param(EOS, [Data(b"a,"), EOS], id="end"),
        pytest.param([END, EOS, START], [Data(b"a,"), END, EOS], id="nothing-behind-the-end"),
    ],
)
def test_results(result, expected):
    tape = Tape(Split, at_comma(result))
    tape.play(Data(b"a,b")).expect(*expected)


def test_an_invalid_object_is_logged():
    with logged() as lines:
        Tape(Split, at_comma(Identity(1))).play(Data(b"a,b")).expect(Data(b"a,"), Data(b"b"))
    assert lines == ["[ERR] [filter] not an Event object"]


def test_a_story():
    tape = Tape(Split, lambda byte: [END, START] if byte == 10 else UNDEFINED)
    tape.play(Data(b"first\none\ntw")).expect(Data(b"first\n"), END, START, Data(b"one\n"), END, START, Data(b"tw"))
    tape.play(Data(b"o\n")).expect(Data(b"o\n"), END, START)
    tape.play(START, FLUSH, END).expect(FLUSH)
    tape.play(EOS).expect(EOS)


def test_bytes_count_from_0_to_255():
    seen = []
    Tape(Split, lambda byte: (seen.append(byte), UNDEFINED)[1]).play(Data(bytes([0, 127, 128, 255]))).anything()
    assert seen == [0, 127, 128, 255]


def test_data_that_is_not_cut_stays_the_same():
    data = Data(b"whole")
    [event] = Tape(Split, at_comma(END)).play(data).events
    assert event is data


def test_after_an_end_made_by_the_script_nothing_comes():
    calls = []
    tape = Tape(Split, lambda byte: (calls.append(byte), EOS)[1])
    tape.play(Data(b"abc")).expect(Data(b"a"), EOS)
    tape.play(Data(b"d"), EOS).expect()
    assert calls == [ord("a")]


def test_an_exception_ends_the_stream():
    Tape(Split, throws()).play(Data(b"a")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(events=streams())
def test_keeps_the_filter_contract_and_every_byte(events):
    output = check_filter((Split, lambda byte: None if byte % 3 else UNDEFINED), events)
    assert merged(output) == merged([event for event in events if isinstance(event, Data | StreamEnd)])


def test_a_function_is_required():
    with pytest.raises(ArgumentError, match="expects a function"):
        bind(declared(split, "split").forms, ["x"])
