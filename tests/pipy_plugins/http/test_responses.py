"""The response decoder: a table of wires with the method that was asked, each fed whole and byte by byte."""

import pytest

from pipy_core.events import Data, Event, Failure, MessageStart
from pipy_core.testing import merged
from pipy_plugins.http.framing import BadMessage
from pipy_plugins.http.heads import ResponseHead
from pipy_plugins.http.responses import MAX_INTERIM, ResponseDecoder


class Run:
    """One decoder and what came of it."""

    def __init__(self, method: str = "GET") -> None:
        self.events: list[Event] = []
        self.interim: list[int] = []
        self.decoder = ResponseDecoder(self.events.append, lambda: method, lambda head: self.interim.append(head.status))

    def feed(self, *pieces: bytes) -> list[object]:
        """Statuses of heads, bytes of bodies, and ``END``."""
        for piece in pieces:
            self.decoder.feed(piece)
        result: list[object] = []
        for event in merged(self.events):
            if isinstance(event, MessageStart):
                assert isinstance(event.head, ResponseHead)
                result.append(event.head.get("status"))
            else:
                result.append(event.payload if isinstance(event, Data) else "END")
        return result


def bytewise(wire: bytes) -> list[bytes]:
    """Its bytes, each a piece."""
    return [wire[number : number + 1] for number in range(len(wire))]


OK = b"HTTP/1.1 200 OK\r\n"

