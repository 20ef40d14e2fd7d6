"""muxHTTP: stories of requests that share sessions; the test plays the server."""

import gc
import weakref
from typing import Any

import pytest

from pipy_core.context import ScriptDict
from pipy_core.errors import ArgumentError, ScriptError
from pipy_core.events import END, EOS, FLUSH, Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.filter import Filter
from pipy_core.params import bind
from pipy_core.testing import ChildTape, Tape, declared, logged, target
from pipy_plugins.http import mux
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.exchange import COLLECTED
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.requests import RequestDecoder

KEEP = b"connection: keep-alive\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def settings(**given: Any) -> dict[str, Any]:
    """Options with their defaults."""
    return {"maxIdle": 10, "bufferSize": 10, "version": 1, **given}


def first_tape(key: Any = "k", **given: Any) -> Tape:
    """One request's stream; others with the same sessions are its ``again()``."""
    return Tape(MuxHTTP, target("c"), key, settings(**given))


def start(method: str = "GET", path: str = "/", **headers: str) -> MessageStart:
    """The start of a request that a script has made."""
    return MessageStart(Head({"method": method, "path": path, "headers": headers}))


def received(wire: bytes) -> list[Event]:
    """The events of a request from a client."""
    events: list[Event] = []
    RequestDecoder(events.append).feed(wire)
    return events


def wire(events: list[Event]) -> bytes:
    """The bytes among *events*."""
    return b"".join(event.payload for event in events if isinstance(event, Data))


def sent(child: ChildTape) -> bytes:
    """What the server has got."""
    return wire(child.fed)


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


