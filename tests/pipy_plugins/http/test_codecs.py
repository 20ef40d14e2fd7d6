"""decodeHTTPRequest, decodeHTTPResponse, encodeHTTPRequest, encodeHTTPResponse: the codec as filters."""

from typing import Any

import pytest

from pipy_core.events import END, EOS, FLUSH, Data, Event, Failure, Head, MessageEnd, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter
from pipy_plugins.http.codecs import DecodeRequest, DecodeResponse, EncodeRequest, EncodeResponse

KEEP = b"connection: keep-alive\r\n\r\n"
CLOSE = b"connection: close\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def shown(events: list[Event]) -> list[object]:
    """Path or status of heads, bytes, ``END``, failures."""
    result: list[object] = []
    for event in events:
        if isinstance(event, MessageStart):
            assert event.head is not None
            result.append(event.head.get("path") or event.head.get("status"))
        elif isinstance(event, Data):
            result.append(event.payload)
        else:
            result.append("END" if isinstance(event, MessageEnd) else event.error)
    return result


def start(**fields: Any) -> MessageStart:
    """The start of a message that a script has made."""
    return MessageStart(Head(fields))


def test_requests_are_decoded() -> None:
    """The end passes; what is no Data is consumed."""
    tape = Tape(DecodeRequest)
    tape.play(MessageStart(), FLUSH, END).expect()
    assert shown(tape.play(Data(GET + POST[:-1])).events) == ["/", "END", "/p", b"ab"]
    assert shown(tape.play(Data(POST[-1:]), EOS).events) == [b"c", "END", Failure.NONE]


def test_behind_an_upgrade_everything_passes() -> None:
    """There is nobody who could say that it was refused."""
    upgrade = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    assert shown(Tape(DecodeRequest).play(Data(upgrade + GET)).events) == ["/ws", "END", GET]


def test_malformed_requests_end_the_stream() -> None:
    """What was right came out."""
    assert shown(Tape(DecodeRequest).play(Data(GET + b"\0")).events) == ["/", "END", Failure.PROTOCOL_ERROR]


@pytest.mark.parametrize("stage", [DecodeRequest, (DecodeResponse, {"bodiless": False})])
def test_nothing_comes_behind_the_end_of_a_malformed_stream(stage: Any) -> None:
    tape = Tape([stage])
    assert tape.play(Data(b"\0")).events[-1] == StreamEnd(Failure.PROTOCOL_ERROR)
    tape.play(Data(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), EOS).expect()


def test_a_response_that_breaks_within_the_piece_it_began_in_is_no_second_response() -> None:
    content = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"
    begun, *rest = Tape(DecodeResponse, {"bodiless": False}).play(Data(content)).events
    assert isinstance(begun, MessageStart)
    assert rest == [StreamEnd(Failure.PROTOCOL_ERROR)]


def response_tape(bodiless: Any = False) -> Tape:
    """A stream of responses."""
    return Tape(DecodeResponse, {"bodiless": bodiless})


RESPONSES = [
    pytest.param([Data(OK), EOS], [200, b"ok", "END", Failure.NONE], id="one"),
    pytest.param([Data(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)], [200, b"ok", "END"], id="interim-is-skipped"),
    pytest.param([Data(b"HTTP/1.1 200 OK\r\n\r\nrest"), EOS], [200, b"rest", "END", Failure.NONE], id="until-the-end"),
    pytest.param([EOS], [Failure.NONE], id="none"),
    pytest.param([Data(OK[:-1]), EOS], [200, b"o", Failure.CONNECTION_RESET], id="cut-off"),
    pytest.param([Data(OK[:9]), EOS], [502, Failure.CONNECTION_RESET], id="half-a-head"),
    pytest.param([StreamEnd(Failure.READ_TIMEOUT)], [504, Failure.READ_TIMEOUT], id="failure-before"),
    pytest.param([Data(OK[:-1]), StreamEnd(Failure.READ_ERROR)], [200, b"o", Failure.READ_ERROR], id="failure-within"),
    pytest.param([Data(b"\0")], [502, Failure.PROTOCOL_ERROR], id="garbage"),
    pytest.param([Data(OK.replace(b"2", b"x"))], [502, Failure.PROTOCOL_ERROR], id="malformed"),
]


@pytest.mark.parametrize(("events", "expected"), RESPONSES)
def test_responses_are_decoded(events: list[Event], expected: list[object]) -> None:
    """What cannot come any more is replaced by a head that says why."""
    assert shown(response_tape().play(*events).events) == expected


def test_bodiless_responses() -> None:
    """The script is asked at each."""
    answers = iter([True, False])
    tape = response_tape(lambda: next(answers))
    assert shown(tape.play(Data(OK[:-2] + OK)).events) == [200, "END", 200, b"ok", "END"]


