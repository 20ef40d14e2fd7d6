"""demuxHTTP: stories of one connection whose requests the test answers."""

import gc
import weakref

import pytest

from pipy_core.errors import ScriptError
from pipy_core.events import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.testing import ChildTape, Tape, check_filter, logged, target
from pipy_plugins.http.demux import MAX_KEPT, MAX_REQUESTS, DemuxHTTP
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.responses import ResponseDecoder

KEEP = b"connection: keep-alive\r\n\r\n"


def get(path: str = "/", *lines: str) -> Data:
    """A request."""
    return Data("\r\n".join([f"GET {path} HTTP/1.1", "Host: h", *lines, "", ""]).encode())


def tape_of(size: int = 10) -> Tape:
    """A connection."""
    return Tape(DemuxHTTP, target("r"), {"bufferSize": size})


def wire(events: list[Event]) -> bytes:
    """The bytes among *events*, and ``|end`` or the error for the end."""
    return b"".join(
        event.payload
        if isinstance(event, Data)
        else f"|{event.error.value or 'end'}".encode()
        if isinstance(event, StreamEnd)
        else b""
        for event in events
    )


def start(status: int = 200) -> MessageStart:
    """The start of an answer that a script has made."""
    return MessageStart(Head({"status": status}))


def answer(child: ChildTape, body: bytes = b"", status: int = 200) -> bytes:
    """Answer in full; what goes to the client."""
    return wire(child.reply(start(status), Data(body), END).events)


