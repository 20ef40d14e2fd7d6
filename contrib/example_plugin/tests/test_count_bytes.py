import pytest
from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Failure, MessageStart, ScriptError, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, throws

from pipy_example import count_bytes
from pipy_example.count_bytes import CountBytes

START = MessageStart()


@pytest.mark.parametrize(
    ("events", "count"),
    [
        pytest.param([EOS], 0, id="nothing"),
        pytest.param([Data(b"ab"), FLUSH, Data(b"c"), EOS], 3, id="bytes"),
        pytest.param([START, Data(b"ab"), END, START, Data(b"c"), END, EOS], 3, id="messages"),
        pytest.param([Data(b"ab"), StreamEnd(Failure.READ_ERROR)], 2, id="cut-off"),
    ],
)
def test_tells_the_bytes_at_the_end_and_changes_nothing(events, count):
    seen = []
    Tape(CountBytes, seen.append).play(*events).expect(*events)
    assert seen == [count]


def test_says_nothing_before_the_end():
    seen = []
    Tape(CountBytes, seen.append).play(Data(b"a")).expect(Data(b"a"))
    assert seen == []


def test_a_function_that_throws_ends_the_stream_with_an_error():
    tape = Tape(CountBytes, throws())
    tape.play(Data(b"a"), EOS).fails(ScriptError).expect(Data(b"a"), StreamEnd(Failure.RUNTIME_ERROR))


def test_keeps_the_contract_of_filters():
    check_filter((CountBytes, lambda count: None), [START, Data(b"ab"), Data(b"c"), END, EOS])


def test_wants_a_function():
    with pytest.raises(ArgumentError, match=r"argument #1 expects a function"):
        bind(declared(count_bytes, "countBytes").forms, ["x"])
