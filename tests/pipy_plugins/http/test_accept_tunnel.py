"""acceptHTTPTunnel: which answers open a tunnel, and what goes through it."""

import pytest

from pipy_core.api import (
    END,
    EOS,
    FLUSH,
    ArgumentError,
    Data,
    Failure,
    Function,
    Head,
    Message,
    MessageStart,
    ScriptError,
    StreamEnd,
)
from pipy_core.kit.body import LIMIT
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, target, throws
from pipy_plugins.http import accept_tunnel
from pipy_plugins.http.accept_tunnel import AcceptHTTPTunnel
from pipy_plugins.http.demux import DemuxHTTP

CONNECT = MessageStart(Head({"method": "CONNECT", "path": "a.b:80", "headers": {}}))
GET = MessageStart(Head({"method": "GET", "path": "/", "headers": {}}))
WIRE = b"CONNECT a.b:80 HTTP/1.1\r\nHost: a.b:80\r\n\r\n"


def answer(status=200, body=None):
    return Message(Head({"status": status}), body)


def tape(handler):
    return Tape(AcceptHTTPTunnel, target("tunnel"), handler)


def test_a_story():
    asked = []
    story = tape(lambda request: asked.append(request) or answer(200))
    story.play(CONNECT, END).expect(MessageStart(Head({"status": 200})), END)
    assert [(request.head.fields["path"], request.body) for request in asked] == [("a.b:80", Data())]
    tunnel = story.child("tunnel")
    assert not tunnel.shares_context
    tunnel.expect(FLUSH)
    story.play(Data(b"hi"), EOS).expect()
    tunnel.expect(Data(b"hi"), EOS)
    assert story.pipeline.busy()
    tunnel.reply(Data(b"ho"), EOS).expect(Data(b"ho"), EOS)
    story.drain().expect()
    assert tunnel.drained
    story.close().expect()
    assert tunnel.closed


@pytest.mark.parametrize(("start", "status", "opens"), [
    (CONNECT, 200, True),
    (CONNECT, 299, True),
    (CONNECT, "200", True),
    (CONNECT, None, True),
    (CONNECT, 199, False),
    (CONNECT, 300, False),
    (CONNECT, 407, False),
    (GET, 200, False),
    (GET, 101, True),
    (MessageStart(), 200, False),
])  # fmt: skip
def test_which_answers_open_a_tunnel(start, status, opens):
    story = tape(lambda _request: answer(status))
    story.play(start, END, Data(b"behind")).expect(MessageStart(Head({"status": status})), END)
    assert [tunnel.fed for tunnel in story.children()] == ([[FLUSH, Data(b"behind")]] if opens else [])


def test_several_requests_and_their_bodies():
    bodies = []
    story = tape(lambda request: bodies.append(request.body.payload) or answer(404, Data(b"no")))
    no = [MessageStart(Head({"status": 404})), Data(b"no"), END]
    story.play(Data(b"between"), GET, Data(b"a"), Data(b"b"), END, CONNECT, END, EOS).expect(*no, *no, EOS)
    assert bodies == [b"ab", b""]
    story.play(GET, END).expect()


def test_what_is_no_message_is_no_answer():
    results = [5, answer(404)]
    story = tape(lambda _request: results.pop(0))
    with logged() as lines:
        story.play(CONNECT, END, Data(b"late")).expect()
    assert lines == ["[ERR] [acceptHTTPTunnel] handler did not return a valid message"]
    story.play(CONNECT, END, EOS).expect(MessageStart(Head({"status": 404})), END, EOS)


def test_an_exception_ends_the_stream():
    tape(throws()).play(CONNECT, END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_a_status_that_is_none_ends_the_stream():
    tape(lambda _request: answer("many")).play(CONNECT, END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_a_body_that_is_too_large():
    story = tape(lambda _request: answer())
    story.play(GET, *[Data(bytes(LIMIT // 2))] * 3, END, EOS).expect(StreamEnd(Failure.BUFFER_OVERFLOW))


class TestBehindDemuxHTTP:
    def tape(self, status):
        tunnel = (AcceptHTTPTunnel, target("tunnel"), lambda _request: answer(status))
        return Tape(DemuxHTTP, target("request", [tunnel]), {"bufferSize": 4096})

    def test_what_comes_early_goes_through_the_tunnel(self):
        story = self.tape(200)
        story.play(Data(WIRE + b"early")).expect(
            MessageStart(Head({"status": 200})), Data(b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n"), END
        )
        tunnel = story.child("tunnel")
        tunnel.expect(FLUSH, Data(b"early"))
        story.play(Data(b"late")).expect()
        tunnel.expect(Data(b"late"))
        tunnel.reply(Data(b"raw"), EOS).expect(Data(b"raw"), EOS)

    def test_behind_a_refusal_comes_the_next_request(self):
        story = self.tape(403)
        refusal = [
            MessageStart(Head({"status": 403})),
            Data(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"),
            END,
        ]
        story.play(Data(WIRE + WIRE)).expect(*refusal, *refusal)
        assert not story.children("tunnel")


def test_keeps_the_filter_contract():
    stage = (AcceptHTTPTunnel, target("tunnel", []), lambda _request: answer())
    check_filter(stage, [GET, Data(b"body"), END, CONNECT, END, Data(b"raw"), EOS])
    check_filter(stage, [GET, Data(b"body"), EOS])


def test_forms_of_a_call():
    forms = declared(accept_tunnel, "acceptHTTPTunnel").forms
    assert str(bind(forms, ["t", Function(1)])) == "['t', Function(1)]"
    with pytest.raises(ArgumentError, match="expects a function"):
        bind(forms, ["t", "x"])