def test_one_exchange() -> None:
    """The request goes out encoded, between the marks of a message; the response comes back decoded."""
    tape = first_tape()
    opening = start("POST", "/p", host="h")
    tape.play(opening, Data(b"abc"), END).expect()
    tape.child("c").expect(opening, Data(b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n" + KEEP + b"abc"), END)
    assert shown(tape.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
    tape.play(opening, Data(b"x"), END, EOS).expect()  # one message a stream
    tape.child("c").expect()


def test_context_is_a_copy_of_the_first_users() -> None:
    """Later users do not touch it."""
    one = Tape(MuxHTTP, target("c"), "k", settings(), variables={"x": 1})
    one.play(start(), END).expect()
    two = one.again({"x": 2})
    two.play(start(), END).expect()
    assert len(one.children("c")) == 1
    assert one.child("c").variables == {"x": 1}
    assert not one.child("c").shares_context


def test_requests_are_pipelined() -> None:
    """Sent back to back; responses go to whom they belong."""
    one = first_tape()
    two = one.again()
    one.play(start(path="/1"), END).expect()
    two.play(start(path="/2"), END).expect()
    assert sent(one.child("c")).count(b"HTTP/1.1") == 2
    assert shown(one.child("c").reply(Data(OK + b"HTTP/1.1 404 No\r\n")).events) == [200, b"ok", "END"]
    one.child("c").reply(Data(b"Content-Length: 0\r\n\r\n")).expect()
    assert shown(two.play().events) == [404, "END"]


@pytest.mark.parametrize(
    ("keys", "sessions"), [([1, "1", True, None], 4), ([1, 1.0], 1), ([float("nan"), float("nan")], 1), ([False, 0], 2)]
)
def test_keys(keys: list[Any], sessions: int) -> None:
    """Equal where the script's values are."""
    tape = Tape(MuxHTTP, target("c"), lambda: tape.world.current["key"], settings(), variables={"key": keys[0]})
    tape.play(start(), END).expect()
    for key in keys[1:]:
        tape.again({"key": key}).play(start(), END).expect()
    assert len(tape.children("c")) == sessions


def test_a_stream_without_a_request_ends() -> None:
    """What is no request is ignored."""
    for end in (EOS, StreamEnd(Failure.RUNTIME_ERROR)):
        tape = first_tape()
        tape.play(Data(b"x"), END).expect()
        tape.play(end).expect(end)
        assert tape.children() == []


def test_an_error_before_the_request_is_complete() -> None:
    """It is all the answer there will be; nothing more is sent."""
    failed = StreamEnd(Failure.RUNTIME_ERROR)
    tape = first_tape()
    tape.play(start("POST"), Data(b"x"), failed).expect(failed)
    assert tape.child("c").fed == []
    tape.play(END).expect()
    assert not tape.child("c").closed
    tape = tape.again()
    tape.play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).expect()
    tape.play(failed).expect(failed)
    assert tape.child("c").closed


def test_busy_while_an_answer_may_come() -> None:
    """A client that has ended its side is kept for it."""
    tape = first_tape()
    assert not tape.pipeline.busy()
    tape.play(start(), END, EOS).expect()
    assert tape.pipeline.busy()
    tape.child("c").reply(Data(OK)).anything()
    assert not tape.pipeline.busy()


def test_a_request_is_collected_before_it_is_sent() -> None:
    """A slow client keeps nobody from the session; framing goes by the size."""
    one = first_tape()
    two, three = one.again(), one.again()
    one.play(start("POST", "/1"), Data(b"0123456789"), FLUSH).expect()
    two.play(start("POST", "/2"), Data(b"x" * 6), Data(b"y" * 5)).expect()
    three.play(start(path="/3"), END).expect()
    child = one.child("c")
    assert sent(child) == b"GET /3 HTTP/1.1\r\ncontent-length: 0\r\n" + KEEP
    child.reply(Data(OK)).expect()
    assert shown(three.play().events) == [200, b"ok", "END"]
    two.play(END).expect()
    assert sent(child).endswith(
        KEEP + b"POST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n" + KEEP + b"B\r\nxxxxxxyyyyy\r\n0\r\n\r\n"
    )
    assert child.fed[-1] == END
    child.reply(Data(OK)).expect()
    assert shown(two.play().events) == [200, b"ok", "END"]
    one.play(END).expect()
    assert sent(child).endswith(b"\r\n0\r\n\r\nPOST /1 HTTP/1.1\r\ncontent-length: 10\r\n" + KEEP + b"0123456789")


def test_very_large_bodies_stream() -> None:
    """What was collected goes as one chunk, the rest as it comes; those behind wait."""
    one = first_tape()
    two = one.again()
    one.play(start("PUT"), Data(b"x" * COLLECTED)).expect()
    assert one.children("c")[0].fed == []
    one.play(Data(b"y"), Data(b"z"), Data()).expect()
    two.play(start(path="/2"), END).expect()
    child = one.child("c")
    head = b"PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n" + KEEP
    assert sent(child) == head + b"20001\r\n" + b"x" * COLLECTED + b"y\r\n1\r\nz\r\n"
    one.play(END).expect()
    assert sent(child).endswith(b"1\r\nz\r\n0\r\n\r\n")
    assert shown(child.reply(Data(OK)).events) == [200, b"ok", "END"]
    assert sent(child).endswith(b"GET /2 HTTP/1.1\r\ncontent-length: 0\r\n" + KEEP)


def test_a_large_buffer_is_filled_first() -> None:
    """The length of what fits into it is known."""
    tape = first_tape(bufferSize=COLLECTED + 10)
    tape.play(start("POST"), Data(b"x" * COLLECTED), Data(b"y" * 10)).expect()
    assert not tape.held
    assert tape.child("c").fed == []
    tape.play(END).expect()
    assert b"content-length: %d\r\n" % (COLLECTED + 10) in sent(tape.child("c"))


def test_back_pressure() -> None:
    """A client waits for its turn only with more than is collected, and until it is its turn."""
    one = first_tape()
    two = one.again()
    one.play(start("POST"), END).expect()
    two.play(start("POST"), Data(b"x" * COLLECTED)).expect()
    assert not two.held
    two.play(Data(b"x")).expect()
    assert two.held
    two.play(Data(b"x")).expect()
    assert two.held
    valve = two.world.valves[0]
    one.child("c").reply(Data(OK)).events  # noqa: B018  # asserted elsewhere
    assert not valve.closed
    two.play(Data(b"x")).expect()
    assert not two.held


def test_a_held_client_that_goes_away_is_let_go() -> None:
    """Whoever waits for it would wait for ever."""
    one = first_tape()
    two = one.again()
    one.play(start("POST"), END).expect()
    two.play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).expect()
    valve = two.world.valves[0]
    two.close().expect()
    assert not valve.closed


def test_many_waiting_requests() -> None:
    """Their number is not limited by the depth of the stack."""
    one = first_tape(maxPending=2000)
    one.play(start("POST"), END).expect()
    others = [one.again() for _ in range(2000)]
    for other in others:
        other.play(start(), END).expect()
    child = one.child("c")
    assert sent(child).count(b"HTTP/1.1") == 1
    child.reply(Data(OK)).events  # noqa: B018  # asserted elsewhere
    assert sent(child).count(b"GET / ") == 2000
    child.reply(Data(OK * 2000)).expect()
    assert all(shown(other.play().events) == [200, b"ok", "END"] for other in others)


# -- what may travel together -----------------------------------------------------------------------------------------

NEIGHBOURS = [
    pytest.param([start("GET"), END], True, id="get"),
    pytest.param([start("DELETE"), END], True, id="delete"),
    pytest.param([start("HEAD"), FLUSH, EOS], True, id="head"),
    pytest.param([start("PUT"), Data(b"x"), END], False, id="body"),
    pytest.param([start("GET"), Data(b"x"), END], False, id="body-of-get"),
    pytest.param([start("POST"), END], False, id="post"),
    pytest.param([start("get"), END], False, id="unknown-method"),
]


@pytest.mark.parametrize(("events", "together"), NEIGHBOURS)
def test_pipelining(events: list[Event], together: bool) -> None:
    """RFC 9112, 9.3.2: only what can be repeated without harm is in the company of others, before and behind."""
    one = first_tape()
    two, three = one.again(), one.again()
    one.play(start(), END).expect()
    two.play(*events).expect()
    three.play(start(), END).expect()
    child = one.child("c")
    assert sent(child).count(b"HTTP/1.1\r\n") == (3 if together else 1)
    answer = OK if events[0] != start("HEAD") else OK[:-2]
    assert shown(child.reply(Data(OK)).events) == [200, b"ok", "END"]
    assert sent(child).count(b"HTTP/1.1\r\n") == (3 if together else 2)
    child.reply(Data(answer[:-1])).expect()
    assert sent(child).count(b"HTTP/1.1\r\n") == (3 if together else 2)
    child.reply(Data(answer[-1:])).expect()
    two.play().anything()
    assert sent(child).count(b"HTTP/1.1\r\n") == 3
    child.reply(Data(OK)).expect()
    assert shown(three.play().events) == [200, b"ok", "END"]


def test_answers_in_the_middle_of_requests() -> None:
    """A sub-pipeline may answer at once, while it is being fed: nothing is sent in between."""

    class Server(Filter):
        def process(self, event: Event) -> None:
            log.append("start" if isinstance(event, MessageStart) else "END" if event is END else "data")
            if type(event) is Data:
                self.emit(Data(OK))

    log: list[str] = []
    one = Tape(MuxHTTP, target("s", [Server]), "k", settings())
    assert shown(one.play(start("POST"), Data(b"x"), END).events) == [200, b"ok", "END"]
    more = [one.again() for _ in range(3)]
    assert shown(more[0].play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).events) == [200, b"ok", "END"]  # too early
    assert shown(more[1].play(start(), END).events) == [200, b"ok", "END"]
    assert log == ["start", "data", "END", "start", "data", "start", "data", "END"]