def test_requests_are_encoded() -> None:
    """Between the marks of messages; Data outside is dropped."""
    opening = start(method="POST", path="/p")
    Tape(EncodeRequest, {"bufferSize": 4}).play(Data(b"lost"), opening, Data(b"abcd"), END, END, EOS).expect(
        opening, Data(b"POST /p HTTP/1.1\r\ncontent-length: 4\r\n" + KEEP + b"abcd"), END, EOS
    )
    Tape(EncodeRequest, {"bufferSize": 4}).play(opening, Data(b"abcd"), Data(b"e"), END).expect(
        opening, Data(b"POST /p HTTP/1.1\r\ntransfer-encoding: chunked\r\n" + KEEP + b"5\r\nabcde\r\n"), Data(b"0\r\n\r\n"), END
    )


@pytest.mark.parametrize("fields", [{"method": "CONNECT", "path": "a:1"}, {"headers": {"upgrade": "websocket"}}])
def test_tunnels_of_requests(fields: dict[str, Any]) -> None:
    """Everything behind such a request passes."""
    tape = Tape(EncodeRequest, {"bufferSize": 4})
    tape.play(start(**fields), END).anything()
    tape.play(Data(b"raw"), EOS).expect(Data(b"raw"), EOS)


def test_a_received_connect_makes_a_tunnel() -> None:
    """Its method is known without a look at its fields."""
    tape = Tape([(DecodeRequest,), (EncodeRequest, {"bufferSize": 4})])
    assert shown(tape.play(Data(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nraw")).events)[-1] == b"raw"


def encoder(final: Any = False, bodiless: Any = False) -> Tape:
    """A stream of responses."""
    return Tape(EncodeResponse, {"bufferSize": 4, "final": final, "bodiless": bodiless})


def test_responses_are_encoded() -> None:
    """The connection goes on."""
    opening = start(status=201)
    one = [opening, Data(b"HTTP/1.1 201 Created\r\ncontent-length: 1\r\n" + KEEP + b"x"), END]
    encoder().play(opening, Data(b"x"), END, opening, Data(b"x"), END, EOS).expect(*one, *one, EOS)


def test_final_and_bodiless_responses() -> None:
    """The script is asked at each; a final one ends the stream."""
    count: list[int] = []
    tape = encoder(lambda: len(count) > 1, lambda: count.append(1) or len(count) == 1)
    opening = start()
    tape.play(opening, Data(b"x"), END).expect(opening, Data(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" + KEEP), END)
    tape.play(opening, Data(b"x"), END).expect(opening, Data(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" + KEEP + b"x"), END)
    tape.play(opening, END).expect(opening, Data(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + CLOSE), EOS)
    tape.play(opening, END, EOS).expect()


def test_tunnels_of_responses() -> None:
    """Everything behind 101 passes, an error too."""
    tape = encoder()
    tape.play(start(status=101), END).anything()
    tape.play(Data(b"raw"), StreamEnd(Failure.RUNTIME_ERROR)).expect(Data(b"raw"), StreamEnd(Failure.RUNTIME_ERROR))


FAILED = StreamEnd(Failure.RUNTIME_ERROR)
SORRY = Data(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n" + CLOSE)


def test_an_exception_is_answered() -> None:
    """500 while nothing has been sent of the response; then the stream ends."""
    opening = start(status=200)
    encoder().play(FAILED).expect(start(status=500), SORRY, FAILED)
    encoder().play(opening, Data(b"part"), FAILED).expect(opening, SORRY, FAILED)
    tape = encoder()
    tape.play(opening, Data(b"x" * 5)).anything()
    tape.play(FAILED).expect(FAILED)
    encoder(final=True).play(opening, END, FAILED).expect(opening, Data(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + CLOSE), EOS)


def test_events_are_sent_as_they_come() -> None:
    """See ``demuxHTTP``."""
    opening = start(headers={"content-type": "text/event-stream"})
    tape = encoder()
    tape.play(opening, Data(b"a")).expect(opening)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    tape.advance(0).expect(Data(head + b"transfer-encoding: chunked\r\n" + KEEP + b"1\r\na\r\n"))
    tape.play(Data(b"b"), END).expect(Data(b"1\r\nb\r\n"), Data(b"0\r\n\r\n"), END)
    tape.play(opening, Data(b"a"), END).expect(opening, Data(head + b"content-length: 1\r\n" + KEEP + b"a"), END)
    tape.advance(0).expect()


def test_other_errors_pass() -> None:
    """The client's connection is what has failed, or will be cut."""
    encoder().play(start(), StreamEnd(Failure.READ_ERROR)).expect(start(), StreamEnd(Failure.READ_ERROR))


def test_keeps_the_filter_contract() -> None:
    """Grammar, one end, no shared state, chunking is meaningless."""
    check_filter(DecodeRequest, [Data(GET + POST), EOS])
    check_filter((DecodeResponse, {"bodiless": False}), [Data(OK + OK), StreamEnd(Failure.READ_ERROR)])
    messages: list[Event] = [start(), Data(b"abcdefgh"), END, start(), END, EOS]
    check_filter((EncodeRequest, {"bufferSize": 100}), messages)
    check_filter((EncodeResponse, {"bufferSize": 100, "final": False, "bodiless": False}), messages)