def test_one_request() -> None:
    """It goes into a sub-pipeline with a context of its own, which is let go of with the answer."""
    tape = tape_of()
    tape.play(get("/p")).expect()
    child = tape.child("r")
    assert [type(event).__name__ for event in child.fed] == ["MessageStart", "MessageEnd"]
    assert not child.shares_context
    head = Head({"status": 201})
    child.reply(MessageStart(head), Data(b"ok"), END).expect(
        MessageStart(head), Data(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n" + KEEP + b"ok"), END
    )
    assert child.closed


def test_answers_go_in_the_order_of_requests() -> None:
    """Whatever order they come in."""
    tape = tape_of()
    tape.play(Data(get("/1").payload + get("/2").payload + get("/3").payload)).expect()
    one, two, three = tape.children("r")
    assert answer(three, b"3") == b""
    assert answer(two, b"2") == b""
    assert not two.closed
    assert wire(one.reply(start(), END).events).count(b"HTTP/1.1 200 OK") == 3
    assert two.closed
    assert three.closed


def test_many_answers_at_once() -> None:
    """Their number is not limited by the depth of the stack."""
    tape = tape_of()
    tape.play(Data(get().payload * 3000)).expect()
    children = tape.children("r")
    for child in reversed(children[1:]):
        child.reply(start(), END).expect()
    assert answer(children[0]).count(b"HTTP/1.1 200 OK") == 3000


def test_bodies_stream() -> None:
    """Both ways, once an answer is larger than the buffer."""
    tape = tape_of()
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")).expect()
    child = tape.child("r")
    assert child.fed[1:] == [Data(b"abc")]
    child.reply(start(), Data(b"0123456789")).expect()
    assert (
        wire(child.reply(Data(b"x")).events)
        == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + KEEP + b"B\r\n0123456789x\r\n"
    )
    child.reply(Data(b"yz")).expect(Data(b"2\r\nyz\r\n"))
    tape.play(Data(b"def")).expect()
    assert child.fed[2:] == [Data(b"def"), END]
    child.reply(END).expect(Data(b"0\r\n\r\n"), END)


EVENTS = {"headers": {"Content-Type": "Text/Event-Stream; charset=utf-8"}}


def test_events_are_sent_as_they_come() -> None:
    """The head too, when the turn is over: a client may wait for it alone."""
    tape = tape_of()
    tape.play(get()).expect()
    child = tape.child("r")
    opening = MessageStart(Head(EVENTS))
    child.reply(opening).expect()
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n" + KEEP
    tape.advance(0).expect(opening, Data(chunked))
    child.reply(Data(b"id:1\n")).expect(Data(b"5\r\nid:1\n\r\n"))
    child.reply(Data(b""), Data(b"\n")).expect(Data(b"1\r\n\n\r\n"))
    child.reply(END).expect(Data(b"0\r\n\r\n"), END)


def test_events_that_are_complete_in_one_turn_have_a_length() -> None:
    """Nothing of them is left for the turn's end, nor is what follows them hurried."""
    tape = tape_of()
    tape.play(get("/1"), get("/2")).expect()
    one, two = tape.children("r")
    assert wire(one.reply(MessageStart(Head(EVENTS)), Data(b"x"), END).events).endswith(b"content-length: 1\r\n" + KEEP + b"x")
    two.reply(start(), Data(b"y")).expect()
    tape.advance(0).expect()
    assert wire(two.reply(END).events).endswith(b"content-length: 1\r\n" + KEEP + b"y")


def test_events_before_their_turn_wait_for_it() -> None:
    tape = tape_of()
    tape.play(get("/1"), get("/2")).expect()
    one, two = tape.children("r")
    two.reply(MessageStart(Head(EVENTS)), Data(b"x")).expect()
    tape.advance(0).expect()
    assert answer(one, b"1").endswith(b"1")
    assert wire(tape.advance(0).events).endswith(b"transfer-encoding: chunked\r\n" + KEEP + b"1\r\nx\r\n")


def test_events_whose_head_cannot_be_sent() -> None:
    tape = tape_of()
    tape.play(get()).expect()
    tape.child("r").reply(MessageStart(Head({**EVENTS, "status": 1}))).expect()
    assert b" 500 " in wire(tape.advance(0).fails(ScriptError).events)


def test_what_is_no_answer_is_dropped() -> None:
    """Data before the head, a second head, everything behind the end."""
    tape = tape_of()
    tape.play(get()).expect()
    child = tape.child("r")
    child.reply(Data(b"lost"), END).expect()
    assert answer(child, b"ok").endswith(b"ok")
    child.reply(start(), Data(b"x"), END, EOS).expect()


def test_close() -> None:
    """The last answer ends the connection; what follows the request is ignored."""
    tape = tape_of()
    tape.play(Data(get("/", "Connection: close").payload + get("/2").payload)).expect()
    assert len(tape.children()) == 1
    assert answer(tape.child("r")) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n|end"


def test_half_close() -> None:
    """Answers are delivered first."""
    tape = tape_of()
    tape.play(get("/1"), get("/2"), EOS).expect()
    assert answer(tape.child("r", 1)) == b""
    assert wire(tape.child("r", 0).reply(start(), END).events).endswith(KEEP + b"|end")
    tape_of().play(EOS).expect(EOS)
    tape_of().play(Data(b"GET / HT"), EOS).expect(EOS)


def test_busy_while_an_answer_may_come() -> None:
    """Or something out of a tunnel."""
    tape = tape_of()
    assert not tape.pipeline.busy()
    tape.play(get()).expect()
    assert tape.pipeline.busy()
    answer(tape.child("r"))
    assert not tape.pipeline.busy()
    tape = Tape(DemuxHTTP, target("r", [Switches]), {"bufferSize": 10})
    tape.play(UPGRADE).anything()
    assert not tape.pipeline.busy()


class Switches(Filter):
    """Agrees to everything, and has nothing to say."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if event is END:
            self.emit(SWITCH)
            self.emit(END)


def test_half_a_request() -> None:
    """It is not completed: its sub-pipeline is let go of, and the client told."""
    tape = tape_of()
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")).expect()
    assert wire(tape.play(EOS).events) == b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n|end"
    child = tape.child("r")
    assert child.closed
    assert END not in child.fed


LAST = b"content-length: 0\r\nconnection: close\r\n\r\n|end"


def test_draining_lets_a_client_go_that_asks_for_nothing() -> None:
    """Not at once: a request may be on its way. With a request before or without."""
    tape = tape_of()
    tape.drain().expect()
    tape.drain().expect(EOS)
    tape = tape_of()
    tape.play(get()).expect()
    assert answer(tape.child("r")).endswith(KEEP)
    tape.drain().expect()
    tape.drain().expect(EOS)
    tape.drain().expect()
    tape.play(get()).expect()
    assert len(tape.children()) == 1


def test_a_request_that_was_on_its_way_is_answered_and_the_last_one() -> None:
    """With one before or without; half a head counts as one."""
    for before in (0, 1):
        for cut in (0, 9):
            tape = tape_of()
            for _ in range(before):
                tape.play(get()).expect()
                assert answer(tape.child("r")).endswith(KEEP)
            payload = get().payload
            tape.play(Data(payload[:cut])).expect()
            tape.drain().expect()
            tape.play(Data(payload[cut:])).expect()
            tape.drain().expect()
            tape.drain().expect()
            assert answer(tape.children()[-1]).endswith(LAST)


def test_draining_makes_the_last_answer_final() -> None:
    """The others are not; what has come by then is answered too, and requests that come later are ignored."""
    tape = tape_of()
    tape.play(get("/1"), Data(get("/2").payload + b"GET /half HTTP/1.1\r\n")).expect()
    tape.drain().expect()
    one, two = tape.children()
    assert answer(one).endswith(KEEP)
    assert answer(two).endswith(KEEP)
    tape.play(Data(b"Host: h\r\n\r\n"), get("/4")).expect()
    *_, three, four = tape.children()
    assert answer(three).endswith(KEEP)
    assert answer(four).endswith(LAST)
    tape.play(get("/5")).expect()
    assert len(tape.children()) == 4
    assert four.closed


def test_draining_while_answers_come_at_once() -> None:
    """Of several requests in one read the last one is the last one."""
    tape = tape_of()
    tape.drain().expect()
    tape.play(Data(get("/1").payload + get("/2").payload + get("/3").payload)).expect()
    first, second, third = tape.children()
    assert wire(third.reply(start(), END).events) == b""
    assert answer(first).endswith(KEEP)
    out = answer(second)
    assert KEEP in out
    assert out.endswith(LAST)


def test_draining_in_the_middle_of_a_request() -> None:
    """It is completed; what follows at once is answered too."""
    tape = tape_of()
    tape.play(CHUNKED).expect()
    tape.drain().expect()
    tape.play(Data(b"0\r\n\r\n" + get("/next").payload)).expect()
    one, two = tape.children()
    assert one.fed[1:] == [Data(b"a"), END]
    assert answer(one).endswith(KEEP)
    assert answer(two).endswith(LAST)


def test_draining_and_an_answer_before_the_request_is_complete() -> None:
    """It is the last one: where the next would begin, is not waited for."""
    tape = tape_of()
    tape.play(CHUNKED).expect()
    tape.drain().expect()
    assert answer(tape.child("r")).endswith(LAST)


def test_draining_in_the_middle_of_an_answer() -> None:
    """The client was told that the connection goes on: so it does, until nothing has come for a while, or one more request."""
    for more in (False, True):
        tape = tape_of()
        tape.play(get()).expect()
        assert b"chunked\r\n" + KEEP in wire(tape.child("r").reply(start(), Data(b"x" * 11)).events)
        tape.drain().expect()
        assert wire(tape.child("r").reply(END).events) == b"0\r\n\r\n"
        tape.drain().expect()
        if more:
            tape.play(get()).expect()
            assert answer(tape.children()[1]).endswith(LAST)
        else:
            tape.drain().expect(EOS)


def test_draining_before_an_answer_of_unknown_length() -> None:
    """Its head says that it is the last one, and nobody is listened to from then on."""
    tape = tape_of()
    tape.play(get()).expect()
    tape.drain().expect()
    out = wire(tape.child("r").reply(start(), Data(b"x" * 11)).events)
    assert b"chunked\r\nconnection: close\r\n\r\n" in out
    tape.play(get()).expect()
    assert len(tape.children()) == 1
    assert wire(tape.child("r").reply(END).events) == b"0\r\n\r\n|end"


def test_draining_while_another_protocol_is_asked_for() -> None:
    """If it is agreed upon, it is for the sub-pipeline to finish; if not, requests go on."""
    tape = tape_of()
    tape.play(UPGRADE, get("/next")).expect()
    tape.drain().expect()
    child = tape.child("r")
    assert wire(child.reply(SWITCH, END).events).endswith(b"connection: upgrade\r\n\r\n")
    assert not child.drained
    tape.drain().expect()
    assert child.drained
    child.reply(Data(b"bye"), EOS).expect(Data(b"bye"), EOS)
    tape = tape_of()
    tape.play(UPGRADE, get("/next")).expect()
    tape.drain().expect()
    assert answer(tape.child("r")).endswith(KEEP)
    assert answer(tape.children()[1]).endswith(LAST)
    tape = tape_of()
    tape.play(UPGRADE).expect()
    tape.drain().expect()
    assert answer(tape.child("r")).endswith(LAST)


def test_a_client_that_is_gone() -> None:
    """Nothing is waited for."""
    tape = tape_of()
    tape.play(get(), StreamEnd(Failure.READ_ERROR)).expect(EOS)
    assert tape.child("r").closed
    tape.play(get()).expect()


def test_malformed_requests_are_answered_in_their_turn() -> None:
    """After the answers to good ones."""
    tape = tape_of()
    tape.play(Data(get().payload + b"\0")).expect()
    assert wire(tape.child("r").reply(start(), END).events).endswith(
        KEEP + b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n|end"
    )
    tape.play(get()).expect()


CHUNKED = Data(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")


def test_malformed_bodies() -> None:
    """400 while nothing has been sent, then the connection is cut."""
    tape = tape_of()
    tape.play(CHUNKED).expect()
    assert b" 400 " in wire(tape.play(Data(b"x")).events)
    assert tape.child("r").closed
    tape = tape_of()
    tape.play(CHUNKED).expect()
    assert b"chunked" in wire(tape.child("r").reply(start(), Data(b"x" * 11)).events)
    tape.play(Data(b"x")).expect(StreamEnd(Failure.PROTOCOL_ERROR))


FAILURES = [
    (Failure.CANNOT_RESOLVE, b"502 Cannot Resolve"),
    (Failure.CONNECTION_REFUSED, b"502 Connection Refused"),
    (Failure.UNAUTHORIZED, b"502 Unauthorized"),
    (Failure.READ_TIMEOUT, b"504 Gateway Timeout"),
    (Failure.BUFFER_OVERFLOW, b"502 Bad Gateway"),
    (Failure.RUNTIME_ERROR, b"500 Internal Server Error"),
]


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_failures_before_anything_was_sent(failure: Failure, expected: bytes) -> None:
    """The client is told, and the connection goes on in step."""
    for begun in ([], [start(), Data(b"part")]):
        tape = tape_of()
        tape.play(get("/1"), get("/2")).expect()
        one, two = tape.children()
        assert wire(one.reply(*begun, StreamEnd(failure)).events) == b"HTTP/1.1 %b\r\ncontent-length: 0\r\n" % expected + KEEP
        assert one.closed
        assert answer(two, b"ok").endswith(b"ok")


def test_failures_afterwards_cut_the_connection() -> None:
    """So that the client does not take the answer for complete."""
    tape = tape_of()
    tape.play(get("/1"), get("/2")).expect()
    one, two = tape.children()
    assert b"200 OK" in wire(one.reply(start(), Data(b"x" * 11)).events)
    one.reply(StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))
    assert one.closed
    assert two.closed


def test_a_page_in_the_place_of_a_failure() -> None:
    """A script has replaced the head that stands for it."""
    tape = tape_of()
    tape.play(get()).expect()
    assert b"503 Service Unavailable" in wire(tape.child("r").reply(start(503), StreamEnd(Failure.CONNECTION_REFUSED)).events)


def test_the_end_without_an_error_completes() -> None:
    """With an empty answer if there was none."""
    tape = tape_of()
    tape.play(get("/1"), get("/2"), get("/3")).expect()
    one, two, three = tape.children()
    assert wire(one.reply(EOS).events) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP
    assert wire(two.reply(start(), Data(b"x"), EOS).events).endswith(KEEP + b"x")
    assert wire(three.reply(start(), Data(b"x" * 11), EOS).events).endswith(b"0\r\n\r\n")


def test_an_exception_in_the_sub_pipeline() -> None:
    """500, and the next request works."""

    class Throws(Filter):
        def process(self, event: Event) -> None:
            if isinstance(event, MessageStart):
                raise ScriptError("TypeError", "x")

    tape = Tape(DemuxHTTP, target("r", [Throws]), {"bufferSize": 10})
    for _ in range(2):
        assert b"500 Internal" in wire(tape.play(get()).fails(ScriptError).events)


def test_a_head_that_cannot_be_sent() -> None:
    """The script's fault, whenever it shows."""
    bad = MessageStart(Head({"headers": {"x": "a\nb"}}))
    tape = tape_of()
    tape.play(get("/1"), get("/2")).expect()
    assert b" 500 " in wire(tape.child("r").reply(bad, END).fails(ScriptError).events)
    assert b" 500 " in wire(tape.child("r", 1).reply(bad, Data(b"x" * 11)).fails(ScriptError).events)


def test_head_requests_have_no_body() -> None:
    """But its length."""
    tape = tape_of()
    tape.play(Data(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")).expect()
    assert answer(tape.child("r"), b"x" * 20) == b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n" + KEEP


UPGRADE = get("/ws", "Upgrade: websocket", "Connection: upgrade")
SWITCH = MessageStart(Head({"status": 101, "headers": {"upgrade": "websocket"}}))


def test_upgrade() -> None:
    """What comes early is kept until the answer is known; then bytes and the end pass both ways."""
    tape = tape_of()
    tape.play(UPGRADE, Data(b"early")).expect()
    child = tape.child("r")
    assert child.fed[2:] == []
    assert wire(child.reply(SWITCH, END, Data(b"raw")).events).endswith(b"connection: upgrade\r\n\r\nraw")
    assert child.fed[2:] == [Data(b"early")]
    tape.play(Data(b"more"), EOS).expect()
    assert child.fed[3:] == [Data(b"more"), EOS]
    child.reply(Data(b"bye"), EOS).expect(Data(b"bye"), EOS)
    assert child.closed


def test_upgrade_that_is_refused() -> None:
    """What was kept is the next request."""
    tape = tape_of()
    tape.play(UPGRADE, get("/next")).expect()
    assert len(tape.children()) == 1
    assert b"200 OK" in answer(tape.child("r"))
    assert answer(tape.child("r", 1), b"next").endswith(b"next")


def test_upgrade_behind_other_requests() -> None:
    """Its answer waits for its turn, and so does the tunnel."""
    tape = tape_of()
    tape.play(get(), UPGRADE).expect()
    tape.child("r", 1).reply(SWITCH, END, Data(b"raw")).expect()
    assert answer(tape.child("r", 0)).endswith(b"connection: upgrade\r\n\r\nraw")


def test_upgrade_that_nobody_asked_for() -> None:
    """The client would not know what to do with it."""
    tape = tape_of()
    tape.play(get()).expect()
    assert b"502 Bad Gateway" in wire(tape.child("r").reply(SWITCH, END).events)


def test_connect() -> None:
    """A tunnel for a 2xx, nothing for another answer."""
    connect = Data(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    tape = tape_of()
    tape.play(connect).expect()
    assert answer(tape.child("r"), status=405) == b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n" + KEEP
    tape.play(connect).expect()
    assert answer(tape.child("r", 1)) == b"HTTP/1.1 200 OK\r\n" + KEEP
    tape.play(Data(b"raw")).expect()
    assert tape.child("r", 1).fed[-1] == Data(b"raw")
    tape.child("r", 1).reply(StreamEnd(Failure.READ_ERROR)).expect(StreamEnd(Failure.READ_ERROR))


def test_interim_responses() -> None:
    """They go to the client at once, or in their turn; never to HTTP/1.0 or behind the final one."""
    upstream = _response_head(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: close\r\n\r\n")
    tape = tape_of()
    tape.play(get("/1"), get("/2"), Data(b"GET /3 HTTP/1.0\r\n\r\n")).expect()
    relays = [child.fed[0].head.relay for child in tape.children()]  # type: ignore[union-attr]
    for relay in relays:
        relay.interim(upstream)
    sent = answer(tape.child("r"))
    assert sent == b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP + (
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    )
    assert answer(tape.child("r", 1)).startswith(b"HTTP/1.1 200 OK")
    relays[1].interim(upstream)
    assert answer(tape.child("r", 2)).startswith(b"HTTP/1.1 200 OK")


def test_interim_responses_before_their_turn_are_few() -> None:
    """More of them are left out: they only tell that the answer takes its time."""
    tape = tape_of()
    tape.play(Data(get("/1").payload + get("/2").payload)).expect()
    one, two = tape.children("r")
    event = two.fed[0]
    assert isinstance(event, MessageStart)
    assert isinstance(event.head, RequestHead)
    assert event.head.relay is not None
    for _ in range(20):
        event.head.relay.interim(_response_head(b"HTTP/1.1 103 Early Hints\r\n\r\n"))
    assert answer(one).count(b"HTTP/1.1 103 Early Hints") == 8
    assert answer(two) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + KEEP


def _response_head(wire: bytes) -> object:
    from_wire: list[object] = []
    ResponseDecoder(lambda _event: None, lambda: "GET", from_wire.append).feed(wire)
    return from_wire[0]


def test_an_early_answer_to_a_client_that_waits_for_continue() -> None:
    """It may or may not send the body now: the connection ends (RFC 9110, 10.1.1)."""
    tape = tape_of()
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")).expect()
    assert answer(tape.child("r"), status=401).endswith(b"connection: close\r\n\r\n|end")


def test_an_early_answer() -> None:
    """The rest of the request is read past."""
    tape = tape_of()
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na")).expect()
    assert answer(tape.child("r"), status=401).endswith(KEEP)
    tape.play(Data(b"bc" + get().payload)).expect()
    assert answer(tape.child("r", 1)).endswith(KEEP)


def test_early_answers_are_bounded() -> None:
    """Nobody is held; what is beyond the limit is answered with 502 in its turn, and the connection goes on in step."""
    tape = tape_of()
    tape.play(*[get(f"/{number}") for number in range(4)]).expect()
    first, large, small, last = tape.children()
    large.reply(start(), Data(b"x" * MAX_KEPT)).expect()
    assert not tape.held
    with logged() as lines:
        large.reply(Data(b"x")).expect()
    assert lines == ["[ERR] [demuxHTTP] a response that came before its turn is too large to be kept"]
    assert large.closed
    small.reply(start(), Data(b"y" * MAX_KEPT), END).expect()
    played = first.reply(start(), END)
    assert wire(played.events).startswith(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"
        + KEEP
        + b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n"
        + KEEP
        + b"HTTP/1.1 200"
    )
    assert not tape.held
    assert wire(last.reply(start(), Data(b"z" * 2 * MAX_KEPT), END).events).endswith(b"z\r\n0\r\n\r\n")


def test_an_early_upgrade_that_is_too_talkative() -> None:
    """It is refused, and what the client sent too early is a request again."""
    tape = tape_of()
    tape.play(get(), UPGRADE, get("/next")).expect()
    tape.child("r", 1).reply(SWITCH, END, Data(b"x" * MAX_KEPT), Data(b"x")).expect()
    assert answer(tape.child("r")).endswith(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n" + KEEP)
    assert answer(tape.child("r", 2)).endswith(KEEP)


def test_back_pressure_on_requests() -> None:
    """A client with many unanswered requests is not read from."""
    tape = tape_of()
    tape.play(Data(get().payload * MAX_REQUESTS)).expect()
    assert not tape.held
    tape.play(get()).expect()
    assert tape.held
    valve = tape.world.valves[0]
    for child in tape.children():
        answer(child)
    assert not valve.closed


def test_closing_frees_everything_at_once() -> None:
    """Without the help of the collector of cycles."""
    tape = tape_of()
    tape.play(get("/1"), get("/2")).expect()
    event = tape.child("r").fed[0]
    assert isinstance(event, MessageStart)
    assert isinstance(event.head, RequestHead)
    head = weakref.ref(event.head)
    gc.disable()
    try:
        tape.close().expect()
        assert all(child.closed for child in tape.children())
        tape.world.children.clear()
        del event
        assert head() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("request_", "reply"), [(get(), (start(), END)), (UPGRADE, (SWITCH, END)), (Data(b"?\r\n\r\n"), ())])
def test_an_answer_that_ends_the_connection(request_: Data, reply: tuple[Event, ...]) -> None:
    """Whoever gets it may close the pipeline at once, as ``connectSOCKS`` does with what is no SOCKS."""

    class Closes(Filter):
        def process(self, event: Event) -> None:
            if event is END:
                tape.pipeline.close()

    tape = Tape([(DemuxHTTP, target("r"), {"bufferSize": 10}), (Closes,)])
    tape.play(request_).expect()
    for child in tape.children("r"):
        child.reply(*reply).expect()
        assert child.closed
    assert not tape.pipeline.busy()


def test_keeps_the_filter_contract() -> None:
    """Grammar, one end, no shared state, chunking is meaningless."""

    class Answers(Filter):
        def process(self, event: Event) -> None:
            if event is END:
                for one in (start(), Data(b"abc"), END):
                    self.emit(one)

    stage = (DemuxHTTP, target("r", [Answers]), {"bufferSize": 10})
    check_filter(stage, [get(), CHUNKED, Data(b"0\r\n\r\n"), get(), EOS])
    check_filter(stage, [get(), Data(b"\0")])
