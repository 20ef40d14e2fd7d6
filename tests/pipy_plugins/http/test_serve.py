"""serveHTTP: stories of one connection."""

from typing import Any

import pytest

from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, Data, Event, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.limits import DEFAULTS
from pipy_core.testing import Tape, check_filter, logged, throws
from pipy_plugins.http.serve import ServeHTTP

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HELLO = Message(Head({"headers": {"x": "y"}}), Data(b"hi"))
ANSWER = b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi"


def wire(events: list[Event]) -> bytes:
    """The bytes among *events*, and ``|end`` for the end."""
    return b"".join(event.payload if isinstance(event, Data) else b"|end" * isinstance(event, StreamEnd) for event in events)


def echo(request: Message) -> Message:
    """A handler that tells what it got."""
    assert request.head is not None
    assert request.body is not None
    return Message(Head({}), Data(f"{request.head.get('method')} {request.head.get('path')} ".encode() + request.body.payload))


def bodies(tape: Tape, data: bytes) -> list[bytes]:
    """The bodies of the answers to *data*."""
    events = tape.play(Data(data)).events
    return [event.payload.partition(b"\r\n\r\n")[2] for event in events if isinstance(event, Data)]


def test_constant_answer() -> None:
    """Head and body in one piece, between the marks of a message."""
    tape = Tape(ServeHTTP, HELLO)
    tape.play(Data(GET)).expect(MessageStart(HELLO.head), Data(ANSWER), END)
    tape.play(Data(GET + GET)).expect(*[MessageStart(HELLO.head), Data(ANSWER), END] * 2)
    tape.play(Data()).expect()


def test_constant_answer_in_all_forms() -> None:
    """HEAD, HTTP/1.0, the end of the connection; a body is read past."""
    tape = Tape(ServeHTTP, HELLO)
    assert wire(tape.play(Data(GET.replace(b"GET", b"HEAD"))).events) == ANSWER[:-2]
    assert wire(tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + GET)).events) == ANSWER * 2
    assert wire(tape.play(Data(b"GET / HTTP/1.0\r\n\r\n" + GET)).events) == ANSWER.replace(b"keep-alive", b"close") + b"|end"
    tape.play(Data(GET), EOS).expect()


def test_a_changed_constant_is_encoded_anew() -> None:
    """The encoded form is kept only as long as the head has the same fields."""
    message = Message(Head({}), Data(b"hi"))
    tape = Tape(ServeHTTP, message)
    assert b"200 OK" in wire(tape.play(Data(GET)).events)
    assert message.head is not None
    message.head.replace({"status": 404})
    assert b"404 Not Found" in wire(tape.play(Data(GET)).events)


