"""``accessLog``: a line for each request that is answered."""

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, ArgumentError, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, declared, logged, target
from pipy_plugins import access_log
from pipy_plugins.access_log import AccessLog
from tests.strategies import streams

FORM = "$method $uri $status $bytes $duration $upstream $user_agent"
REQUEST = MessageStart(Head({"method": "PUT", "path": "/a?token=x", "headers": {"user-agent": "curl"}}))
ANSWER = MessageStart(Head({"status": 201}))


def logged_by(story, form=FORM):
    """What is logged while *story(tape)* plays."""
    with logged() as entries:
        tape = Tape((AccessLog, target("inner"), form))
        story(tape)
        if not tape.forgotten:
            tape.close().expect()
    return [entry.removeprefix("[ERR] [access] ") for entry in entries]


def exchange(tape, request, *answer):
    tape.play(request, END).expect()
    tape.child("inner").expect(request, END)
    tape.child("inner").reply(*answer).expect(*answer)


def test_a_request_that_is_answered():
    def story(tape):
        tape.play(REQUEST, Data(b"body"), END).expect()
        tape.child("inner").expect(REQUEST, Data(b"body"), END)
        assert tape.child("inner").shares_context
        tape.advance(1.5).expect()
        answer = [ANSWER, Data(b"abc"), Data(b"de"), END]
        tape.child("inner").reply(*answer).expect(*answer)

    assert logged_by(story) == ["PUT /a?token=*** 201 5 1.5 - curl"]


def test_the_head_is_that_which_has_come():
    def story(tape):
        head = Head({"method": "GET", "path": "/before", "headers": {"user-agent": "before"}})
        tape.play(MessageStart(head), END).expect()
        head.fields["path"] = "/after"
        head.fields["headers"]["user-agent"] = "after"
        tape.child("inner").reply(ANSWER, END).expect(ANSWER, END)

    assert logged_by(story, "$path $user_agent") == ["/before before"]


def test_several_requests():
    def story(tape):
        for number in range(3):
            exchange(tape, MessageStart(Head({"path": f"/{number}"})), ANSWER, Data(b"x" * number), END)

    assert logged_by(story, "$path $bytes") == ["/0 0", "/1 1", "/2 2"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ([StreamEnd(Failure.CONNECTION_REFUSED)], 502),
        ([ANSWER, StreamEnd(Failure.CONNECTION_RESET)], 201),
        ([EOS], 502),
        ([MessageStart(), END], 200),
        ([MessageStart(Head({"status": "nonsense"})), END], 200),
        ([MessageStart(Head({"status": "404"})), END], 404),
    ],
)
def test_what_the_answer_was(answer, status):
    assert logged_by(lambda tape: exchange(tape, REQUEST, *answer), "$status") == [str(status)]


def test_a_client_that_goes():
    def story(tape):
        tape.play(REQUEST).expect()
        tape.close().expect()
        assert tape.child("inner").closed

    assert logged_by(story, "$status") == ["499"]


def test_what_is_no_request_is_not_logged():
    def story(tape):
        tape.play(Data(b"x"), EOS).expect()
        tape.child("inner").expect(Data(b"x"), EOS)
        tape.child("inner").reply(EOS).expect(EOS)

    assert logged_by(story) == []


def test_who_has_connected():
    with logged() as entries:
        tape = Tape((AccessLog, target("inner"), "$client $client_port $upstream"), inbound=(1, "192.0.2.7", 99, "127.0.0.1", 80))
        tape.context.upstream = "server:1"
        exchange(tape, REQUEST, ANSWER, END)
    assert entries == ["[ERR] [access] 192.0.2.7 99 server:1"]


def test_a_wrong_format():
    with pytest.raises(ArgumentError, match="unknown field"):
        AccessLog.prepare(None, "$nope")


def test_declaration():
    (form,) = declared(access_log, "accessLog").forms
    assert [(param.name, param.default) for param in form][1] == ("format", "combined")


@given(streams())
def test_everything_passes(events):
    tape = Tape((AccessLog, target("inner", []), "$status"))
    tape.play(*events).expect(*events)