FAILURES = [
    (Failure.CONNECTION_REFUSED, 502, "Connection Refused"),
    (Failure.CONNECTION_TIMEOUT, 504, "Gateway Timeout"),
    (Failure.RUNTIME_ERROR, 502, "Bad Gateway"),
    (Failure.UNAUTHORIZED, 502, "Unauthorized"),
]


@pytest.mark.parametrize(("failure", "status", "text"), FAILURES)
def test_a_session_that_fails(failure: Failure, status: int, text: str) -> None:
    """It never was connected: all who wait are told at once; the next request gets a new session."""
    one = first_tape()
    two, three = one.again(), one.again()
    one.play(start(), END).expect()
    two.play(start(), END).expect()
    three.play(start("POST"), END).expect()
    events = one.child("c").reply(StreamEnd(failure)).events
    assert shown(events) == [status, failure]
    assert isinstance(events[0], MessageStart)
    assert events[0].head is not None
    assert events[0].head.get("statusText") == text
    assert shown(two.play().events) == [status, failure]
    assert shown(three.play().events) == [status, failure]
    assert one.child("c").closed
    one.again().play(start(), END).expect()
    assert len(one.children("c")) == 2


CUTS = [
    pytest.param(b"", [502, Failure.CONNECTION_RESET], id="before-the-response"),
    pytest.param(b"HTTP/1.1 200 OK\r\nCont", [502, Failure.CONNECTION_RESET], id="in-the-head"),
    pytest.param(OK[:-1], [200, b"o", Failure.CONNECTION_RESET], id="in-the-body"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [200, Failure.CONNECTION_RESET], id="in-the-chunks"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\nall", [200, b"all", "END"], id="where-it-may"),
    pytest.param(b"\0", [502, Failure.PROTOCOL_ERROR], id="garbage"),
    pytest.param(OK + OK, [200, b"ok", "END"], id="two-for-one"),
    pytest.param(OK + b"HT", [200, b"ok", "END"], id="one-and-a-bit"),
    pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", [502, Failure.PROTOCOL_ERROR], id="upgrade-that-nobody-asked-for"),
]


@pytest.mark.parametrize(("response", "expected"), CUTS)
def test_a_server_that_closes_early(response: bytes, expected: list[object]) -> None:
    """What is cut short is never complete, and the session is over."""
    tape = first_tape()
    tape.play(start(), END).expect()
    assert shown(tape.child("c").reply(Data(response), EOS).events) == expected
    assert tape.child("c").closed


def test_bytes_that_nobody_asked_for() -> None:
    """They would be taken for the answer to the next request: the session is over."""
    tape = first_tape()
    tape.play(start(), END).expect()
    tape.child("c").reply(Data(OK)).events  # noqa: B018  # asserted elsewhere
    tape.child("c").reply(Data(b"HTTP/1.1 408 Timeout\r\n")).expect()
    assert tape.child("c").closed


def test_a_response_before_the_request() -> None:
    """It cannot be meant for it: the request goes to another session."""
    tape = first_tape()
    tape.play(start("POST"), Data(b"x")).expect()
    tape.again().play(start(), END).expect()
    tape.child("c").reply(Data(OK)).expect()
    tape.child("c").reply(Data(OK)).expect()
    assert tape.child("c").closed
    tape.play(END).expect()
    assert sent(tape.child("c")).count(b"HTTP/1.1\r\n") == 1
    assert sent(tape.child("c", 1)) == b"POST / HTTP/1.1\r\ncontent-length: 1\r\n" + KEEP + b"x"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
def test_a_server_that_announces_to_close(head: bytes) -> None:
    """Nothing more is sent to it."""
    one = first_tape()
    one.play(start(), END).expect()
    one.child("c").reply(Data(head + b"Content-Length: 2\r\n\r\no")).events  # noqa: B018  # only the end matters here
    two = one.again()
    two.play(start(), END).expect()
    assert len(one.children("c")) == 2
    assert shown(one.child("c").reply(Data(b"k")).events) == [b"k", "END"]
    assert one.child("c").closed
    assert not one.child("c", 1).closed


def test_a_response_before_the_request_is_complete() -> None:
    """It is delivered; the rest of the request has nowhere to go, and nothing else is sent there."""
    one = first_tape()
    two = one.again()
    one.play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).expect()
    two.play(start(path="/2"), END).expect()
    assert shown(one.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
    assert one.child("c").closed
    assert b"/2" not in sent(one.child("c"))
    assert sent(one.child("c", 1)).startswith(b"GET /2 ")
    one.play(Data(b"x"), END).expect()


def test_a_request_that_ends_while_it_is_answered() -> None:
    """It is complete before the response is: the session goes on."""
    tape = first_tape()
    tape.play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).expect()
    assert shown(tape.child("c").reply(Data(OK[:-1])).events) == [200, b"o"]
    tape.play(END).expect()
    assert shown(tape.child("c").reply(Data(OK[-1:])).events) == [b"k", "END"]
    assert not tape.child("c").closed


