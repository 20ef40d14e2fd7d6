"""muxHTTP with version 'auto': requests wait until TLS has said what the server speaks."""

from typing import Any

import pytest

from pipy_core.errors import ArgumentError, ScriptError
from pipy_core.events import END, EOS, FLUSH, Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.testing import Tape, logged, target
from pipy_plugins.http.exchange import COLLECTED
from pipy_plugins.http.mux import MuxHTTP, Version
from pipy_plugins.http.negotiation import PATIENCE
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.v2.wire import PREFACE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def tape_of(version: Any = "auto", **given: Any) -> Tape:
    """One request's stream; others with the same session are its ``again()``."""
    return Tape(MuxHTTP, target("c"), "k", {"maxIdle": 10, "bufferSize": 10, "version": version, **given})


def start(**headers: str) -> MessageStart:
    """The start of a request that a script has made."""
    return MessageStart(Head({"method": "POST", "path": "/", "headers": {"host": "h", **headers}}))


def ask(tape: Tape, *body: bytes) -> None:
    """Play a whole request."""
    tape.play(start(), *map(Data, body), END).expect()


def agree(tape: Tape, protocol: str) -> list[Event]:
    """The handshake is over; what comes out."""
    child = tape.child("c")
    child.host.context.alpn = protocol
    return child.reply(FLUSH).events


def sent(tape: Tape, number: int = 0) -> bytes:
    """What the server has got."""
    return b"".join(event.payload for event in tape.child("c", number).fed if isinstance(event, Data))


def shown(events: list[Event]) -> list[object]:
    """Statuses of heads, bytes, ``END``, failures."""
    result: list[object] = []
    for event in events:
        if isinstance(event, MessageStart):
            result.append(event.head.get("status") if event.head else None)
        elif isinstance(event, Data):
            result.append(event.payload)
        else:
            result.append("END" if isinstance(event, MessageEnd) else event.error)
    return result


def test_the_session_is_started_with_a_flush() -> None:
    """Once, whoever comes meanwhile."""
    one = tape_of()
    ask(one, b"x")
    ask(one.again(), b"y")
    one.child("c").expect(FLUSH)
    assert len(one.children("c")) == 1
    assert one.pipeline.busy()


