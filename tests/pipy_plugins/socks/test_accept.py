"""acceptSOCKS: what clients are told, what the script is asked, and where their bytes go then."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import EOS, FLUSH, ArgumentError, Data, Failure, Function, MessageStart, ScriptError, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, merged, target, throws
from pipy_plugins.socks import accept
from pipy_plugins.socks.accept import AcceptSOCKS
from pipy_plugins.socks.wire import credentials_of, request_of

HELLO = Data(b"\x05\x01\x00")
LOGIN = Data(b"\x05\x02\x00\x02")
NO_AUTH = Data(b"\x05\x00")
REQUEST = Data(request_of("a.b", 80))
GRANTED = Data(b"\x05\x00\x00\x01" + bytes(6))
REQUEST4 = Data(b"\x04\x01\x00\x50\x0a\x01\x02\x03joe\0")
GRANTED4 = Data(b"\x00\x5a" + bytes(6))
REFUSED4 = Data(b"\x00\x5b" + bytes(6))


def tape(on_connect=lambda *_: True, authenticate=None):
    return Tape(AcceptSOCKS, target("out"), on_connect, {"authenticate": authenticate})


def test_a_story_of_version_5():
    asked = []
    story = tape(lambda *args: asked.append(args) or True)
    story.play(HELLO).expect(NO_AUTH)
    story.play(REQUEST).expect(GRANTED)
    assert asked == [("a.b", 80)]
    child = story.child("out")
    assert child.shares_context
    child.expect(FLUSH)
    story.play(Data(b"hi"), FLUSH).expect()
    child.expect(Data(b"hi"), FLUSH)
    child.reply(Data(b"ho")).expect(Data(b"ho"))
    story.play(EOS).expect()
    child.expect(EOS)
    child.reply(StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))
    story.close().expect()
    assert child.closed


def test_a_story_of_version_4():
    asked = []
    story = tape(lambda *args: asked.append(args) or True)
    story.play(Data(REQUEST4.payload + b"early")).expect(GRANTED4)
    assert asked == [("10.1.2.3", 80, "joe")]
    story.child("out").expect(Data(b"early"))


def test_everything_at_once():
    story = tape()
    story.play(Data(HELLO.payload + REQUEST.payload + b"early")).expect(NO_AUTH, GRANTED)
    story.child("out").expect(Data(b"early"))


def test_what_is_no_data_is_not_looked_at():
    tape().play(MessageStart(), FLUSH, HELLO).expect(NO_AUTH)


@pytest.mark.parametrize("answer", [False, None, 0, ""])
def test_the_script_refuses(answer):
    story = tape(lambda *_: answer)
    story.play(HELLO, REQUEST, Data(b"late"), EOS).expect(NO_AUTH, Data(b"\x05\x02\x00\x01" + bytes(6)), EOS)
    assert not story.children()
    tape(lambda *_: answer).play(REQUEST4, EOS).expect(REFUSED4, EOS)


def test_an_exception_refuses_and_is_reported():
    story = tape(throws())
    story.play(HELLO, REQUEST).fails(ScriptError).expect(NO_AUTH, Data(b"\x05\x02\x00\x01" + bytes(6)), EOS)
    story.play(Data(b"late"), EOS).expect()


def test_something_else_is_no_socks():
    tape().play(Data(b"GET / HTTP/1.1\r\n"), Data(b"\x05")).expect(EOS)


def test_half_a_request_and_the_end():
    tape().play(HELLO, Data(b"\x05\x01"), StreamEnd(Failure.READ_ERROR), EOS).expect(NO_AUTH, StreamEnd(Failure.READ_ERROR))


class TestAuthentication:
    def test_a_story(self):
        asked = []
        story = tape(lambda *args: asked.append(args) or True, lambda user, password: (user, password) == ("joe", "secret"))
        story.play(LOGIN).expect(Data(b"\x05\x02"))
        story.play(Data(credentials_of("joe", "secret"))).expect(Data(b"\x01\x00"))
        story.play(REQUEST).expect(GRANTED)
        assert asked == [("a.b", 80, "joe")]

    def test_the_wrong_password(self):
        story = tape(authenticate=lambda *_: False)
        story.play(LOGIN, Data(credentials_of("joe", "guess") + REQUEST.payload), REQUEST).expect(
            Data(b"\x05\x02"), Data(b"\x01\x01"), EOS
        )
        assert not story.children()

    def test_an_exception(self):
        tape(authenticate=throws()).play(LOGIN, Data(credentials_of("joe", "x"))).fails(ScriptError).expect(
            Data(b"\x05\x02"), Data(b"\x01\x01"), EOS
        )

    def test_no_way_around(self):
        never = throws("Error", "asked")
        tape(never, lambda *_: True).play(HELLO, REQUEST).expect(Data(b"\x05\xff"), EOS)
        tape(never, lambda *_: True).play(REQUEST4).expect(REFUSED4, EOS)
        tape(never, lambda *_: True).play(LOGIN, REQUEST).expect(Data(b"\x05\x02"), Data(b"\x01\x01"), EOS)


class TestDraining:
    def test_a_client_that_has_said_nothing(self):
        tape().drain().expect(EOS)

    def test_a_client_that_has_begun(self):
        story = tape()
        story.play(Data(b"\x05")).expect()
        story.drain().expect()
        story.play(Data(b"\x01\x00"), REQUEST).expect(NO_AUTH, GRANTED)
        story.drain().expect()
        assert story.child("out").drained


def test_a_target_that_answers_at_once():
    story = Tape(AcceptSOCKS, target("echo", []), lambda *_: True, {"authenticate": None})
    story.play(Data(HELLO.payload + REQUEST.payload + b"early"), Data(b"late")).expect(
        NO_AUTH, GRANTED, Data(b"early"), Data(b"late")
    )


SAID = st.sampled_from([
    HELLO.payload + REQUEST.payload + b"data",
    REQUEST4.payload + b"data",
    b"\x04\x01\x00\x50\x00\x00\x00\x01\x00a.b\x00data",
    HELLO.payload + b"\x05\x02\x00\x01",
    b"\x05\x00",
])  # fmt: skip


@given(data=SAID | st.binary(max_size=64) | st.binary(max_size=32).map(lambda tail: HELLO.payload + b"\x05\x01\x00" + tail))
def test_keeps_the_filter_contract(data):
    stage = (AcceptSOCKS, target("echo", []), lambda *_: True, {"authenticate": None})
    check_filter(stage, [Data(data), EOS])


@given(SAID, st.lists(st.integers(0, 60), max_size=6).map(sorted))
def test_any_pieces(data, cuts):
    bounds = [0, *(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [Data(data[start:end]) for start, end in pairwise(bounds)]
    stage = (AcceptSOCKS, target("echo", []), lambda *_: True, {"authenticate": None})
    assert merged(Tape([stage]).play(*pieces).events) == merged(Tape([stage]).play(Data(data)).events)


def test_forms_of_a_call():
    forms = declared(accept, "acceptSOCKS").forms
    assert str(bind(forms, ["out", Function(1)])) == "['out', Function(1), {'authenticate': None}]"
    for args in (["out"], ["out", "x"], [Function(1), "out"]):
        with pytest.raises(ArgumentError):
            bind(forms, args)
