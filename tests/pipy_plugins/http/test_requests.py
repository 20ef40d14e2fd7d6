"""The request decoder: a table of wires, each fed whole, byte by byte and with a tail."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import EOS, Data, Event, MessageEnd, MessageStart
from pipy_core.testing import Tape, merged, target
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.framing import LIMITS, BadMessage
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.mux import MuxHTTP
from pipy_plugins.http.requests import RequestDecoder

HOST = b"Host: h\r\n"
KEEP = b"connection: keep-alive\r\n\r\n"


def decode(pieces: list[bytes], eager: bool = False) -> tuple[list[Event], int]:
    """What comes out, and the status of the error, or 0."""
    events: list[Event] = []
    decoder = RequestDecoder(events.append, eager)
    try:
        for piece in pieces:
            decoder.feed(piece)
    except BadMessage as error:
        return merged(events), error.status
    return merged(events), 0


def bytewise(wire: bytes) -> list[bytes]:
    """Its bytes, each a piece."""
    return [wire[number : number + 1] for number in range(len(wire))]


def short(events: list[Event]) -> list[object]:
    """Method and path of heads, bytes of bodies, and ``END``."""
    result: list[object] = []
    for event in events:
        if isinstance(event, MessageStart):
            assert isinstance(event.head, RequestHead)
            result.append(f"{event.head.get('method')} {event.head.get('path')}")
        elif isinstance(event, Data):
            result.append(event.payload)
        else:
            assert isinstance(event, MessageEnd)
            result.append("END")
    return result


GOOD = [
    pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", ["GET /", "END"], id="smallest"),
    pytest.param(b"GET /a?b=c HTTP/1.1\r\n" + HOST + b"A:b\r\n\r\n", ["GET /a?b=c", "END"], id="query"),
    pytest.param(b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", ["GET /", "END"], id="empty-lines-before"),
    pytest.param(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ["GET /", "END"], id="http-1.0-without-host-or-fields"),
    pytest.param(b"FROBNICATE * HTTP/1.1\r\n" + HOST + b"\r\n", ["FROBNICATE *", "END"], id="unknown-method"),
    pytest.param(b"get / HTTP/1.1\r\n" + HOST + b"\r\n", ["get /", "END"], id="lower-case-method"),
    pytest.param(b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", ["GET /\xe9", "END"], id="bytes-in-path"),
    pytest.param(b"GET http://x/y HTTP/1.1\r\n" + HOST + b"\r\n", ["GET http://x/y", "END"], id="absolute-form"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ["GET /", "END"], id="ipv6-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", ["GET /", "END"], id="empty-host"),
    pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", ["POST /", b"abc", "END"], id="length"),
    pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", ["POST /", "END"], id="length-0"),
    pytest.param(
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b'Transfer-Encoding: Chunked \r\n\r\nA;x="y"\r\n0123456789\r\n001\r\n!\r\n0\r\nT: x\r\n\r\n',
        ["POST /", b"0123456789!", "END"],
        id="chunks-with-extension-and-trailer",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
        ["POST /", b"\r\n\r\n0\r\n\r\n", "END"],
        id="chunk-that-looks-like-an-end",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n00A;x=0\r\n0\r\n\r\n\r\n0\r\n\r\n1\r\n\r\r\n000;y\r\nZ: 0\r\n\r\n",
        ["POST /", b"0\r\n\r\n\r\n0\r\n\r", "END"],
        id="chunks-that-look-like-ends",
    ),
    pytest.param(
        b"FROB / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" + HOST + b"\r\n",
        ["FROB /", b"ab", "END", "GET /2", "END"],
        id="pipelined-behind-a-body",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n"
        + HOST
        + b"\r\n",
        ["POST /", b"a", "END", "GET /2", "END"],
        id="pipelined-behind-chunks",
    ),
    pytest.param(
        b"GET /1 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n",
        ["GET /1", "END"],
        id="nothing-behind-close",
    ),
    pytest.param(b"GET /1 HTTP/1.0\r\n\r\ngarbage", ["GET /1", "END"], id="nothing-behind-1.0"),
    pytest.param(b"GET /unfinished HTTP/1.1\r\nHo", [], id="half-a-head"),
    pytest.param(
        b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n\x81\x00",
        ["GET /", "END"],
        id="waits-behind-an-upgrade",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\n" + HOST + b"Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\nabcdef",
        ["POST /", b"abc", "END"],
        id="body-before-an-upgrade",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\nConnection: upgrade\r\n\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n",
        ["GET /", "END", "GET /2", "END"],
        id="no-upgrade-to-http2",
    ),
    pytest.param(b"CONNECT a.b:443 HTTP/1.1\r\n" + HOST + b"\r\nxyz", ["CONNECT a.b:443", "END"], id="waits-behind-connect"),
]


@pytest.mark.parametrize(("wire", "expected"), GOOD)
def test_good_requests(wire: bytes, expected: list[object]) -> None:
    """Whole and byte by byte are the same."""
    events, status = decode([wire])
    assert (short(events), status) == (expected, 0)
    events, status = decode(bytewise(wire))
    assert (short(events), status) == (expected, 0)


def request(*lines: bytes, first: bytes = b"POST / HTTP/1.1", body: bytes = b"") -> bytes:
    """A request with Host and these lines."""
    return b"\r\n".join([first, b"Host: h", *lines, b"", body])


CHUNKED = b"Transfer-Encoding: chunked"

#: What proxies have been caught passing on. Nothing of the kind may ever come out as a complete message.
BAD = [
    pytest.param(b"\x16\x03\x01\x02", 400, id="tls"),
    pytest.param(b"\x00\x01\x02garbage without line end", 400, id="garbage"),
    pytest.param(b"GET /\r\n\r\n", 400, id="http-0.9"),
    pytest.param(b"GET / HTTP/1.1\n" + b"Host: h\n\n", 400, id="bare-lf-everywhere"),
    pytest.param(b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="two-blanks"),
    pytest.param(b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n", 400, id="blank-behind-version"),
    pytest.param(b" GET / HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="blank-before-method"),
    pytest.param(b"GE(T / HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="method-is-no-token"),
    pytest.param(b"GET /\x7f HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="control-in-target"),
    pytest.param(b"GET /#f HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="fragment"),
    pytest.param(b"GET x HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="target-without-slash"),
    pytest.param(b"GET http:///x HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-without-host"),
    pytest.param(b"GET http://u@x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="user-in-target"),
    pytest.param(b"GET http://:80/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-with-a-port-only"),
    pytest.param(b"GET http://a<b>/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-with-an-invalid-host"),
    pytest.param(b"GET http://[::1/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-with-half-an-address"),
    pytest.param(b"GET http://a:b/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-with-an-invalid-port"),
    pytest.param(b"GET http://\xe9/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="absolute-form-with-bytes-in-host"),
    pytest.param(b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="connect-to-a-path"),
    pytest.param(b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", 400, id="connect-with-a-body"),
    pytest.param(b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, id="http-2"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="http-2-preface"),
    pytest.param(b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 505, id="http-1.2"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
    pytest.param(b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, id="two-hosts"),
    pytest.param(b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400, id="two-hosts-in-1.0"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, id="blank-in-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, id="path-in-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, id="list-of-hosts"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, id="user-in-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n", 400, id="bytes-in-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", 400, id="two-ports-in-host"),
    pytest.param(b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="tab-behind-method"),
    pytest.param(b"GET / http/1.1\r\n" + HOST + b"\r\n", 400, id="lower-case-version"),
    pytest.param(b"GET / HTTP/01.1\r\n" + HOST + b"\r\n", 400, id="three-digits-of-version"),
    pytest.param(b"GET /\r\n" + HOST + b"\r\n", 400, id="no-version-but-fields"),
    pytest.param(b"GET / HTTP/1.1\r\n " + HOST + b"\r\n", 400, id="blank-before-the-first-field"),
    pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b" \r\n\r\n", 400, id="line-of-blanks"),
    pytest.param(b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, id="blank-before-colon"),
    pytest.param(request(b"A b: c"), 400, id="blank-in-name"),
    pytest.param(request(b"A\x00: c"), 400, id="nul-in-name"),
    pytest.param(request(b": c"), 400, id="empty-name"),
    pytest.param(request(b"no colon"), 400, id="line-without-colon"),
    pytest.param(request(b"A: b\x00c"), 400, id="nul-in-value"),
    pytest.param(request(b"A: b\rc"), 400, id="cr-in-value"),
    pytest.param(request(b"A: b\nTransfer-Encoding: chunked"), 400, id="lf-in-value"),
    pytest.param(request(b"A: b", b" folded"), 400, id="obs-fold"),
    pytest.param(request(b"Content-Length: "), 400, id="empty-length"),
    pytest.param(request(b"Content-Length: 0x3", body=b"abc"), 400, id="hexadecimal-length"),
    pytest.param(request(b"Content-Length: +3", body=b"abc"), 400, id="signed-length"),
    pytest.param(request(b"Content-Length: 3, 3", body=b"abc"), 400, id="list-of-lengths"),
    pytest.param(request(b"Content-Length: 3,3", body=b"abc"), 400, id="list-of-lengths-without-blank"),
    pytest.param(request(b"Content-Length: 3 3", body=b"abc"), 400, id="blank-in-length"),
    pytest.param(request(b"Content-Length: 3;", body=b"abc"), 400, id="parameter-of-length"),
    pytest.param(request(b"Content-Length: -0"), 400, id="negative-length"),
    pytest.param(request(b"Content-Length: 3_0", body=b"a" * 30), 400, id="underscore-in-length"),
    pytest.param(request(b"Content-Length: 3\xa0", body=b"abc"), 400, id="no-break-space-behind-length"),
    pytest.param(request(b"Content-Length: \xb2", body=b"ab"), 400, id="superscript-length"),
    pytest.param(request(b"Content-Length : 3", body=b"abc"), 400, id="blank-behind-content-length"),
    pytest.param(request(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400, id="blank-behind-transfer-encoding"),
    pytest.param(request(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"), 400, id="tab-behind-transfer-encoding"),
    pytest.param(request(b"A: b", b" Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, id="folded-transfer-encoding"),
    pytest.param(request(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"), 400, id="parameter-of-chunked"),
    pytest.param(request(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 400, id="quoted-chunked"),
    pytest.param(request(b"Transfer-Encoding: chunked chunked", body=b"0\r\n\r\n"), 400, id="chunked-blank-chunked"),
    pytest.param(request(b"Transfer-Encoding: identity, chunked", body=b"0\r\n\r\n"), 400, id="identity-chunked"),
    pytest.param(request(b"Transfer-Encoding: chunked\xa0", body=b"0\r\n\r\n"), 400, id="no-break-space-behind-chunked"),
    pytest.param(request(b"Transfer-Encoding: identity", body=b"abc"), 501, id="identity"),
    pytest.param(request(b"Transfer-Encoding: ", body=b"x"), 400, id="empty-transfer-encoding"),
    pytest.param(request(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400, id="two-equal-lengths"),
    pytest.param(request(b"Content-Length: 3", b"Content-Length: 4", body=b"abcd"), 400, id="two-lengths"),
    pytest.param(request(b"Content-Length: 99999999999999999999"), 400, id="length-overflow"),
    pytest.param(request(b"Content-Length: 1" + b"0" * 18), 400, id="length-of-exabytes"),
    pytest.param(request(CHUNKED, b"Content-Length: 3", body=b"0\r\n\r\n"), 400, id="chunked-and-length"),
    pytest.param(request(b"Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"), 400, id="length-and-chunked"),
    pytest.param(request(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), 400, id="twice-chunked"),
    pytest.param(request(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n"), 400, id="comma-chunked"),
    pytest.param(request(b"Transfer-Encoding: chunked,", body=b"0\r\n\r\n"), 400, id="chunked-comma"),
    pytest.param(request(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400, id="not-quite-chunked"),
    pytest.param(request(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400, id="gzip-chunked"),
    pytest.param(request(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400, id="chunked-identity"),
    pytest.param(request(b"Transfer-Encoding: gzip", body=b"x"), 501, id="gzip"),
    pytest.param(request(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 400, id="vertical-tab-chunked"),
    pytest.param(request(CHUNKED, first=b"POST / HTTP/1.0", body=b"0\r\n\r\n"), 400, id="chunked-in-1.0"),
    pytest.param(request(b"Connection: " + b",".join(b"x%d" % n for n in range(40))), 400, id="connection-names-everything"),
    pytest.param(request(CHUNKED, body=b"0x1\r\na\r\n0\r\n\r\n"), 400, id="hexadecimal-chunk"),
    pytest.param(request(CHUNKED, body=b"-1\r\na\r\n0\r\n\r\n"), 400, id="negative-chunk"),
    pytest.param(request(CHUNKED, body=b"1 \x00\r\na\r\n0\r\n\r\n"), 400, id="nul-behind-size"),
    pytest.param(request(CHUNKED, body=b"0_1\r\na\r\n0\r\n\r\n"), 400, id="underscore-in-the-last-chunk"),
    pytest.param(request(CHUNKED, body=b"+1\r\na\r\n0\r\n\r\n"), 400, id="signed-chunk"),
    pytest.param(request(CHUNKED, body=b" 1\r\na\r\n0\r\n\r\n"), 400, id="blank-before-size"),
    pytest.param(request(CHUNKED, body=b"1 \r\na\r\n0\r\n\r\n"), 400, id="blank-behind-size"),
    pytest.param(request(CHUNKED, body=b"1;a\nb\r\na\r\n0\r\n\r\n"), 400, id="lf-in-extension"),
    pytest.param(request(CHUNKED, body=b"1;\x00\r\na\r\n0\r\n\r\n"), 400, id="nul-in-extension"),
    pytest.param(request(CHUNKED, body=b"1\r\na\n0\r\n\r\n"), 400, id="lf-behind-chunk"),
    pytest.param(request(CHUNKED, body=b"1\r\na\r\n0\n\n"), 400, id="lf-behind-last-size"),
    pytest.param(request(CHUNKED, body=b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, id="coding-in-trailer"),
    pytest.param(request(CHUNKED, body=b"0\r\nA: b\r\n c\r\n\r\n"), 400, id="folded-trailer"),
    pytest.param(request(CHUNKED, body=b"0\r\nA: \x00\r\n\r\n"), 400, id="nul-in-trailer"),
    pytest.param(request(CHUNKED, body=b"10000000000000001\r\na\r\n0\r\n\r\n"), 400, id="chunk-that-wraps-around"),
    pytest.param(request(CHUNKED, body=b"1_0\r\na\r\n0\r\n\r\n"), 400, id="underscore-in-size"),
    pytest.param(request(CHUNKED, body=b"\r\n0\r\n\r\n"), 400, id="empty-size"),
    pytest.param(request(CHUNKED, body=b"1\r\na0\r\n\r\n"), 400, id="no-line-end-behind-chunk"),
    pytest.param(request(CHUNKED, body=b"1\r\na\r\n\r\n0\r\n\r\n"), 400, id="extra-line-end-before-last-chunk"),
    pytest.param(request(CHUNKED, body=b"1\na\r\n0\r\n\r\n"), 400, id="lf-behind-size"),
    pytest.param(request(CHUNKED, body=b"1;a\rb\r\na\r\n0\r\n\r\n"), 400, id="cr-in-extension"),
    pytest.param(request(CHUNKED, body=b"fffffffffffffffff\r\na"), 400, id="chunk-overflow"),
    pytest.param(request(CHUNKED, body=b"0\r\nContent-Length: 3\r\n\r\n"), 400, id="length-in-trailer"),
    pytest.param(request(CHUNKED, body=b"0\r\nA b: c\r\n\r\n"), 400, id="malformed-trailer"),
    pytest.param(request(CHUNKED, body=b"1;" + b"x" * 20000 + b"\r\na\r\n0\r\n\r\n"), 400, id="long-extension"),
    pytest.param(request(CHUNKED, body=(b"1;" + b"x" * 200 + b"\r\na\r\n") * 200 + b"0\r\n\r\n"), 400, id="many-extensions"),
    pytest.param(request(CHUNKED, body=b"0\r\nA: " + b"x" * 20000 + b"\r\n\r\n"), 400, id="long-trailer"),
    pytest.param(b"\r\n" * 20 + b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="too-many-empty-lines"),
    pytest.param(b"GET /" + b"a" * LIMITS.max_request_line + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, id="long-target"),
    pytest.param(request(*[b"A: b"] * LIMITS.max_header_count), 431, id="many-fields"),
    pytest.param(request(b"A: " + b"x" * LIMITS.max_header_size), 431, id="large-head"),
]


@pytest.mark.parametrize(("wire", "status"), BAD)
def test_bad_requests(wire: bytes, status: int) -> None:
    """They are refused, in whatever pieces they come, and never completed."""
    pieces = bytewise(wire) if len(wire) < 1000 else [wire[at : at + 997] for at in range(0, len(wire), 997)]
    for fed in ([wire], pieces, [wire + b"GET /tail HTTP/1.1\r\n" + HOST + b"\r\n"]):
        events, found = decode(fed)
        assert found == status
        assert "END" not in short(events)


@pytest.mark.parametrize(("wire", "status"), BAD)
def test_nothing_of_a_bad_request_goes_upstream(wire: bytes, status: int) -> None:
    """Not even its beginning. What comes before it does, and is answered; what comes behind it is nobody's."""
    relay = (MuxHTTP, target("server"), "k", {"maxIdle": 10, "bufferSize": 4096, "version": 1})
    tape = Tape(DemuxHTTP, target("r", [relay]), {"bufferSize": 4096})
    tape.play(Data(b"GET /good HTTP/1.1\r\n" + HOST + b"\r\n" + wire + b"GET /tail HTTP/1.1\r\n" + HOST + b"\r\n")).expect()
    server = tape.child("server")
    events = server.reply(Data(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).events
    assert events[-1] == EOS
    sent = b"".join(event.payload for event in events if isinstance(event, Data))
    assert sent.count(b"HTTP/1.1 ") == 2
    assert b"\r\n\r\nHTTP/1.1 %d " % status in sent
    upstream = b"".join(event.payload for event in server.fed if isinstance(event, Data))
    assert upstream == b"GET /good HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"


SENT_ON = [
    pytest.param(
        b"GET /p HTTP/1.1\r\nHost: h\r\nContent-Length: 03\r\n\r\nabc",
        b"GET /p HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n" + KEEP + b"abc",
        id="body-of-get",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTrailer: T\r\ntransfer-encoding:\tCHUNKED \r\n\r\n"
        b'0001;x\r\na\r\n2;a=b;c="d"\r\nbc\r\n0;z\r\nT: u\r\nHost: x\r\n\r\n',
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n" + KEEP + b"abc",
        id="chunks-extensions-and-trailers",
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 9\r\nConnection: content-length, transfer-encoding\r\n"
        b"Content-Length: 1\r\n\r\na",
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent_length: 9\r\ncontent-length: 1\r\n" + KEEP + b"a",
        id="framing-named-in-connection",
    ),
    pytest.param(
        b"GET http://x:8/y?z HTTP/1.1\r\nHost: other\r\nA: b\r\n\r\n",
        b"GET http://x:8/y?z HTTP/1.1\r\nhost: x:8\r\na: b\r\ncontent-length: 0\r\n" + KEEP,
        id="absolute-form",
    ),
    pytest.param(
        b"OPTIONS * HTTP/1.1\r\nHost: a,b\r\nMax-Forwards: 1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a,b\r\nmax-forwards: 1\r\ncontent-length: 0\r\n" + KEEP,
        id="asterisk-form",
    ),
    pytest.param(
        b"POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na",
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n" + KEEP + b"a",
        id="expectation-of-1.0",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: h\r\nA: \xa0 x \x85\r\nKeep-Alive: 1\r\nProxy-Connection: close\r\nConnection: a-b, close\r\nA-B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\na: \xa0 x \x85\r\ncontent-length: 0\r\n" + KEEP,
        id="fields-of-the-connection",
    ),
]


@pytest.mark.parametrize(("wire", "expected"), SENT_ON)
def test_what_goes_upstream(wire: bytes, expected: bytes) -> None:
    """Framing is ours, whatever the client's was."""
    for pieces in ([wire], bytewise(wire)):
        relay = (MuxHTTP, target("server"), "k", {"maxIdle": 10, "bufferSize": 4096, "version": 1})
        tape = Tape(DemuxHTTP, target("r", [relay]), {"bufferSize": 4096})
        tape.play(*map(Data, pieces)).expect()
        assert b"".join(event.payload for event in tape.child("server").fed if isinstance(event, Data)) == expected


def test_garbage_is_refused_at_its_first_byte() -> None:
    """Nobody waits for the end of a line that can never be one."""
    for first in (b"\x00", b"(", b"GET /\x00", b"GET / H/", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nA\x00"):
        assert decode([first])[1] == 400, first


def test_limits_hold_without_the_end_of_a_line() -> None:
    """What is kept is bounded before it is understood."""
    assert decode([b"GET /"] + [b"a" * 1000] * 9)[1] == 414
    assert decode([b"G" * (LIMITS.max_request_line + 1)])[1] in (400, 414)
    assert decode([b"GET / HTTP/1.1\r\nHost: h\r\n"] + [b"A: " + b"b" * 1000 + b"\r\n"] * 66)[1] == 431


def test_after_an_error_everything_is_dropped() -> None:
    """Also what would be a good request."""
    events: list[Event] = []
    decoder = RequestDecoder(events.append)
    with pytest.raises(BadMessage):
        decoder.feed(b"\x00")
    decoder.feed(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert events == []


def head_of(wire: bytes) -> RequestHead:
    """The head of the only request."""
    events, _ = decode([wire])
    start = events[0]
    assert isinstance(start, MessageStart)
    assert isinstance(start.head, RequestHead)
    return start.head


def test_head_is_decoded_in_order() -> None:
    """Names in lower case, values without blanks around them but with all other bytes, repeated fields joined."""
    head = head_of(
        b"GET /p HTTP/1.1\r\nHOST: h\r\nX-B:  b \t\r\nSet-Cookie: a\r\nCookie: a=1\r\nX-B: \xa0\xe9\x85\r\ncookie: b=2\r\n"
        b"Set-Cookie: b\r\nSet-Cookie: c\r\n\r\n"
    )
    assert list(head.fields) == ["protocol", "headers", "method", "path"]
    assert head.get("protocol") == "HTTP/1.1"
    assert list(head.get("headers").items()) == [
        ("host", "h"),
        ("x-b", "b, \xa0\xe9\x85"),
        ("set-cookie", ["a", "b", "c"]),
        ("cookie", "a=1; b=2"),
    ]


def test_absolute_form_puts_its_host_in_the_place_of_host() -> None:
    """RFC 9112, 3.2.2."""
    head = head_of(b"GET http://x:8/y HTTP/1.1\r\nHost: other\r\n\r\n")
    assert head.get("headers") == {"host": "x:8"}
    assert head.received is None
    assert head_of(b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n").received is not None


@pytest.mark.parametrize(
    ("lines", "final"),
    [
        (b" HTTP/1.1\r\nHost: h\r\n", False),
        (b" HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n", True),
        (b" HTTP/1.0\r\n", True),
        (b" HTTP/1.0\r\nConnection: Keep-Alive\r\n", False),
        (b" HTTP/1.0\r\nConnection: keep-alive, close\r\n", True),
    ],
)
def test_final(lines: bytes, final: bool) -> None:
    """Who wants the connection to end."""
    assert head_of(b"GET /" + lines + b"\r\n").final is final


def test_two_heads_with_the_same_bytes_are_independent() -> None:
    """What fields mean is remembered, what a filter makes of a head is not."""
    one, two = head_of(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), head_of(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    one.fields["headers"]["x"] = "y"
    one.replace(one.fields)
    assert two.get("headers") == {"host": "h"}
    assert two.received is not None


UPGRADE = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"


def test_tunnel() -> None:
    """What was kept is Data once the other protocol is agreed upon."""
    events: list[Event] = []
    decoder = RequestDecoder(events.append)
    decoder.feed(UPGRADE + b"early")
    assert decoder.held == 5
    decoder.tunnel()
    decoder.feed(b"GET")
    assert events[2:] == [Data(b"early"), Data(b"GET")]


def test_resume() -> None:
    """What was kept is a request if it is not; also when that is known before the request is complete."""
    events: list[Event] = []
    decoder = RequestDecoder(events.append)
    decoder.feed(UPGRADE + b"GET /2 HTTP/1.1\r\nHost: h\r\n")
    decoder.resume()
    decoder.feed(b"\r\n")
    decoder.feed(UPGRADE.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n"))
    decoder.resume()
    decoder.feed(b"xGET /3 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert short(events) == ["GET /", "END", "GET /2", "END", "GET /", b"x", "END", "GET /3", "END"]


def test_eager_takes_the_other_protocol_for_agreed_upon() -> None:
    """For a decoder that sees no responses."""
    events, _ = decode([UPGRADE + b"raw"], eager=True)
    assert short(events) == ["GET /", "END", b"raw"]


def test_closed_while_it_emits() -> None:
    """Nothing comes behind the event that made somebody close the decoder."""
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        decoder.close()

    for wire in (
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        request(b"Content-Length: 1", body=b"x"),
        request(CHUNKED, body=b"1\r\nx\r\n0\r\n\r\n"),
    ):
        events.clear()
        decoder = RequestDecoder(emit)
        decoder.feed(wire + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert len(events) == 1


pieces = st.lists(st.binary(max_size=40), max_size=6)


@st.composite
def wires(draw: st.DrawFn) -> bytes:
    """Requests, good for the most part."""
    wire = b""
    for body in draw(pieces):
        if draw(st.booleans()):
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in draw(pieces) if piece)
            wire += request(CHUNKED, body=chunks + b"0\r\n\r\n")
        else:
            wire += request(b"Content-Length: %d" % len(body), b"X: %d" % len(wire), body=body)
    return wire + draw(st.sampled_from([b"", b"GET", b"\x00", b"\r\n", UPGRADE, b"GET / HTTP/1.0\r\n\r\n"]))


@given(wires(), st.lists(st.integers(0, 300), max_size=8))
def test_chunking_is_meaningless(wire: bytes, cuts: list[int]) -> None:
    """In whatever pieces a wire comes, the same messages come out."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(wire)), len(wire)]
    fed = [wire[start:end] for start, end in pairwise(edges)]
    assert decode(fed) == decode([wire])


@given(st.binary(max_size=200))
def test_anything_is_decoded_or_refused(wire: bytes) -> None:
    """No other exception."""
    _events, status = decode([wire])
    assert status == 0 or 400 <= status <= 505
