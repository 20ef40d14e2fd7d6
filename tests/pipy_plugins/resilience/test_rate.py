"""limitRate: who is refused, and how."""

import pytest

from pipy_core.context import UNDEFINED
from pipy_core.errors import ArgumentError
from pipy_core.events import END, EOS, FLUSH, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter, target
from pipy_plugins.resilience.figures import LIMITED
from pipy_plugins.resilience.rate import LimitRate

REQUEST = MessageStart(Head({"method": "GET"}))
SETTINGS = {"rate": 1, "per": 1.0, "burst": None, "name": ""}


def tape_of(key="k", **given):
    return Tape(LimitRate, target("t"), key, {**SETTINGS, **given})


def test_a_request_too_many():
    tape = tape_of(rate=2, per=60.0, name="rate-1")
    for stream in (tape, tape.again()):
        stream.play(REQUEST, Data(b"x"), END).expect()
        stream.children("t")[-1].expect(REQUEST, Data(b"x"), END)
    start, end = tape.again().play(REQUEST, Data(b"x"), END).events
    assert (start.head.fields, end) == ({"status": 429, "headers": {"retry-after": "30"}}, END)
    assert len(tape.children("t")) == 2
    assert tape.world.book.counter(LIMITED).values == {("rate-1",): 1}
    tape.advance(30).expect()
    tape.again().play(REQUEST, END).expect()


def test_what_is_answered_passes():
    tape = tape_of()
    tape.play(REQUEST, END).expect()
    answer = MessageStart(Head({"status": 200}))
    tape.child("t").reply(answer, Data(b"x"), END).expect(answer, Data(b"x"), END)


def test_a_connection_too_many():
    tape = tape_of()
    tape.play(FLUSH, Data(b"x"), Data(b"y")).expect()
    tape.child("t").expect(Data(b"x"), Data(b"y"))
    refused = tape.again()
    refused.play(Data(b"x")).expect(StreamEnd(Failure.CONNECTION_CANCELED))
    refused.play(Data(b"y"), EOS).expect()


def test_keys_have_a_share_each():
    keys = iter(["a", "b", "a"])
    tape = tape_of(lambda: next(keys))
    assert [len(tape.again().play(REQUEST, END).events) for _ in range(3)] == [0, 0, 2]


@pytest.mark.parametrize("key", [None, UNDEFINED])
def test_who_has_no_key_is_not_limited(key):
    tape = tape_of(lambda: key)
    for _ in range(10):
        tape.again().play(REQUEST, END).expect()


def test_a_burst():
    tape = tape_of(burst=3)
    assert [len(tape.again().play(REQUEST, END).events) for _ in range(4)] == [0, 0, 0, 2]


def test_a_connection_that_only_ends_costs_nothing():
    tape = tape_of()
    tape.play(EOS).expect(EOS)
    tape.again().play(REQUEST).expect()


@pytest.mark.parametrize("given", [{"rate": None}, {"rate": 0}, {"per": 0.0}])
def test_wrong_options(given):
    with pytest.raises(ArgumentError, match=r"options\.rate and options\.per"):
        tape_of(**given)


def test_keeps_the_contract():
    check_filter((LimitRate, target("t", []), lambda: None, SETTINGS), [REQUEST, Data(b"ab"), END, EOS])
