"""fork: copies, contexts, and that the main stream never notices."""

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, ArgumentError, Data, Failure, Head, MessageStart, ScriptError, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, target, throws
from pipy_plugins import fork
from pipy_plugins.fork import Fork
from pipy_plugins.handle.data import HandleData
from tests.strategies import streams

START = MessageStart(Head({"path": "/"}))


def test_a_story():
    tape = Tape(Fork, target("log"))
    data = Data(b"a")
    tape.play(START, data, END).expect(START, data, END)
    child = tape.child("log")
    child.expect(START, data, END)
    assert child.shares_context
    assert child.fed[0] is not START
    assert child.fed[0].head is START.head
    assert child.fed[1] is not data
    child.reply(Data(b"nobody hears this"), EOS).expect()
    tape.play(EOS).expect(EOS)
    tape.close().expect()
    assert child.closed


@pytest.mark.parametrize(
    ("initializers", "expected"),
    [
        pytest.param(None, [{"a": 1}], id="none"),
        pytest.param({"a": 2}, [{"a": 2}], id="object"),
        pytest.param([{"a": 2}, {}, 5], [{"a": 2}, {"a": 1}, {"a": 1}], id="array"),
        pytest.param([], [], id="empty-array"),
        pytest.param(lambda: [{"a": 2}, {"a": 3}], [{"a": 2}, {"a": 3}], id="function"),
    ],
)
def test_one_fork_per_initializer(initializers, expected):
    tape = Tape(Fork, target("log"), initializers, variables={"a": 1})
    tape.play(Data(b"x")).expect(Data(b"x"))
    assert [child.variables for child in tape.children("log")] == expected
    assert [child.fed for child in tape.children("log")] == [[Data(b"x")]] * len(expected)
    assert [child.shares_context for child in tape.children("log")] == [initializers is None] * len(expected)
    assert tape.variables == {"a": 1}


def test_contexts_are_copied_at_the_first_event():
    tape = Tape(Fork, target("log"), {"b": 1}, variables={"a": 1})
    tape.variables["a"] = 2
    tape.play(Data(b"x")).expect(Data(b"x"))
    tape.variables["a"] = 3
    tape.play(Data(b"y")).expect(Data(b"y"))
    assert tape.child("log").variables == {"a": 2, "b": 1}


def test_an_invalid_list_is_logged_and_nothing_is_forked():
    tape = Tape(Fork, target("log"), lambda: 5)
    with logged() as lines:
        tape.play(Data(b"x")).expect(Data(b"x"))
        tape.play(Data(b"y")).expect(Data(b"y"))
    assert lines == ["[ERR] [fork] invalid initializer list"]
    assert not tape.children()


def test_an_exception_in_the_fork_stays_there():
    tape = Tape(Fork, target("log", [(HandleData, throws())]))
    tape.play(Data(b"x")).fails(ScriptError).expect(Data(b"x"))
    tape.play(Data(b"y"), EOS).expect(Data(b"y"), EOS)


def test_an_exception_in_the_initializer_ends_the_stream():
    Tape(Fork, target("log"), throws()).play(Data(b"x")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(events=streams())
def test_keeps_the_filter_contract(events):
    assert check_filter((Fork, target("log", []), [{}, {}]), events) == events


@pytest.mark.parametrize(("args", "message"), [([], "requires 1"), (["a", "b"], "a function or an array or an object")])
def test_wrong_arguments(args, message):
    with pytest.raises(ArgumentError, match=message):
        bind(declared(fork, "fork").forms, args)