GOOD = [
    pytest.param("GET", OK + b"Content-Length: 2\r\n\r\nok", [200, b"ok", "END"], id="length"),
    pytest.param("GET", OK + b"Content-Length: 0\r\n\r\n" * 1, [200, "END"], id="length-0"),
    pytest.param("GET", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", [200, b"ok", "END"], id="chunks"),
    pytest.param("GET", OK + b"\r\nall the rest", [200, b"all the rest"], id="until-the-end"),
    pytest.param("GET", b"HTTP/1.0 200 OK\r\n\r\nx", [200, b"x"], id="http-1.0"),
    pytest.param("HEAD", OK + b"Content-Length: 9\r\n\r\n" + OK + b"\r\n", [200, "END", 200, "END"], id="head"),
    pytest.param("GET", b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", [205, "END"], id="205"),
    pytest.param(
        "GET", b"HTTP/1.1 102 P\r\n\r\n" * MAX_INTERIM + OK + b"Content-Length: 0\r\n\r\n", [200, "END"], id="many-interim"
    ),
    pytest.param("HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n", [200, "END"], id="head-chunked"),
    pytest.param("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", [204, "END", 200, "END"], id="204"),
    pytest.param("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", [304, "END"], id="304-with-length"),
    pytest.param("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", [200, "END"], id="interim"),
    pytest.param("GET", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nraw", [101, "END", b"raw"], id="101"),
    pytest.param("CONNECT", OK + b"Content-Length: 3\r\n\r\nraw", [200, "END", b"raw"], id="connect"),
    pytest.param("CONNECT", b"HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nbad", [407, b"bad", "END"], id="connect-refused"),
    pytest.param("GET", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", [200, "END"], id="no-reason"),
    pytest.param("GET", b"HTTP/1.1 999 \xe9\r\nContent-Length: 0\r\n\r\n", [999, "END"], id="odd-reason"),
]


@pytest.mark.parametrize(("method", "wire", "expected"), GOOD)
def test_good_responses(method: str, wire: bytes, expected: list[object]) -> None:
    """Whole and byte by byte are the same."""
    assert Run(method).feed(wire) == expected
    assert Run(method).feed(*bytewise(wire)) == expected


BAD = [
    pytest.param(b"garbage", id="garbage"),
    pytest.param(b"HTTP/2 200 OK\r\n\r\n", id="http-2"),
    pytest.param(b"HTTP/1.1 99 x\r\n\r\n", id="two-digits"),
    pytest.param(b"HTTP/1.1  200 OK\r\n\r\n", id="two-blanks"),
    pytest.param(b"HTTP/1.1 200OK\r\n\r\n", id="no-blank"),
    pytest.param(b"HTTP/1.1 200 O\x00K\r\n\r\n", id="nul-in-reason"),
    pytest.param(OK + b"A : b\r\n\r\n", id="blank-before-colon"),
    pytest.param(OK + b"A: b\r\n folded\r\n\r\n", id="obs-fold"),
    pytest.param(OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length-and-chunked"),
    pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two-lengths"),
    pytest.param(OK + b"Transfer-Encoding: gzip\r\n\r\nx", id="gzip"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", id="bad-chunk"),
    pytest.param(b"HTTP/1.1 200 OK\n\n", id="bare-lf"),
    pytest.param(b"HTTP/1.1 200 OK\rA: b\r\n\r\n", id="bare-cr"),
    pytest.param(b"HTTP/1.1 099 x\r\n\r\n", id="status-below-100"),
    pytest.param(b"ICY 200 OK\r\n\r\n", id="another-protocol"),
    pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", id="two-equal-lengths"),
    pytest.param(OK + b"Content-Length: 1, 1\r\n\r\na", id="list-of-lengths"),
    pytest.param(OK + b"Content-Length: +1\r\n\r\na", id="signed-length"),
    pytest.param(OK + b"Content-Length: 99999999999999999999\r\n\r\na", id="length-overflow"),
    pytest.param(OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="blank-behind-transfer-encoding"),
    pytest.param(OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", id="twice-chunked"),
    pytest.param(OK + b"A: b\x00\r\n\r\n", id="nul-in-value"),
    pytest.param(OK + b"A: b\r\n" * 200 + b"\r\n", id="many-fields"),
    pytest.param(b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INTERIM + 1), id="interim-responses-without-end"),
    pytest.param(b"HTTP/1.1 200 " + b"x" * 9000 + b"\r\n\r\n", id="long-reason"),
]


@pytest.mark.parametrize("wire", BAD)
def test_bad_responses(wire: bytes) -> None:
    """They are refused and never completed."""
    for fed in ([wire], bytewise(wire)):
        run = Run()
        with pytest.raises(BadMessage):
            run.feed(*fed)
        assert "END" not in run.feed()


def test_interim_responses_go_their_own_way() -> None:
    """All of them but 101."""
    run = Run()
    run.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    assert run.interim == [100, 103]


def test_head_is_decoded_in_order() -> None:
    """With the whole reason phrase."""
    run = Run("HEAD")
    run.feed(b"HTTP/1.0 404 Not Found at all\r\nServer: x\r\n\r\n")
    start = run.events[0]
    assert isinstance(start, MessageStart)
    assert start.head is not None
    assert list(start.head.fields.items()) == [
        ("protocol", "HTTP/1.0"),
        ("headers", {"server": "x"}),
        ("status", 404),
        ("statusText", "Not Found at all"),
    ]


ENDS = [
    pytest.param(b"", Failure.NONE, Failure.NONE, [], id="between-messages"),
    pytest.param(b"", Failure.READ_ERROR, Failure.READ_ERROR, [], id="error-between-messages"),
    pytest.param(OK + b"Cont", Failure.NONE, Failure.CONNECTION_RESET, [], id="half-a-head"),
    pytest.param(OK + b"\r\nx", Failure.NONE, Failure.NONE, [200, b"x", "END"], id="until-the-end"),
    pytest.param(OK + b"\r\nx", Failure.READ_ERROR, Failure.READ_ERROR, [200, b"x"], id="error-until-the-end"),
    pytest.param(OK + b"Content-Length: 2\r\n\r\nx", Failure.NONE, Failure.CONNECTION_RESET, [200, b"x"], id="half-a-body"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", Failure.NONE, Failure.CONNECTION_RESET, [200], id="half-the-chunks"
    ),
    pytest.param(OK + b"Content-Length: 2\r\n\r\nxy", Failure.NONE, Failure.NONE, [200, b"xy", "END"], id="complete"),
]


@pytest.mark.parametrize(("wire", "given", "failure", "expected"), ENDS)
def test_the_end_of_the_stream(wire: bytes, given: Failure, failure: Failure, expected: list[object]) -> None:
    """What is cut off is never complete."""
    run = Run()
    run.feed(wire)
    assert run.decoder.finish(given) is failure
    assert run.feed() == expected
