"""serveHTTP over HTTP/2."""

from typing import Any

import pytest
from h2.errors import ErrorCodes

from pipy_core.errors import ScriptError
from pipy_core.events import Data, Head, Message
from pipy_core.limits import DEFAULTS
from pipy_core.testing import Tape, logged, throws
from pipy_plugins.http.serve import ServeHTTP
from tests.pipy_plugins.http.v2.peer import GET, POST, Peer


def echo(message: Message) -> Message:
    """What came, with its method."""
    assert message.head is not None
    assert message.body is not None
    return Message(Head({"headers": {"x-method": message.head.get("method")}}), message.body)


def test_a_constant() -> None:
    """For every request, whatever its body."""
    peer = Peer(Tape(ServeHTTP, Message(Head({"headers": {"A": "1"}}), Data(b"hi"))))
    for number in (peer.request(), peer.request(POST, b"x" * 100)):
        assert peer.headers(number) == {":status": "200", "a": "1", "content-length": "2"}
        assert peer.body(number) == b"hi"
        assert peer.is_complete(number)


def test_a_function() -> None:
    """It gets the whole request."""
    peer = Peer(Tape(ServeHTTP, echo))
    peer.h2.send_headers(1, POST)
    peer.h2.send_data(1, b"a")
    peer.send()
    peer.h2.send_data(1, b"b", end_stream=True)
    peer.send()
    assert peer.headers(1) == {":status": "200", "x-method": "POST", "content-length": "2"}
    assert peer.body(1) == b"ab"
    head = peer.request([(":method", "HEAD"), *GET[1:]])
    assert peer.headers(head)["x-method"] == "HEAD"


@pytest.mark.parametrize(("handler", "status"), [(throws(), "500"), (lambda _message: Message(Head({"status": "x"})), "500")])
def test_a_function_that_fails(handler: Any, status: str) -> None:
    """That is the script's fault; the connection goes on."""
    peer = Peer(Tape(ServeHTTP, handler))
    peer.h2.send_headers(1, GET, end_stream=True)
    peer.take(peer.tape.play(Data(peer.h2.data_to_send())).fails(ScriptError).events)
    assert peer.headers(1)[":status"] == status
    assert not peer.ended


def test_no_message() -> None:
    """It is logged, and the answer is an empty 200."""
    peer = Peer(Tape(ServeHTTP, lambda _message: 1))
    with logged() as lines:
        number = peer.request()
    assert lines == ["[ERR] [serveHTTP] handler did not return a valid message"]
    assert peer.headers(number) == {":status": "200", "content-length": "0"}


def test_a_body_that_is_too_large() -> None:
    """413, and the client may stop."""
    peer = Peer(Tape(ServeHTTP, echo))
    peer.h2.send_headers(1, POST)
    sent = 0
    while peer.reset(1) is None:
        peer.h2.send_data(1, bytes(16384))
        peer.send()
        sent += 16384
    assert DEFAULTS.max_body_buffer < sent <= DEFAULTS.max_body_buffer + 16384
    assert peer.headers(1)[":status"] == "413"
    assert peer.reset(1) == ErrorCodes.NO_ERROR
    assert peer.is_complete(1)


def test_expect() -> None:
    """100 comes ahead of the answer."""
    peer = Peer(Tape(ServeHTTP, echo))
    peer.h2.send_headers(1, [*POST, ("expect", "100-continue")])
    peer.send()
    assert [type(event).__name__ for event in peer.of(1)] == ["InformationalResponseReceived"]
    peer.h2.send_data(1, b"x", end_stream=True)
    peer.send()
    assert peer.body(1) == b"x"


def test_connect() -> None:
    """There is nothing behind the answer to it."""
    peer = Peer(Tape(ServeHTTP, Message(body=Data(b"x"))))
    peer.h2.send_headers(1, [(":method", "CONNECT"), (":authority", "h:1")])
    peer.send()
    assert peer.headers(1) == {":status": "200"}
    assert peer.is_complete(1)
    assert peer.body(1) == b""


def test_drain() -> None:
    """A request that is coming in is the last one."""
    peer = Peer(Tape(ServeHTTP, echo))
    peer.h2.send_headers(1, POST)
    peer.send()
    assert len(peer.tape.drain().events) == 1
    assert len(peer.tape.drain().events) == 1
    peer.h2.send_data(1, b"x", end_stream=True)
    peer.take(peer.tape.play(Data(peer.h2.data_to_send())).events)
    assert peer.body(1) == b"x"
    assert peer.ended
