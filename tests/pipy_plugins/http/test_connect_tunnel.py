"""connectHTTPTunnel: what the proxy is asked, what has to wait meanwhile, and what becomes of a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, Data, Failure, Head, Message, MessageStart, ScriptError, StreamEnd
from pipy_core.context import UNDEFINED
from pipy_core.kit.gate import ANSWER_LIMIT, HIGH_WATER
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, merged, target, throws
from pipy_plugins.http import connect_tunnel
from pipy_plugins.http.accept_tunnel import AcceptHTTPTunnel
from pipy_plugins.http.codecs import DecodeResponse, EncodeRequest
from pipy_plugins.http.connect_tunnel import ConnectHTTPTunnel
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.link import Link

ASKED = [MessageStart(Head({"method": "CONNECT", "path": "a.b:80", "authority": "a.b:80", "headers": {"host": "a.b:80"}})), END]
WIRE = b"CONNECT a.b:80 HTTP/1.1\r\nhost: a.b:80\r\nconnection: keep-alive\r\n\r\n"
GO = Data(b"go")
MUX = {"maxIdle": 10, "bufferSize": 4096, "version": 1}


def tape(address="a.b:80"):
    return Tape(ConnectHTTPTunnel, target("proxy"), address)


def answer(status):
    return MessageStart(Head({"status": status}))


def over_mux():
    """A tunnel over muxHTTP; the test plays the connection to the proxy."""
    return Tape(ConnectHTTPTunnel, target("proxy", [(MuxHTTP, target("wire"), "", MUX)]), "a.b:80")


def sent(child):
    return b"".join(event.payload for event in child.fed if isinstance(event, Data))


def test_a_story():
    story = tape()
    story.play(MessageStart(), Data(b"hel"), END).expect()
    proxy = story.child("proxy")
    assert not proxy.shares_context
    proxy.expect(*ASKED)
    story.play(Data(b"lo"), FLUSH).expect()
    proxy.expect()
    proxy.reply(answer(200)).expect()
    proxy.expect(Data(b"hel"), Data(b"lo"), FLUSH)
    proxy.reply(END, Data(b"wor")).expect(Data(b"wor"))
    story.play(MessageStart(), Data(b"!"), END, EOS).expect()
    proxy.expect(Data(b"!"), EOS)
    proxy.reply(Data(b"ld"), EOS).expect(Data(b"ld"), EOS)
    story.close().expect()
    assert proxy.closed


@pytest.mark.parametrize(("status", "failure"), [
    (101, Failure.CONNECTION_REFUSED),
    (302, Failure.CONNECTION_REFUSED),
    (401, Failure.UNAUTHORIZED),
    (403, Failure.UNAUTHORIZED),
    (407, Failure.UNAUTHORIZED),
    (502, Failure.CONNECTION_REFUSED),
    (504, Failure.CONNECTION_TIMEOUT),
])  # fmt: skip
def test_a_refusal_is_not_passed_on(status, failure):
    story = tape()
    story.play(GO, EOS).expect()
    proxy = story.child("proxy")
    with logged() as lines:
        proxy.reply(answer(status), Data(b"<html>"), END).expect(StreamEnd(failure))
    assert lines == [f"[WRN] [connectHTTPTunnel] a.b:80: the proxy answered {status}"]
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
    story.child("proxy").reply(end).expect(StreamEnd(failure))
    assert story.child("proxy").closed


def test_a_proxy_that_says_nothing():
    story = tape()
    story.play(GO).expect()
    story.advance(ANSWER_LIMIT - 1).expect()
    with logged() as lines:
        story.advance(1).expect(StreamEnd(Failure.CONNECTION_TIMEOUT))
    assert lines == ["[WRN] [connectHTTPTunnel] a.b:80: no answer from the proxy"]
    assert story.child("proxy").closed


def test_once_it_has_agreed_there_is_time():
    story = tape()
    story.play(GO).expect()
    story.child("proxy").reply(answer(200)).expect()
    story.advance(ANSWER_LIMIT * 2).expect()


@pytest.mark.parametrize("address", ["a.b", "", 80, UNDEFINED, "a.b:0"])
def test_an_invalid_address(address):
    story = tape(lambda: address)
    with logged() as lines:
        story.play(GO, Data(b"more"), EOS).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert lines == [f"[ERR] [connectHTTPTunnel] invalid target: {address}"]
    assert not story.children()


def test_an_exception_in_the_script():
    tape(throws()).play(GO, EOS).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


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
    assert not story.children()


def test_who_sends_too_early_has_to_wait():
    story = tape()
    story.play(Data(bytes(HIGH_WATER * 2))).expect()
    assert story.held
    valve = story.world.valves[0]
    story.child("proxy").reply(answer(200)).expect()
    assert not valve.closed


def test_there_is_an_end_to_what_is_kept():
    story = tape()
    story.play(*[Data(bytes(1 << 20))] * 17).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert story.child("proxy").closed


class TestOverMuxHTTP:
    def test_the_request_is_what_the_rfc_asks_for(self):
        story = over_mux()
        story.play(GO).expect()
        wire = story.child("wire")
        assert sent(wire) == WIRE
        wire.reply(Data(b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nraw")).expect(Data(b"raw"))
        assert sent(wire) == WIRE + b"go"
        story.play(Data(b"on"), EOS).expect()
        assert sent(wire) == WIRE + b"goon"
        wire.reply(Data(b"more"), EOS).expect(Data(b"more"), EOS)

    def test_a_refusal(self):
        story = over_mux()
        story.play(GO).expect()
        with logged():
            story.child("wire").reply(Data(b"HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nhtml")).expect(
                StreamEnd(Failure.UNAUTHORIZED)
            )
        assert story.child("wire").closed
        assert sent(story.child("wire")) == WIRE

    @pytest.mark.parametrize("failure", [Failure.CONNECTION_REFUSED, Failure.CANNOT_RESOLVE, Failure.CONNECTION_TIMEOUT])
    def test_a_proxy_that_cannot_be_reached(self, failure):
        story = over_mux()
        story.play(GO).expect()
        story.child("wire").reply(StreamEnd(failure)).expect(StreamEnd(failure))

    def test_every_tunnel_has_a_connection_of_its_own(self):
        one = over_mux()
        two = one.again()
        one.play(GO).expect()
        two.play(GO).expect()
        assert len(one.children("wire")) == 2


def test_over_the_codec_filters():
    proxy = [(EncodeRequest, {"bufferSize": 10}), (Link, target("wire")), (DecodeResponse, {"bodiless": False})]
    story = Tape(ConnectHTTPTunnel, target("proxy", proxy), "a.b:80")
    story.play(GO).expect()
    wire = story.child("wire")
    assert sent(wire) == WIRE
    wire.reply(Data(b"HTTP/1.1 200 OK\r\n\r\nraw")).expect(Data(b"raw"))
    assert sent(wire) == WIRE + b"go"
    wire.reply(EOS).expect(EOS)


PROXY = [(DemuxHTTP, target("request", [(AcceptHTTPTunnel, target("echo", []), lambda _: Message(None))]), {"bufferSize": 10})]
CHAIN = (ConnectHTTPTunnel, target("proxy", [(MuxHTTP, target("wire", PROXY), "", MUX)]), "a.b:80")


@given(st.lists(st.binary(max_size=8).map(Data), max_size=5))
def test_what_goes_through_a_proxy_of_our_own(events):
    assert merged(check_filter(CHAIN, [*events, EOS])) == merged([*events, EOS])


def test_forms_of_a_call():
    assert bind(declared(connect_tunnel, "connectHTTPTunnel").forms, ["p", "a:1"]) == ["p", "a:1"]