@pytest.mark.parametrize("protocol", ["http/1.1", ""])
def test_http_1(protocol: str) -> None:
    """Everything that came is sent; what comes next goes the same way."""
    one = tape_of()
    two = one.again()
    ask(one, b"x")
    two.play(start(), Data(b"y")).expect()
    assert agree(one, protocol) == []
    assert sent(one) == b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\nx"
    assert shown(one.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
    two.play(Data(b"z"), END).expect()
    assert sent(one).endswith(b"content-length: 2\r\nconnection: keep-alive\r\n\r\nyz")
    one.child("c").reply(Data(OK)).expect()
    assert shown(two.play().events) == [200, b"ok", "END"]
    three = one.again()
    ask(three)
    assert len(one.children("c")) == 1


def test_http_2() -> None:
    """The same; the scheme is https then."""
    one = tape_of()
    ask(one, b"x")
    assert agree(one, "h2") == []
    assert sent(one).startswith(PREFACE)
    assert b"\x87" in sent(one)  # :scheme: https, of the static table
    ask(one.again(), b"y")
    assert len(one.children("c")) == 1
    answer = b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x01\x01\x05\0\0\0\x01\x88"
    assert shown(one.child("c").reply(Data(answer)).events) == [200, "END"]


class AtOnce(Filter):
    """TLS that is agreed on before anybody can look away."""

    def process(self, event: Event) -> None:
        if event == FLUSH:
            self.host.context.alpn = "h2"
            self.emit(FLUSH)
        elif isinstance(event, Data):
            self.emit(Data(b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x01\x01\x05\0\0\0\x01\x88"))


def test_an_answer_at_once() -> None:
    """All in one turn."""
    tape = Tape(MuxHTTP, target("c", [AtOnce]), "k", {"maxIdle": 10, "bufferSize": 10, "version": "auto"})
    assert shown(tape.play(start(), Data(b"x"), END).events) == [200, "END"]


def test_a_server_that_speaks_first() -> None:
    """There is no TLS then, or it has no ALPN."""
    tape = tape_of()
    ask(tape, b"x")
    assert shown(tape.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]


def test_a_client_that_waits_for_100() -> None:
    """The head goes ahead as soon as it can."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    tape = tape_of()
    tape.play(*events).expect()
    assert agree(tape, "") == []
    assert sent(tape).startswith(b"POST / HTTP/1.1\r\n")


@pytest.mark.parametrize("failure", [Failure.CONNECTION_REFUSED, Failure.UNAUTHORIZED, Failure.NONE])
def test_no_session(failure: Failure) -> None:
    """Everybody gets to know; the next one tries again."""
    one = tape_of()
    two = one.again()
    ask(one)
    ask(two)
    expected = [502, Failure.CONNECTION_RESET if failure is Failure.NONE else failure]
    assert shown(one.child("c").reply(StreamEnd(failure)).events) == expected
    assert shown(two.play().events) == expected
    assert one.child("c").closed
    assert not one.pipeline.busy()
    two.play(Data(b"x")).expect()
    ask(one.again())
    assert len(one.children("c")) == 2


def test_nobody_answers() -> None:
    """There is no connectTLS, or it has no alpn."""
    tape = tape_of()
    ask(tape)
    with logged() as lines:
        assert shown(tape.advance(PATIENCE).events) == [504, Failure.CONNECTION_TIMEOUT]
    assert lines == ["[ERR] [muxHTTP] version 'auto': no answer from the session; it needs a connectTLS with the option alpn"]


def test_cancelled_while_waiting() -> None:
    """It is not sent; a session that nobody needs any more ends after its time."""
    one = tape_of()
    two = one.again()
    ask(one, b"x")
    ask(two, b"y")
    one.close().expect()
    assert agree(two, "") == []
    assert sent(two).endswith(b"y")
    assert sent(two).count(b"POST") == 1
    three = tape_of()
    ask(three)
    three.close().expect()
    three.advance(10).expect()
    assert three.child("c").closed


def test_decided_when_nobody_is_there_any_more() -> None:
    """The session is used by the next one, or ends after its time."""
    tape = tape_of()
    ask(tape)
    tape.close().expect()
    assert agree(tape, "h2") == []
    tape.advance(9).expect()
    two = tape.again()
    ask(two)
    assert len(tape.children("c")) == 1
    two.close().expect()
    tape.advance(10).expect()
    assert tape.child("c").fed[-1] == EOS


def test_an_error_of_the_request() -> None:
    """It is all the answer there will be."""
    failed = StreamEnd(Failure.RUNTIME_ERROR)
    tape = tape_of()
    tape.play(start(), Data(b"x"), failed).expect(failed)
    assert agree(tape, "") == []
    assert sent(tape) == b""


def test_a_large_body_waits() -> None:
    """Its client is not read from."""
    tape = tape_of()
    tape.play(start(), Data(b"x" * COLLECTED)).expect()
    assert not tape.held
    tape.play(Data(b"x")).expect()
    assert tape.held
    valve = tape.world.valves[0]
    agree(tape, "")
    assert not valve.closed


def lost() -> tuple[Tape, Tape]:
    """A session over HTTP/1 that its server ends, and a request that has waited for its turn there."""
    one = tape_of()
    two = one.again()
    ask(one, b"x")
    ask(two, b"y")
    agree(one, "")
    one.child("c").reply(Data(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")).anything()
    two.child("c", 1).expect(FLUSH)
    return one, two


@pytest.mark.parametrize(("protocol", "expected"), [("", []), ("h2", [502, Failure.CONNECTION_RESET])])
def test_a_session_is_lost(protocol: str, expected: list[object]) -> None:
    """The next one is negotiated too; what was prepared for one version cannot be sent by the other."""
    one, two = lost()
    child = two.child("c", 1)
    child.host.context.alpn = protocol
    assert shown(child.reply(FLUSH).events) == expected
    assert (b"y" in sent(one, 1)) is not bool(expected)


def test_a_session_is_lost_and_there_is_no_other() -> None:
    """Those who moved get the error, unless they have gone."""
    _, two = lost()
    events = two.child("c", 1).reply(StreamEnd(Failure.CONNECTION_REFUSED)).events
    assert shown(events) == [502, Failure.CONNECTION_REFUSED]
    for protocol in ("", None):
        _, two = lost()
        child = two.child("c", 1)
        two.close().expect()
        child.reply(FLUSH if protocol is not None else EOS).expect()
        assert b"y" not in sent(two, 1)


@pytest.mark.parametrize("version", ["2", True, None, "h2"])
def test_what_is_no_version(version: Any) -> None:
    """Said when the script is loaded."""
    with pytest.raises(ArgumentError, match="requires a number"):
        Version().check(version)


@pytest.mark.parametrize("version", [3, "x", None])
def test_a_function_gives_no_version(version: Any) -> None:
    """That is a mistake of the script."""
    tape = tape_of(version=lambda: version)
    played = tape.play(start(), END)
    played.fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_so_many_wait() -> None:
    """Whoever comes then is turned away, and counted."""
    one = tape_of(maxPending=1)
    ask(one)
    two = one.again()
    assert shown(two.play(start(), END).events) == [503, "END"]
    assert agree(one, "") == []
    assert shown(one.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
