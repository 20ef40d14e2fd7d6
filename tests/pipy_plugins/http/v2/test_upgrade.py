"""From HTTP/1.1 to HTTP/2 (RFC 7540, 3.2)."""

import h2.config
import h2.connection
import h2.events
import pytest

from pipy_core.events import END, EOS, Data, Event, Head, Message, MessageStart
from pipy_core.testing import Tape, target
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.serve import ServeHTTP
from pipy_plugins.http.v2.preface import SWITCHING
from tests.pipy_plugins.http.v2.peer import Peer

SETTINGS = b"AAMAAABkAAQAoAAAAAIAAAAA"


def upgrade(settings: bytes = SETTINGS, more: bytes = b"", line: bytes = b"GET /p HTTP/1.1") -> bytes:
    """A request that asks for it."""
    return (
        line
        + b"\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
        + settings
        + b"\r\n"
        + more
        + b"\r\n"
    )


def payload(events: list[Event]) -> bytes:
    """The bytes among *events*."""
    return b"".join(event.payload for event in events if isinstance(event, Data))


def after_switch(tape: Tape) -> Peer:
    """The client's side behind the request, which has gone through *tape*."""
    peer = Peer.__new__(Peer)
    peer.tape = tape
    peer.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    peer.h2.initiate_upgrade_connection()
    peer.events = []
    peer.ended = False
    return peer


@pytest.mark.parametrize("together", [True, False])
def test_the_request_is_the_first_stream(together: bool) -> None:
    """101, then the answer over HTTP/2, then more streams; what comes with the request is not lost."""
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10})
    peer = after_switch(tape)
    if together:
        out = payload(tape.play(Data(upgrade() + peer.h2.data_to_send())).events)
    else:
        out = payload(tape.play(Data(upgrade())).events)
        out += payload(tape.play(Data(peer.h2.data_to_send())).events)
    assert out.startswith(SWITCHING)
    peer.events += peer.h2.receive_data(out[len(SWITCHING) :])
    child = tape.child("r")
    assert [type(event).__name__ for event in child.fed] == ["MessageStart", "MessageEnd"]
    peer.take(child.reply(MessageStart(Head({})), Data(b"1"), END).events)
    peer.send()
    assert peer.body(1) == b"1"
    number = peer.request()
    peer.take(tape.child("r", 1).reply(MessageStart(Head({})), Data(b"2"), END).events)
    assert peer.body(number) == b"2"


def test_serve() -> None:
    """It answers at once."""
    tape = Tape(ServeHTTP, Message(body=Data(b"hi")))
    peer = after_switch(tape)
    out = payload(tape.play(Data(upgrade())).events)
    assert out.startswith(SWITCHING)
    peer.events += peer.h2.receive_data(out[len(SWITCHING) :])
    peer.send()
    assert peer.body(1) == b"hi"


@pytest.mark.parametrize(
    "request_",
    [
        upgrade(b"x"),
        upgrade(b"AAMA"),
        upgrade(b"A" * 8 * 500),
        upgrade(b"?"),
        upgrade(more=b"Content-Length: 1\r\n") + b"x",
        upgrade(more=b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        upgrade(more=b"Upgrade: websocket\r\n"),
        upgrade().replace(b"HTTP2-Settings: ", b"X: "),
        upgrade().replace(b"Upgrade, ", b""),
        upgrade(line=b"GET / HTTP/1.0"),
    ],
)
def test_what_cannot_be_upgraded_is_answered_over_http_1(request_: bytes) -> None:
    """And so is what is behind it."""
    following = b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    tape = Tape(ServeHTTP, Message(body=Data(b"hi")))
    out = payload(tape.play(Data(request_ + following)).events)
    assert out.startswith(b"HTTP/1.1 200 OK")
    assert out.count(b"HTTP/1.1 200 OK") == (1 if b"HTTP/1.0" in request_ else 2)


def test_bad_values_in_the_settings() -> None:
    """They end the connection."""
    tape = Tape(ServeHTTP, Message(body=Data(b"hi")))
    events = tape.play(Data(upgrade(b"AAIAAAAC"))).events  # ENABLE_PUSH 2
    assert events[-1] == EOS


def test_not_while_others_wait() -> None:
    """Answers to earlier requests are still to come over HTTP/1."""
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10})
    tape.play(Data(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + upgrade())).expect()
    one, two = tape.children("r")
    one.reply(MessageStart(Head({})), END).anything()
    assert b"HTTP/1.1 200 OK" in payload(two.reply(MessageStart(Head({})), END).events)


def test_what_is_no_preface_behind_the_switch() -> None:
    """It ends the connection."""
    tape = Tape(ServeHTTP, Message(body=Data(b"hi")))
    tape.play(Data(upgrade())).anything()
    events = tape.play(Data(b"GET / HTTP/1.1\r\n")).events
    assert events[-1] == EOS
    assert payload(events)[-4:] == b"\0\0\0\1"
