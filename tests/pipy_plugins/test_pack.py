"""pack: batches by number, by time and by size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, ArgumentError, Data, Failure, Head, MessageEnd, MessageStart, ScriptDict, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged
from pipy_plugins import pack
from pipy_plugins.pack import Pack
from tests.strategies import streams

NEVER = {"timeout": 0.0, "vacancy": 0.5}
SECOND = {"timeout": 1.0, "vacancy": 0.5}
MIB = 1024 * 1024


def start(name):
    return MessageStart(Head({"first": name}))


ONE = [start("one"), Data(b"one"), END]
TWO = [start("two"), Data(b"t"), Data(b"wo"), END]


@pytest.mark.parametrize(
    ("size", "events", "expected"),
    [
        pytest.param(1, ONE, ONE, id="one"),
        pytest.param(2, ONE, [], id="too-few"),
        pytest.param(2, [*ONE, *TWO], [start("one"), Data(b"onetwo"), END], id="two"),
        pytest.param(2, [*ONE, *TWO, *ONE], [start("one"), Data(b"onetwo"), END], id="two-of-three"),
        pytest.param(2, [start("a"), END, start("b"), END], [start("a"), END], id="empty-ones"),
        pytest.param(0, ONE, ONE, id="nonsense"),
        pytest.param(1, [Data(b"beside"), END, *ONE], ONE, id="outside-of-messages"),
        pytest.param(2, [*ONE, EOS], [*ONE, EOS], id="the-end-lets-go"),
        pytest.param(3, [*ONE, start("cut"), Data(b"cu"), EOS], [*ONE, EOS], id="the-end-in-a-message"),
        pytest.param(3, [start("cut"), Data(b"cu"), EOS], [EOS], id="the-end-in-the-first-message"),
    ],
)
def test_batches(size, events, expected):
    Tape(Pack, size, NEVER).play(*events).expect(*expected)


def test_an_incomplete_batch_goes_out_after_a_time():
    tape = Tape(Pack, 10, SECOND)
    tape.play(*ONE).expect()
    tape.advance(0.6).expect()
    tape.play(*TWO).expect()
    tape.advance(0.6).expect()
    tape.advance(0.4).expect(start("one"), Data(b"onetwo"), END)
    tape.advance(10).expect()
    tape.play(*TWO).expect()
    tape.advance(1).expect(start("two"), Data(b"two"), END)


def test_an_open_message_keeps_the_batch_waiting():
    tape = Tape(Pack, 10, SECOND)
    tape.play(*ONE, start("two"), Data(b"tw")).expect()
    tape.advance(3).expect()
    tape.play(Data(b"o"), END).expect()
    tape.advance(1).expect(start("one"), Data(b"onetwo"), END)


def test_a_full_batch_needs_no_timer():
    tape = Tape(Pack, 2, SECOND)
    tape.play(*ONE, *TWO).expect(start("one"), Data(b"onetwo"), END)
    tape.advance(5).expect()


def test_nothing_comes_after_the_end():
    tape = Tape(Pack, 10, SECOND)
    tape.play(*ONE, EOS).expect(*ONE, EOS)
    tape.advance(5).expect()
    tape.play(*ONE, EOS).expect()


def test_a_large_batch_goes_out_early():
    tape = Tape(Pack, 1000, NEVER)
    tape.play(start("a"), Data(bytes(8 * MIB)), END).expect()
    tape.play(start("b"), Data(b"x"), END).expect(start("a"), Data(bytes(8 * MIB) + b"x"), END)


def test_a_huge_message_ends_the_stream():
    tape = Tape(Pack, 1000, NEVER)
    with logged() as lines:
        tape.play(*ONE, start("b"), Data(bytes(16 * MIB)), END).expect(*ONE, StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [pack] a message exceeds 16777216 bytes"]
    tape.play(*ONE, EOS).expect()


@given(events=streams(), size=st.integers(1, 4))
def test_keeps_the_filter_contract_and_every_body(events, size):
    output = check_filter((Pack, size, NEVER), events)
    messages = sum(isinstance(event, MessageEnd) for event in events)
    if events and isinstance(events[-1], StreamEnd):
        assert sum(isinstance(event, MessageEnd) for event in output) == -(-messages // size)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        ([], [1, NEVER]),
        ([5], [5, NEVER]),
        ([5, ScriptDict(timeout="1m", vacancy=0.1)], [5, {"timeout": 60.0, "vacancy": 0.1}]),
    ],
)
def test_forms_of_a_call(args, bound):
    assert bind(declared(pack, "pack").forms, args) == bound


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["many"], "expects a number"),
        ([1, ScriptDict(vacancy=2)], r"options.vacancy expects a number between 0 and 1"),
        ([1, ScriptDict(timeout="100ms")], "options.timeout expects a duration"),
    ],
)
def test_wrong_arguments(args, message):
    with pytest.raises(ArgumentError, match=message):
        bind(declared(pack, "pack").forms, args)
