"""HTTP/1: how bytes are cut does not matter; nothing a peer sends raises anything."""

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged, decode, same_in_pieces
from pipy_core.api import Failure, StreamEnd
from pipy_plugins.http.codecs import DecodeRequest, DecodeResponse

_FIELDS = st.sampled_from(
    [
        b"Content-Length: 3",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Connection: keep-alive, x",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Expect: 100-continue",
        b"X: y",
        b"x: \xe9",
        b"Set-Cookie: a=b",
        b"Content-Length: +1",
        b"Transfer-Encoding: gzip, chunked",
        b" folded",
        b"X : y",
    ]
)
_BODIES = st.sampled_from(
    [b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\nt: x\r\n\r\n", b"3;e=v\r\nabc\r\n0\r\n\r\n", b"FFFFFFFFF\r\n"]
)
_REQUEST_LINES = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"POST /x?y HTTP/1.1",
        b"HEAD * HTTP/1.0",
        b"CONNECT a:1 HTTP/1.1",
        b"X / HTTP/2.0",
        b"GET http://h/ HTTP/1.1",
    ]
)
_STATUS_LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 404 Not Found", b"HTTP/1.1 204 ", b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 S", b"HTTP/1.1 99 X"]
)


def _messages(lines: st.SearchStrategy[bytes], needed: bytes) -> st.SearchStrategy[bytes]:
    message = st.tuples(lines, st.lists(_FIELDS, max_size=4), _BODIES).map(
        lambda parts: parts[0] + b"\r\n" + needed + b"".join(field + b"\r\n" for field in parts[1]) + b"\r\n" + parts[2]
    )
    return st.lists(message, max_size=3).map(b"".join)


REQUESTS = _messages(_REQUEST_LINES, b"Host: h\r\n")
RESPONSES = _messages(_STATUS_LINES, b"")
_RESPONSE = (DecodeResponse, {"bodiless": False})


def _request(content: bytes) -> None:
    _check_end(decode(DecodeRequest, content)[-1])


def _response(content: bytes) -> None:
    _check_end(decode(_RESPONSE, content)[-1])


def _check_end(last: object) -> None:
    assert isinstance(last, StreamEnd)
    assert last.error in {Failure.NONE, Failure.PROTOCOL_ERROR, Failure.CONNECTION_RESET, Failure.READ_ERROR}


PROPERTIES = [
    Property("requests in any pieces", cuts(REQUESTS | damaged(REQUESTS)), lambda given: same_in_pieces(DecodeRequest, *given)),
    Property("responses in any pieces", cuts(RESPONSES | damaged(RESPONSES)), lambda given: same_in_pieces(_RESPONSE, *given)),
    Property("damaged requests", damaged(REQUESTS) | st.binary(max_size=60), _request),
    Property("damaged responses", damaged(RESPONSES) | st.binary(max_size=60), _response),
]
