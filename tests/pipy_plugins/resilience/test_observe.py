"""observeHealth: what is told of answers, and that they pass."""

import pytest

from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter, logged, target
from pipy_plugins.resilience.health import Health
from pipy_plugins.resilience.observe import ObserveHealth

REQUEST = MessageStart(Head({"method": "GET"}))
OK = MessageStart(Head({"status": 200}))
ERROR = MessageStart(Head({"status": 500}))


class Observed:
    def __init__(self, timeout=0.0, **settings):
        self.health = Health(["a", "b"], {"failures": 1, "maxEjected": 100, "panic": 0, **settings})
        self.tape = Tape(ObserveHealth, target("t"), self.health, lambda: "a", {"timeout": timeout})

    @property
    def out(self):
        return self.health.out()


@pytest.mark.parametrize(
    ("answer", "out"),
    [
        ([OK, END], []),
        ([ERROR, END], ["a"]),
        ([MessageStart(Head({"status": 502})), StreamEnd(Failure.CONNECTION_RESET)], ["a"]),
        ([StreamEnd(Failure.RUNTIME_ERROR)], []),
    ],
)
def test_answers_pass_and_are_told(answer, out):
    observed = Observed()
    observed.tape.play(REQUEST, Data(b"x"), END).expect()
    observed.tape.child("t").expect(REQUEST, Data(b"x"), END)
    with logged():
        observed.tape.child("t").reply(*answer).expect(*answer)
    assert observed.out == out


def test_bytes_without_messages():
    observed = Observed()
    observed.tape.play(Data(b"x")).expect()
    with logged():
        observed.tape.child("t").reply(StreamEnd(Failure.CONNECTION_REFUSED)).expect(StreamEnd(Failure.CONNECTION_REFUSED))
    assert observed.out == ["a"]


def test_a_good_answer_is_told_where_there_were_bad_ones():
    observed = Observed(failures=2)
    for answer in ([ERROR, END], [OK, END], [ERROR, END]):
        tape = observed.tape.again()
        tape.play(REQUEST, END).expect()
        tape.children("t")[-1].reply(*answer).anything()
    assert observed.out == []


def test_an_answer_that_takes_too_long():
    observed = Observed(timeout=2.0)
    observed.tape.play(REQUEST).expect()
    observed.tape.advance(60).expect()
    observed.tape.play(END).expect()
    with logged():
        start, end = observed.tape.advance(2).events
    assert (start.head.fields["status"], end) == (504, END)
    assert observed.tape.child("t").closed
    assert observed.out == ["a"]
    observed.tape.play(EOS).expect()


def test_bytes_that_are_not_answered_in_time():
    observed = Observed(timeout=2.0)
    observed.tape.play(Data(b"x")).expect()
    with logged():
        observed.tape.advance(2).expect(StreamEnd(Failure.READ_TIMEOUT))
    assert observed.out == ["a"]


def test_an_answer_that_has_begun_in_time_may_take_any():
    observed = Observed(timeout=2.0)
    observed.tape.play(REQUEST, END).expect()
    observed.tape.child("t").reply(OK).expect(OK)
    observed.tape.advance(60).expect()
    observed.tape.child("t").reply(END).expect(END)
    assert observed.out == []


def test_a_client_that_leaves_says_nothing():
    observed = Observed()
    observed.tape.play(REQUEST, END).expect()
    observed.tape.close().expect()
    assert observed.out == []
    assert observed.tape.child("t").closed


def test_the_health_may_be_chosen_for_each_stream():
    chosen = [Health(["a"], {"failures": 1, "panic": 0}), None, "something else"]
    tape = Tape(ObserveHealth, target("t"), lambda: chosen.pop(0), "a", {"timeout": 0.0})
    health = chosen[0]
    for _ in range(2):
        stream = tape.again()
        stream.play(REQUEST, END).expect()
        with logged() as lines:
            stream.children("t")[-1].reply(ERROR, END).expect(ERROR, END)
    assert lines == []
    assert health.out() == ["a"]
    tape.again().play(REQUEST).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_keeps_the_contract():
    check_filter((ObserveHealth, target("t", []), Health(["a"], {}), "a", {"timeout": 0.0}), [REQUEST, Data(b"ab"), END, EOS])