def test_function() -> None:
    """It gets whole requests, one after another."""
    tape = Tape(ServeHTTP, echo)
    assert bodies(tape, GET + b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab") == [b"GET / "]
    assert bodies(tape, b"c") == []
    assert bodies(tape, b"d" + GET) == [b"POST /2 abcd", b"GET / "]


def test_large_answers_are_chunked_but_for_old_clients() -> None:
    """RFC 9112, 6.1."""
    tape = Tape(ServeHTTP, lambda _request: Message(Head({}), Data(b"x" * 4097)))
    assert b"transfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n1001\r\nx" in wire(tape.play(Data(GET)).events)
    old = wire(tape.play(Data(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")).events)
    assert old == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 4097 + b"|end"


def test_continue_is_sent_before_the_body_is_needed() -> None:
    """RFC 9110, 10.1.1; not to HTTP/1.0."""
    tape = Tape(ServeHTTP, echo)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n"
    tape.play(Data(head)).expect(Data(b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert bodies(tape, b"x") == [b"POST / x"]
    tape.play(Data(head.replace(b"1.1", b"1.0"))).expect()


def test_an_exception_is_answered_and_the_connection_goes_on() -> None:
    """500, in step."""
    tape = Tape(ServeHTTP, lambda request: throws()() if request.head.get("path") == "/" else echo(request))
    played = tape.play(Data(GET + GET.replace(b"/ ", b"/2 "))).fails(ScriptError)
    assert wire(played.events) == (
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: keep-alive\r\n\r\nGET /2 "
    )


@pytest.mark.parametrize("result", [None, "text", 5, Data(b"x")])
def test_no_message(result: Any) -> None:
    """It is logged; the client gets an empty answer."""
    tape = Tape(ServeHTTP, lambda _request: result)
    with logged() as lines:
        assert wire(tape.play(Data(GET)).events) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"
    assert lines == ["[ERR] [serveHTTP] handler did not return a valid message"]


def test_a_head_that_cannot_be_sent() -> None:
    """A script's fault like any other."""
    tape = Tape(ServeHTTP, lambda _request: Message(Head({"headers": {"x": "a\r\nb"}})))
    assert b" 500 " in wire(tape.play(Data(GET)).fails(ScriptError).events)


def test_malformed_requests_are_answered_in_order_and_end_the_connection() -> None:
    """Also in the middle of a body."""
    bad = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n|end"
    tape = Tape(ServeHTTP, HELLO)
    assert wire(tape.play(Data(GET + b"\0")).events) == ANSWER + bad
    tape.play(Data(GET)).expect()
    tape = Tape(ServeHTTP, echo)
    chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nax"
    assert wire(tape.play(Data(chunked)).events) == bad


def test_a_body_that_is_too_large() -> None:
    """413; nothing more is held."""
    tape = Tape(ServeHTTP, echo)
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")).expect()
    tape.play(Data(b"x" * DEFAULTS.max_body_buffer)).expect()
    assert wire(tape.play(Data(b"x")).events).startswith(b"HTTP/1.1 413 Payload Too Large\r\n")
    tape.play(Data(b"x")).expect()


def test_the_end_of_the_client() -> None:
    """The end is answered with the end; half a request with 400, unless nobody can hear it."""
    Tape(ServeHTTP, HELLO).play(EOS).expect(EOS)
    Tape(ServeHTTP, HELLO).play(Data(GET[:9]), EOS).expect(EOS)
    half = Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na")
    assert b" 400 " in wire(Tape(ServeHTTP, HELLO).play(half, EOS).events)
    Tape(ServeHTTP, HELLO).play(half, StreamEnd(Failure.READ_ERROR)).expect(EOS)


LAST = ANSWER.replace(b"keep-alive", b"close") + b"|end"


def test_draining_lets_a_client_go_that_asks_for_nothing() -> None:
    """Not at once: a request may be on its way."""
    for before in (0, 1):
        tape = Tape(ServeHTTP, HELLO)
        for _ in range(before):
            assert wire(tape.play(Data(GET)).events) == ANSWER
        tape.drain().expect()
        tape.drain().expect(EOS)
        tape.drain().expect()
        tape.play(Data(GET)).expect()


@pytest.mark.parametrize("handler", [HELLO, echo])
def test_draining_makes_the_next_answer_the_last_one(handler: Any) -> None:
    """Whatever of the request has come by then; behind it nothing is read."""
    post = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    for cut in (0, 9, len(post) - 1):
        tape = Tape(ServeHTTP, handler)
        tape.play(Data(post[:cut])).expect()
        for _ in range(3 if cut else 1):
            tape.drain().expect()
        out = wire(tape.play(Data(post[cut:])).events)
        assert out.count(b"HTTP/1.1 200") == out.count(b"connection: close\r\n") == 1
        assert out.endswith(b"|end")
        tape.play(Data(GET)).expect()


def test_draining_answers_all_that_has_been_read() -> None:
    """Of requests that come together the last one is the last one."""
    for tail in (b"", GET[:9]):
        tape = Tape(ServeHTTP, HELLO)
        tape.drain().expect()
        out = wire(tape.play(Data(GET * 3 + tail)).events)
        if tail:
            assert out == ANSWER * 3
            assert wire(tape.play(Data(GET[9:])).events) == LAST
        else:
            assert out == ANSWER * 2 + LAST


def test_other_protocols_are_not_spoken() -> None:
    """What follows such a request is a request."""
    tape = Tape(ServeHTTP, HELLO)
    upgrade = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    assert wire(tape.play(Data(upgrade + GET)).events) == ANSWER * 2


def test_keeps_the_filter_contract() -> None:
    """Grammar, one end, no shared state, chunking is meaningless."""
    check_filter((ServeHTTP, echo), [Data(GET), Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"), EOS])
    check_filter((ServeHTTP, HELLO), [Data(GET * 2 + b"\0")])