def test_head_responses() -> None:
    """The method decides, also that of a received head."""
    for events in ([start("HEAD"), END], received(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")):
        tape = first_tape()
        tape.play(*events).expect()
        assert shown(tape.child("c").reply(Data(OK[:-2])).events) == [200, "END"]


# -- streams that go away ---------------------------------------------------------------------------------------------


def test_gone_while_the_reply_is_pending() -> None:
    """The reply is dropped when it comes; others stay in step."""
    one = first_tape()
    two = one.again()
    one.play(start(path="/1"), END).expect()
    two.play(start(path="/2"), END).expect()
    one.close().expect()
    one.child("c").reply(Data(OK)).expect()
    one.child("c").reply(Data(OK.replace(b"ok", b"no"))).expect()
    assert shown(two.play().events) == [200, b"no", "END"]
    assert not one.child("c").closed


def test_gone_in_the_middle_of_the_only_response() -> None:
    """The server need not send the rest."""
    tape = first_tape()
    tape.play(start(), END).expect()
    assert shown(tape.child("c").reply(Data(OK[:-1])).events) == [200, b"o"]
    tape.close().expect()
    assert tape.child("c").closed


def test_gone_in_the_middle_of_the_request() -> None:
    """Nobody can say where the next request begins: the session ends, and those behind go elsewhere, however often."""
    one = first_tape()
    aborted = [one, *[one.again() for _ in range(5)]]
    for tape in aborted:
        tape.play(start("POST"), Data(b"x" * COLLECTED), Data(b"x")).expect()
    last = one.again()
    last.play(start(path="/last"), END).expect()
    for number, tape in enumerate(aborted):
        tape.close().expect()
        assert one.child("c", number).closed
    assert sent(one.child("c", 6)).startswith(b"GET /last ")
    one.child("c", 6).reply(Data(OK)).expect()
    assert shown(last.play().events) == [200, b"ok", "END"]


def test_gone_while_others_wait_for_the_response() -> None:
    """Nobody wants it any more, so they need not wait for it."""
    one = first_tape()
    two = one.again()
    one.play(start("POST"), END).expect()
    two.play(start(path="/2"), END).expect()
    one.close().expect()
    assert one.child("c").closed
    assert sent(one.child("c", 1)).startswith(b"GET /2 ")
    two.play().expect()


def test_gone_before_anything_was_sent() -> None:
    """As if it had never been; whether it was its turn or not."""
    one = first_tape()
    two, three, four = one.again(), one.again(), one.again()
    one.play(start("POST"), Data(b"x")).expect()
    two.play(start("POST", path="/2"), END).expect()
    three.play(start(path="/3"), END).expect()
    four.play(start(path="/4"), END).expect()
    one.close().expect()
    three.close().expect()
    child = one.child("c")
    child.reply(Data(OK)).expect()
    assert shown(two.play().events) == [200, b"ok", "END"]
    assert sent(child).count(b"HTTP/1.1") == 2
    assert sent(child).endswith(b"GET /4 HTTP/1.1\r\ncontent-length: 0\r\n" + KEEP)


def test_an_exception_behind_one_reply_does_not_touch_another() -> None:
    """Each stream has its own."""

    class Throws(Filter):
        def process(self, event: Event) -> None:
            raise ScriptError("TypeError", "x")

    calm: list[int] = []
    one = Tape([(MuxHTTP, target("c"), "k", settings()), lambda: _Pass() if calm else Throws()])
    one.play(start(), END).expect()
    calm.append(1)
    two = one.again()
    two.play(start(), END).expect()
    one.child("c").reply(Data(OK + OK)).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert shown(two.play().events) == [200, b"ok", "END"]


class _Pass(Filter):
    def process(self, event: Event) -> None:
        """Pass."""
        self.emit(event)


def test_a_head_that_cannot_be_sent() -> None:
    """Only its own stream ends, also if it is noticed in another one's turn."""
    one = first_tape()
    two, three = one.again(), one.again()
    one.play(start("POST"), END).expect()
    two.play(start("A B"), END).expect()
    three.play(start(path="/3"), END).expect()
    assert shown(one.child("c").reply(Data(OK)).fails(ScriptError).events) == [200, b"ok", "END"]
    two.play().expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert sent(one.child("c")).count(b"HTTP/1.1") == 2
    one.child("c").reply(Data(OK)).expect()
    assert shown(three.play().events) == [200, b"ok", "END"]
    four = one.again()
    four.play(start("A B"), END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    five = one.again()
    five.play(start(path="/5"), END).expect()
    assert sent(one.child("c")).count(b"HTTP/1.1") == 3


def test_a_large_request_that_cannot_be_sent() -> None:
    """Its client is not made to wait for anything."""
    tape = first_tape()
    tape.play(start("A B"), Data(b"x" * COLLECTED)).expect()
    tape.play(Data(b"x")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert not tape.held


def test_an_upgrade_that_cannot_be_sent() -> None:
    """The session was taken out for it, and ends."""
    tape = first_tape()
    tape.play(start("A B", upgrade="websocket"), END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert tape.child("c").closed


def test_a_session_that_cannot_be_made() -> None:
    """Only the stream that needs it ends, also if it is noticed in another one's turn."""

    class Silent(Filter):
        def process(self, event: Event) -> None:
            """Answer nothing."""

    def make() -> Filter:
        if servers:
            raise ZeroDivisionError
        servers.append(Silent())
        return servers[0]

    servers: list[Silent] = []
    one = Tape(MuxHTTP, target("s", [make]), "k", settings())
    two = one.again()
    one.play(start("POST"), END).expect()
    two.play(start("POST"), END).expect()
    servers[0].emit(EOS)
    assert shown(one.play().fails(ZeroDivisionError).events) == [502, Failure.CONNECTION_RESET]
    two.play().expect(StreamEnd(Failure.RUNTIME_ERROR))


# -- sessions that are lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [EOS, StreamEnd(Failure.READ_ERROR), StreamEnd(Failure.READ_TIMEOUT), Data(b"garbage")])
def test_what_was_not_sent_goes_to_another_session(end: Event) -> None:
    """Whatever its method; in order, and before newcomers."""
    one = first_tape()
    two, three, four = one.again(), one.again(), one.again()
    one.play(start("POST", "/1"), END).expect()
    two.play(start("POST", "/2"), Data(b"x"), END).expect()
    three.play(start(path="/3"), END).expect()
    assert shown(one.child("c").reply(end).events)[0] in (502, 504)
    child = one.child("c", 1)
    assert sent(child) == b"POST /2 HTTP/1.1\r\ncontent-length: 1\r\n" + KEEP + b"x"
    four.play(start(path="/4"), END).expect()
    child.reply(Data(OK), Data(OK + OK)).expect()
    assert [shown(tape.play().events) for tape in (two, three, four)] == [[200, b"ok", "END"]] * 3
    assert len(one.children("c")) == 2


def test_moving_has_an_end() -> None:
    """Three sessions that were lost without an answer are enough."""
    one = first_tape()
    tapes = [one, *[one.again() for _ in range(5)]]
    for tape in tapes:
        tape.play(start("POST"), END).expect()
    failed = [502, Failure.CONNECTION_RESET]
    for number, tape in enumerate(tapes[:4]):
        one.child("c", number).reply(EOS).anything()
        if tape is not one:
            assert shown(tape.play().events) == failed
    assert [shown(tape.play().events) for tape in tapes[4:]] == [failed, failed]
    assert len(one.children("c")) == 4


def test_moving_goes_on_while_there_are_answers() -> None:
    """A server that closes behind each response gets as many connections as there are requests."""
    one = first_tape()
    tapes = [one, *[one.again() for _ in range(9)]]
    for tape in tapes:
        tape.play(start("POST"), END).expect()
    for number, tape in enumerate(tapes):
        one.child("c", number).reply(Data(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), EOS).anything()
        if tape is not one:
            assert shown(tape.play().events) == [200, b"ok", "END"]
        assert one.child("c", number).closed


def test_the_others_need_not_wait_for_the_end_of_the_last_response() -> None:
    """It is known when it begins that it is the last."""
    for head in (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"):
        one = first_tape()
        two = one.again()
        one.play(start("POST"), END).expect()
        two.play(start("POST", "/2"), END).expect()
        assert shown(one.child("c").reply(Data(head)).events) == [200]
        assert sent(one.child("c", 1)).startswith(b"POST /2 ")
        assert shown(one.child("c").reply(Data(b"ok"), EOS).events) == [b"ok", "END"]
        assert not one.child("c", 1).closed


@pytest.mark.parametrize("end", [EOS, StreamEnd(Failure.READ_ERROR), StreamEnd(Failure.WRITE_ERROR)])
def test_what_was_sent_in_vain_is_repeated_once(end: Event) -> None:
    """The server closed an idle connection while the request was on its way. It travels alone then (RFC 9112, 9.3.2)."""
    one = first_tape()
    two, three, four = one.again(), one.again(), one.again()
    one.play(start(), END).expect()
    assert shown(one.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
    two.play(*received(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")).expect()
    three.play(start("DELETE", "/3"), END).expect()
    one.child("c").reply(end).expect()
    child = one.child("c", 1)
    assert sent(child).startswith(b"GET /2 ")
    assert sent(child).count(b"HTTP/1.1\r\n") == 1
    four.play(start(path="/4"), END).expect()
    child.reply(end).expect()
    assert shown(two.play().events)[0] == 502
    child = one.child("c", 2)
    assert sent(child).startswith(b"DELETE /3 ")
    child.reply(Data(OK)).expect()
    assert shown(three.play().events) == [200, b"ok", "END"]
    assert sent(child).endswith(b"GET /4 HTTP/1.1\r\ncontent-length: 0\r\n" + KEEP)


def test_requests_behind_the_last_response_are_repeated() -> None:
    """A server that says that it closes has not looked at them (RFC 9112, 9.6)."""
    one = first_tape()
    tapes = [one, *[one.again() for _ in range(5)]]
    for tape in tapes:
        tape.play(start(), END).expect()
    assert sent(one.child("c")).count(b"GET") == 6
    for number, tape in enumerate(tapes):
        child = one.child("c", number)
        child.reply(Data(OK.replace(b"1.1", b"1.0"))).anything()
        if tape is not one:
            assert shown(tape.play().events) == [200, b"ok", "END"]


LOST: list[Any] = [
    pytest.param("GET", [], [EOS], id="a-session-that-never-answered"),
    pytest.param("POST", [Data(OK)], [EOS], id="post"),
    pytest.param("GET", [Data(OK)], [Data(b"HTTP/1.1 1"), EOS], id="half-a-head"),
    pytest.param("GET", [Data(OK)], [Data(b"HTTP/1.1 102 Processing\r\n\r\n"), EOS], id="interim-response"),
    pytest.param("GET", [Data(OK)], [Data(OK[:-1]), EOS], id="half-a-response"),
    pytest.param("GET", [Data(OK)], [StreamEnd(Failure.READ_TIMEOUT)], id="no-time-left"),
    pytest.param("GET", [Data(OK)], [Data(b"\0")], id="garbage"),
]


@pytest.mark.parametrize(("method", "before", "end"), LOST)
def test_what_is_not_repeated(method: str, before: list[Event], end: list[Event]) -> None:
    """The server may have done something, or would do no better."""
    one = first_tape()
    two = one.again()
    if before:
        one.play(start(), END).expect()
        one.child("c").reply(*before).anything()
    two.play(start(method), END).expect()
    one.child("c").reply(*end).expect()
    assert isinstance(shown(two.play().events)[-1], Failure)
    assert len(one.children("c")) == 1


def test_what_nobody_waits_for_is_not_repeated() -> None:
    """Nor is it moved."""
    one = first_tape()
    two, three = one.again(), one.again()
    one.play(start(), END).expect()
    two.play(start(), END).expect()
    three.play(start("POST"), END).expect()
    one.child("c").reply(Data(OK)).anything()
    three.close().expect()
    two.close().expect()
    one.child("c").reply(EOS).expect()
    assert len(one.children("c")) == 1


def test_failing_together() -> None:
    """A client whose requests all fail goes away at the first; nobody stumbles over those that are left."""
    proxy = Tape(DemuxHTTP, target("r", [(MuxHTTP, target("c"), "k", settings())]), {"bufferSize": 10})
    proxy.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).expect()
    other = proxy.again()
    other.play(Data(b"POST /2 HTTP/1.1\r\nHost: h\r\n\r\n" * 3)).expect()
    events = proxy.child("c").reply(StreamEnd(Failure.CONNECTION_REFUSED)).events
    assert wire(events).endswith(b"connection: close\r\n\r\n")
    assert wire(other.play().events).count(b"502 Connection Refused") == 3
    assert len(proxy.children("c")) == 1


# -- idle sessions ----------------------------------------------------------------------------------------------------


def exchange(tape: Tape) -> None:
    """A request and its response; then the stream ends."""
    tape.play(start(), END).expect()
    tape.world.children[-1].give(Data(OK))
    assert shown(tape.play().events) == [200, b"ok", "END"]
    tape.close().expect()


def test_idle_sessions_end() -> None:
    """After maxIdle seconds without users, however many there were before."""
    one = first_tape(maxIdle=10)
    exchange(one)
    one.advance(6).expect()
    exchange(one.again())
    one.advance(6).expect()
    assert not one.child("c").closed
    one.advance(5).expect()
    assert one.child("c").closed
    assert one.child("c").fed[-1] == EOS
    exchange(one.again())
    assert len(one.children("c")) == 2


def test_sessions_in_use_do_not_end() -> None:
    """However long it takes, where no limit is set."""
    one = first_tape(maxIdle=1, responseTimeout=0)
    exchange(one)
    two = one.again()
    two.play(start(), END).expect()
    one.advance(100).expect()
    assert not one.child("c").closed


# -- other protocols --------------------------------------------------------------------------------------------------

UPGRADE = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"


def test_upgrade() -> None:
    """Nobody else gets the session; what was sent too early waits for the answer."""
    one = first_tape()
    one.play(*received(UPGRADE), Data(b"early")).expect()
    child = one.child("c")
    assert sent(child) == b"GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n"
    one.again().play(start(), END).expect()
    assert len(one.children("c")) == 2
    assert shown(child.reply(Data(SWITCH + b"raw")).events) == [101, "END", b"raw"]
    one.play(Data(b"more"), EOS).expect()
    assert child.fed[3:] == [Data(b"early"), Data(b"more"), EOS]
    child.reply(EOS).expect(EOS)
    assert child.closed


def test_upgrade_that_waits_for_its_turn() -> None:
    """What was sent too early is no body of it, and its client waits."""
    one = first_tape()
    two = one.again()
    one.play(start("POST"), END).expect()
    two.play(*received(UPGRADE), Data(b"x" * COLLECTED)).expect()
    assert not two.held
    two.play(Data(b"x")).expect()
    assert two.held
    valve = two.world.valves[0]
    child = one.child("c")
    assert shown(child.reply(Data(OK)).events) == [200, b"ok", "END"]
    assert sent(child).endswith(b"connection: upgrade\r\ncontent-length: 0\r\n\r\n")
    child.reply(Data(SWITCH)).expect()
    assert shown(two.play().events) == [101, "END"]
    assert sent(child).endswith(b"\r\n\r\n" + b"x" * (COLLECTED + 1))
    assert not valve.closed


def test_upgrade_that_is_refused() -> None:
    """The session was taken out for it, and ends."""
    tape = first_tape()
    tape.play(start(upgrade="websocket"), END).expect()
    assert shown(tape.child("c").reply(Data(OK)).events) == [200, b"ok", "END"]
    assert tape.child("c").closed


def test_connect() -> None:
    """The response has no body, whatever it says."""
    tape = first_tape()
    tape.play(start("CONNECT", "a:1"), END, Data(b"raw")).expect()
    assert sent(tape.child("c")) == b"CONNECT a:1 HTTP/1.1\r\n" + KEEP
    assert shown(tape.child("c").reply(Data(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")).events) == [200, "END", b"abc"]
    assert sent(tape.child("c")).endswith(b"raw")
    tape.close().expect()
    assert tape.child("c").closed


def test_continue() -> None:
    """The head goes at once if the client waits for it; the answer goes past all filters, to the client."""
    tape = Tape(DemuxHTTP, target("r", [(MuxHTTP, target("c"), "k", settings())]), {"bufferSize": 10})
    tape.play(Data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")).expect()
    child = tape.child("c")
    assert sent(child).endswith(b"transfer-encoding: chunked\r\n" + KEEP)
    child.reply(Data(b"HTTP/1.1 100 Continue\r\n\r\n")).expect(Data(b"HTTP/1.1 100 Continue\r\n\r\n"))
    tape.play(Data(b"abc")).expect()
    assert sent(child).endswith(KEEP + b"3\r\nabc\r\n0\r\n\r\n")
    assert wire(child.reply(Data(OK)).events).endswith(KEEP + b"ok")


def test_through_a_proxy_a_cut_response_is_no_answer() -> None:
    """502 while nothing was sent, then the connection is cut."""
    for response, expected in ((OK[:-1], b"502 Bad Gateway"), (OK.replace(b": 2", b": 99") + b"x" * 20, b"chunked")):
        tape = Tape(DemuxHTTP, target("r", [(MuxHTTP, target("c"), "k", settings())]), {"bufferSize": 10})
        tape.play(Data(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")).expect()
        events = tape.child("c").reply(Data(response), EOS).events
        assert expected in wire(events)
        assert (events[-1] == StreamEnd(Failure.CONNECTION_RESET)) is (b"chunked" in expected)


def test_closing_frees_everything_at_once() -> None:
    """Streams and sessions, without the help of the collector of cycles."""
    tape = first_tape()
    opening = start()
    assert opening.head is not None
    head = weakref.ref(opening.head)
    gc.disable()
    try:
        tape.play(opening, END).expect()
        del opening
        tape.child("c").reply(Data(OK)).events  # noqa: B018  # asserted elsewhere
        tape.close().expect()
        tape.world.children[0].fed.clear()
        assert head() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("version", "text"), [(3, "invalid HTTP version: 3"), (1.5, "invalid HTTP version: 1.5")])
def test_versions(version: float, text: str) -> None:
    """Said when the script is loaded."""
    with pytest.raises(ArgumentError, match=text):
        first_tape(version=version)


def test_declaration() -> None:
    """The defaults."""
    with logged():
        assert bind(declared(mux, "muxHTTP").forms, ["x", "k"])[2] == {
            "maxIdle": 10,
            "responseTimeout": None,
            "maxPending": None,
            "bufferSize": 4096,
            "version": 1,
        }
        assert bind(declared(mux, "muxHTTP").forms, ["x", "k", ScriptDict(maxIdle="1m")])[2]["maxIdle"] == 60
