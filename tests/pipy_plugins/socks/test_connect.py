"""connectSOCKS: what the proxy is told, what has to wait meanwhile, and what becomes of a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Failure, MessageStart, ScriptError, StreamEnd
from pipy_core.context import UNDEFINED, ScriptDict
from pipy_core.kit.gate import ANSWER_LIMIT, HIGH_WATER
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, merged, target, throws
from pipy_plugins.socks import connect
from pipy_plugins.socks.accept import AcceptSOCKS
from pipy_plugins.socks.connect import ConnectSOCKS
from pipy_plugins.socks.wire import credentials_of, reply, request_of

PLAIN = {"username": "", "password": ""}
HELLO = Data(b"\x05\x01\x00")
NO_AUTH = Data(b"\x05\x00")
ASKED = Data(request_of("a.b", 80))
GRANTED = Data(reply(0))
GO = Data(b"go")


def tape(address="a.b:80", **settings):
    return Tape(ConnectSOCKS, target("proxy"), address, {**PLAIN, **settings})


def test_a_story():
    story = tape()
    story.play(MessageStart(), Data(b"hel"), END).expect()
    proxy = story.child("proxy")
    assert proxy.shares_context
    proxy.expect(HELLO)
    proxy.reply(Data(b"\x05")).expect()
    proxy.expect()
    proxy.reply(Data(b"\x00")).expect()
    proxy.expect(ASKED)
    story.play(Data(b"lo"), FLUSH).expect()
    proxy.expect()
    proxy.reply(Data(GRANTED.payload + b"wor")).expect(Data(b"wor"))
    proxy.expect(Data(b"hel"), Data(b"lo"), FLUSH)
    story.play(MessageStart(), Data(b"!"), END, EOS).expect()
    proxy.expect(Data(b"!"), EOS)
    proxy.reply(MessageStart(), Data(b"ld"), END, EOS).expect(Data(b"ld"), EOS)
    story.close().expect()
    assert proxy.closed


def test_user_and_password():
    story = tape(username="joe", password=lambda: "secret")
    story.play(GO).expect()
    proxy = story.child("proxy")
    proxy.expect(Data(b"\x05\x02\x00\x02"))
    proxy.reply(Data(b"\x05\x02")).expect()
    proxy.expect(Data(credentials_of("joe", "secret")))
    proxy.reply(Data(b"\x01\x00")).expect()
    proxy.expect(ASKED)
    proxy.reply(GRANTED).expect()
    proxy.expect(GO)


def test_a_proxy_that_does_not_ask_is_not_told():
    story = tape(username="joe", password="secret")
    story.play(GO).expect()
    story.child("proxy").reply(NO_AUTH).expect()
    story.child("proxy").expect(Data(b"\x05\x02\x00\x02"), ASKED)


def test_the_address_may_come_from_the_script():
    story = tape(lambda: story.variables["where"])
    story.variables["where"] = "[::1]:80"
    story.play(GO).expect()
    story.child("proxy").reply(NO_AUTH).expect()
    story.child("proxy").expect(HELLO, Data(request_of("::1", 80)))


@pytest.mark.parametrize(("answers", "settings", "failure", "words"), [
    pytest.param([b"\x05\xff"], {}, Failure.UNAUTHORIZED, "the proxy wants another authentication", id="no-method"),
    pytest.param([b"\x05\x02"], {}, Failure.UNAUTHORIZED, "the proxy wants another authentication", id="wants-a-password"),
    pytest.param([b"\x05\x02", b"\x01\x07"], {"username": "u"}, Failure.UNAUTHORIZED, "the proxy refuses user and password", id="wrong"),
    pytest.param([b"HTTP/1.1"], {}, Failure.READ_ERROR, "the proxy does not speak SOCKS 5", id="no-socks"),
    pytest.param([NO_AUTH.payload, b"\x04"], {}, Failure.READ_ERROR, "the proxy does not speak SOCKS 5", id="no-socks-later"),
    pytest.param([NO_AUTH.payload, b"\x05\x00\x00\x02"], {}, Failure.READ_ERROR, "the proxy does not speak SOCKS 5", id="no-address"),
    pytest.param([NO_AUTH.payload, reply(5)], {}, Failure.CONNECTION_REFUSED, "connection refused", id="refused"),
    pytest.param([NO_AUTH.payload, reply(4)], {}, Failure.CONNECTION_REFUSED, "host unreachable", id="unreachable"),
])  # fmt: skip
def test_refusals(answers, settings, failure, words):
    story = tape(**settings)
    story.play(GO, EOS).expect()
    proxy = story.child("proxy")
    for answer in answers[:-1]:
        proxy.reply(Data(answer)).expect()
    with logged() as lines:
        proxy.reply(Data(answers[-1]), Data(b"more")).expect(StreamEnd(failure))
    assert lines == [f"[WRN] [connectSOCKS] a.b:80: {words}"]
    assert proxy.closed
    assert GO not in proxy.fed
    story.play(Data(b"late"), EOS).expect()


@pytest.mark.parametrize(("end", "failure"), [
    (EOS, Failure.READ_ERROR),
    (StreamEnd(Failure.CONNECTION_TIMEOUT), Failure.CONNECTION_TIMEOUT),
])  # fmt: skip
def test_a_proxy_that_goes_away(end, failure):
    story = tape()
    story.play(GO).expect()
    story.child("proxy").reply(NO_AUTH, end).expect(StreamEnd(failure))
    assert story.child("proxy").closed


def test_a_proxy_that_says_nothing():
    story = tape()
    story.play(GO).expect()
    story.advance(ANSWER_LIMIT - 1).expect()
    with logged() as lines:
        story.advance(1).expect(StreamEnd(Failure.CONNECTION_TIMEOUT))
    assert lines == ["[WRN] [connectSOCKS] a.b:80: no answer from the proxy"]
    assert story.child("proxy").closed


def test_once_it_has_agreed_there_is_time():
    story = tape()
    story.play(GO).expect()
    story.child("proxy").reply(NO_AUTH, GRANTED).expect()
    story.advance(ANSWER_LIMIT * 2).expect()


@pytest.mark.parametrize("address", ["a.b", "", 80, UNDEFINED, "a" * 256 + ":80", "a.b:0"])
def test_an_invalid_address(address):
    story = tape(lambda: address)
    with logged() as lines:
        story.play(GO, Data(b"more"), EOS).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert lines == [f"[ERR] [connectSOCKS] invalid target: {address}"]
    assert not story.children()


def test_an_exception_in_the_script():
    tape(throws()).play(GO, EOS).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_credentials_that_cannot_be_said():
    with pytest.raises(ArgumentError, match=r"options\.username and options\.password: a user has 1 to 255 bytes"):
        ConnectSOCKS.prepare(None, "a:1", {"username": "", "password": "p"})
    with logged() as lines:
        tape(username=lambda: "u" * 300).play(GO).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert lines == ["[ERR] [connectSOCKS] invalid user or password: a user has 1 to 255 bytes, a password 255 at most"]


def test_draining_is_for_the_proxy():
    story = tape()
    story.drain().expect()
    assert not story.pipeline.busy()
    story.play(GO).expect()
    assert story.pipeline.busy()
    story.drain().expect()
    assert story.child("proxy").drained


def test_a_stream_that_only_ends():
    story = tape()
    story.play(EOS).expect(EOS)
    story.play(EOS).expect()
    assert not story.children()


def test_who_sends_too_early_has_to_wait():
    story = tape()
    story.play(Data(bytes(HIGH_WATER // 2))).expect()
    assert not story.held
    story.play(Data(bytes(HIGH_WATER))).expect()
    assert story.held
    valve = story.world.valves[0]
    story.child("proxy").reply(NO_AUTH, GRANTED).expect()
    assert not valve.closed


def test_there_is_an_end_to_what_is_kept():
    story = tape()
    story.play(*[Data(bytes(1 << 20))] * 17).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert story.child("proxy").closed
    assert all(not valve.closed for valve in story.world.valves)


def test_closing_lets_go_of_the_reader():
    story = tape()
    story.play(Data(bytes(HIGH_WATER * 2))).expect()
    valve = story.world.valves[0]
    story.close().expect()
    assert not valve.closed


CHAIN = (
    ConnectSOCKS,
    target("proxy", [(AcceptSOCKS, target("echo", []), lambda *_: True, {"authenticate": None})]),
    "a.b:80",
    PLAIN,
)


@given(st.lists(st.binary(max_size=8).map(Data), max_size=5))
def test_what_goes_through_a_proxy_of_our_own(events):
    assert merged(check_filter(CHAIN, [*events, EOS])) == merged([*events, EOS])


@given(st.lists(st.binary(max_size=24), max_size=5))
def test_whatever_a_proxy_says(answers):
    story = tape(username="u")
    story.play(GO).expect()
    proxy = story.child("proxy")
    ends = [event for answer in answers for event in proxy.reply(Data(answer)).events if isinstance(event, StreamEnd)]
    assert len(ends) <= 1


def test_forms_of_a_call():
    forms = declared(connect, "connectSOCKS").forms
    assert bind(forms, ["p", "a:1"]) == ["p", "a:1", PLAIN]
    options = ScriptDict({"username": "u"})
    options.number = 1
    assert bind(forms, ["p", "a:1", options]) == ["p", "a:1", {"username": "u", "password": ""}]
