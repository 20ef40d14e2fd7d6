"""HTTP/1 as the test kit's own clients and upstreams speak it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import Data, Head, Message
from pipy_core.trial.http1 import MESSAGE_LIMIT, NotHTTP, Reader, request_bytes, response_bytes


def summary(message):
    head = message.head.fields
    return (head.get("status") or f"{head['method']} {head['path']}", message.body.payload)


def read_all(payload, *methods, responses=True):
    reader = Reader(responses=responses)
    for method in methods:
        reader.expect(method)
    return [summary(message) for message in reader.feed(payload)], reader


@pytest.mark.parametrize(
    ("payload", "methods", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", ["GET"], [(200, b"hi")], id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" * 2, ["GET"] * 2, [(200, b"")] * 2, id="two"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", ["HEAD"], [(200, b"")], id="head"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", ["GET"], [(304, b"")], id="304"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", ["GET"], [(204, b"")], id="interim"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n",
            ["GET"],
            [(200, b"hi0123456789")],
            id="chunked",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
            ["GET"] * 2,
            [(200, b""), (204, b"")],
            id="trailer",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nrest", ["GET"], [], id="until-the-end"),
    ],
)
def test_responses(payload, methods, expected):
    assert read_all(payload, *methods)[0] == expected


def test_a_body_that_ends_with_the_connection():
    _, reader = read_all(b"HTTP/1.1 200 OK\r\n\r\nall of it", "GET")
    assert summary(reader.end()) == (200, b"all of it")


@pytest.mark.parametrize("payload", [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n123", b"HTTP/1.1 200", b""])
def test_what_is_cut_off_is_no_message(payload):
    _, reader = read_all(payload, "GET")
    assert reader.end() is None
    assert reader.unfinished == bool(payload)


@pytest.mark.parametrize(
    ("payload", "method"), [(b"HTTP/1.1 101 Switching\r\n\r\nraw", "GET"), (b"HTTP/1.1 200 OK\r\n\r\nraw", "CONNECT")]
)
def test_behind_a_change_of_protocol_nothing_is_read(payload, method):
    messages, reader = read_all(payload, method)
    assert len(messages) == 1
    assert reader.raw


def test_requests():
    payload = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /p?q HTTP/1.0\r\nContent-Length: 1\r\n\r\nxBREW /tea HTTP/1.1\r\n\r\n"
    assert read_all(payload, responses=False)[0] == [("GET /", b""), ("POST /p?q", b"x"), ("BREW /tea", b"")]


def test_fields_look_as_in_scripts():
    fields = b"A: 1\r\na:2 \r\nCookie: x\r\ncookie: y\r\nSet-Cookie: s\r\nset-cookie: t\r\nset-cookie: u\r\n"
    (message,) = Reader(responses=False).feed(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
    assert message.head.fields["headers"] == {"a": "1, 2", "cookie": "x; y", "set-cookie": ["s", "t", "u"]}


@pytest.mark.parametrize(
    ("payload", "responses"),
    [
        (b"hello\r\n\r\n", True),
        (b"HTTP/2 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", True),
        (b"GET /\r\n\r\n", False),
        (b"GET / x HTTP/1.1\r\n\r\n", False),
        (b"x" * (MESSAGE_LIMIT + 1), False),
    ],
)
def test_what_is_no_http(payload, responses):
    with pytest.raises(NotHTTP):
        read_all(payload, "GET", responses=responses)


def message(body=None, **head):
    return Message(Head(head), None if body is None else Data(body))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (Message(), b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"),
        (message(path="/a", headers={"Host": "b"}), b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"),
        (message(b"xy", method="PUT"), b"PUT / HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\nxy"),
        (message(method="POST"), b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n"),
        (
            message(b"xy", headers={"host": "h", "transfer-encoding": "chunked"}),
            b"GET / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n",
        ),
        (message(b"xy", headers={"host": "h", "content-length": 9}), b"GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nxy"),
        (message(headers={"host": "h", "a": ["1", 2], "b": None}), b"GET / HTTP/1.1\r\nhost: h\r\na: 1\r\na: 2\r\n\r\n"),
    ],
)
def test_requests_as_they_are_sent(sent, expected):
    assert request_bytes(sent, "here") == expected


@pytest.mark.parametrize(
    ("sent", "method", "expected"),
    [
        (Message(), "GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (message(b"x", status=404), "GET", b"HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\nx"),
        (message(b"x", status=299, statusText="Odd"), "GET", b"HTTP/1.1 299 Odd\r\ncontent-length: 1\r\n\r\nx"),
        (message(b"x", status=204), "GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (message(b"x"), "HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
def test_responses_as_they_are_sent(sent, method, expected):
    assert response_bytes(sent, method) == expected


def test_headers_that_cannot_be_sent():
    with pytest.raises(NotHTTP, match="Latin-1"):
        request_bytes(message(headers={"a": "\u20ac"}), "h")


@given(st.lists(st.tuples(st.sampled_from([200, 204, 404]), st.binary(max_size=20), st.booleans()), max_size=5), st.data())
def test_what_is_sent_is_what_is_read_however_it_is_cut(responses, data):
    payload = b""
    expected = []
    for status, body, chunked in responses:
        headers = {"transfer-encoding": "chunked"} if chunked and status != 204 else {}
        payload += response_bytes(message(body, status=status, headers=headers), "GET")
        expected.append((status, b"" if status == 204 else body))
    reader = Reader(responses=True)
    for _ in responses:
        reader.expect("GET")
    found = []
    while payload:
        size = data.draw(st.integers(1, len(payload)))
        found += [summary(each) for each in reader.feed(payload[:size])]
        payload = payload[size:]
    assert found == expected
    assert not reader.unfinished
