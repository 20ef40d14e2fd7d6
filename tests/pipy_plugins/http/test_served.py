"""Requests are counted once, whatever becomes of them, and are logged as they came."""

from dataclasses import replace

import pytest

from pipy_core.api import END, EOS, Data, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.counters import Tally
from pipy_core.limits import DEFAULTS
from pipy_core.testing import Tape, target
from pipy_core.testing.guards import expire
from pipy_plugins.http.demux import DemuxHTTP
from pipy_plugins.http.serve import ServeHTTP

GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: curl\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"
HELLO = Message(Head({"status": 203}), Data(b"hello"))
INBOUND = (1, "192.0.2.7", 99, "127.0.0.1", 80)


class Counting(Tally):
    """A tally that shows what it has counted, and keeps what it is told."""

    __slots__ = ("entries",)

    def __init__(self, logs):
        super().__init__("here")
        self.entries = []
        self.log = self.entries.append if logs else None

    @property
    def counted(self):
        assert sum(self.buckets) == sum(self.statuses)
        return {status: count for status, count in enumerate(self.statuses) if count}


@pytest.fixture(params=[True, False], ids=["logged", "not-logged"])
def connect(request):
    """``connect(*stage)``: a connection; gives its tape and what is counted of it."""

    def connect(*stage):
        tape = Tape(*stage, inbound=INBOUND)
        tape.context.group.tally = Counting(request.param)
        return tape, tape.context.group.tally

    return connect


def play(tape, *payloads):
    return [event for payload in payloads for event in tape.play(Data(payload)).events]


class TestServe:
    def test_constant_answers(self, connect):
        tape, tally = connect(ServeHTTP, HELLO)
        play(tape, GET, GET + GET, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert tally.counted == {203: 4}

    def test_functions(self, connect):
        tape, tally = connect(ServeHTTP, lambda _request: Message(Head({"status": 404})))
        play(tape, GET, POST, b"abc")
        assert tally.counted == {404: 2}

    @pytest.mark.parametrize(
        ("payloads", "counted"),
        [
            ([b"nonsense\r\n\r\n"], {400: 1}),
            ([b"GET / HTTP/1.1\r\n\r\n"], {400: 1}),
            ([b"GET / HTTP/3.0\r\nHost: h\r\n\r\n"], {505: 1}),
            ([GET + b"nonsense\r\n\r\n"], {203: 1, 400: 1}),
        ],
    )
    def test_what_is_refused(self, connect, payloads, counted):
        tape, tally = connect(ServeHTTP, HELLO)
        play(tape, *payloads)
        assert tally.counted == counted

    def test_a_client_that_goes(self, connect):
        tape, tally = connect(ServeHTTP, lambda _request: HELLO)
        play(tape, POST)
        tape.close().expect()
        assert tally.counted == {499: 1}


class TestDemux:
    @pytest.fixture
    def site(self, connect):
        return connect(DemuxHTTP, target("r"), {"bufferSize": 10})

    def test_answers(self, site):
        tape, tally = site
        play(tape, GET + GET)
        assert tally.counted == {}
        for number in (0, 1):
            assert tape.child("r", number).reply(MessageStart(Head({"status": 201})), Data(b"x" * 50), END).events
        assert tally.counted == {201: 2}
        tape.close().expect()
        assert tally.counted == {201: 2}

    def test_answers_that_fail(self, site):
        tape, tally = site
        play(tape, GET)
        assert tape.child("r").reply(StreamEnd(Failure.CONNECTION_REFUSED)).events
        assert tally.counted == {502: 1}

    def test_a_client_that_goes(self, site):
        tape, tally = site
        play(tape, GET)
        tape.close().expect()
        assert tally.counted == {499: 1}

    def test_a_client_that_goes_in_the_middle(self, site):
        tape, tally = site
        play(tape, GET)
        assert tape.child("r").reply(MessageStart(Head({"status": 201})), Data(b"x" * 50)).events
        tape.close().expect()
        assert tally.counted == {201: 1}

    def test_what_is_refused(self, site):
        tape, tally = site
        play(tape, b"nonsense\r\n\r\n")
        assert tally.counted == {400: 1}

    def test_tunnels_are_counted_when_they_begin(self, site):
        tape, tally = site
        play(tape, b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n")
        assert tape.child("r").reply(MessageStart(Head({"status": 200})), END).events
        assert tally.counted == {200: 1}
        assert tape.child("r").reply(Data(b"x"), EOS).events
        tape.close().expect()
        assert tally.counted == {200: 1}


def test_what_is_logged():
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10}, inbound=INBOUND)
    tally = tape.context.group.tally = Counting(True)
    play(tape, GET)
    child = tape.child("r")
    child.fed[0].head.fields["path"] = "/changed"
    child.host.context.upstream = "server:1"
    assert child.reply(MessageStart(Head({"status": 201})), Data(b"x" * 50), END).events
    (entry,) = tally.entries
    assert (entry.method, entry.target, entry.protocol, entry.header("user-agent")) == ("GET", "/a?b", "HTTP/1.1", "curl")
    assert (entry.status, entry.size, entry.client, entry.client_port) == (201, 50, "192.0.2.7", 99)
    assert (entry.listener, entry.upstream) == ("here", "server:1")


LOST = [
    pytest.param(b"nonsense\r\n\r\n", 400, ("nonsense", "", ""), id="no-line"),
    pytest.param(b"GET /a?b HTTP/1.1\r\nbad line\r\n\r\n", 400, ("GET", "/a?b", "HTTP/1.1"), id="fields"),
    pytest.param(b"GET /a?b HTTP/1.1\r\nbad line", 400, ("GET", "/a?b", "HTTP/1.1"), id="incomplete"),
    pytest.param(b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, ("GET", "/a b", "HTTP/1.1"), id="blank-in-target"),
    pytest.param(b"GET /a HTTP/3.0\r\nHost: h\r\n\r\n", 505, ("GET", "/a", "HTTP/3.0"), id="version"),
    pytest.param(b"GET /\xe9 x\r\n", 400, ("GET", "/\xe9 x", ""), id="no-version"),
    pytest.param(b"GET /" + b"x" * 99, 414, ("GET", "/" + "x" * 45, ""), id="too-long"),
    pytest.param(b"GET / HTTP/1.1\r\nx: " + b"x" * 99, 431, ("GET", "/", "HTTP/1.1"), id="head-too-large"),
    pytest.param(b"/?token=1 \0", 400, ("", "/?token=1 \0", ""), id="no-method"),
    pytest.param(b"\x16\x03\x01", 400, ("", "\x16\x03\x01", ""), id="tls"),
]


@pytest.mark.parametrize(("payload", "status", "line"), LOST)
@pytest.mark.parametrize("stage", [(DemuxHTTP, target("r"), {"bufferSize": 10}), (ServeHTTP, HELLO)], ids=["demux", "serve"])
def test_what_is_logged_of_a_request_that_is_none(stage, payload, status, line):
    """The beginning of its first line: what has come until it was refused."""
    limits = replace(DEFAULTS, max_request_line=50, max_header_size=60)
    for pieces in ([payload], [b"\r\n" + payload], [payload[:2], payload[2:]] if payload[:2].isalpha() else [payload]):
        tape = Tape(*stage, limits=limits)
        tally = tape.context.group.tally = Counting(True)
        play(tape, *pieces)
        (entry,) = tally.entries
        assert (entry.method, entry.target, entry.protocol) == line
        assert (entry.status, entry.size, entry.headers, entry.client) == (status, 0, {}, "")


@pytest.mark.parametrize("stage", [(DemuxHTTP, target("r"), {"bufferSize": 10}), (ServeHTTP, HELLO)], ids=["demux", "serve"])
def test_what_is_logged_of_a_request_that_takes_too_long(stage):
    tape = Tape(*stage)
    tally = tape.context.group.tally = Counting(True)
    play(tape, b"GET /a?b HTT")
    expire(tape).anything()
    (entry,) = tally.entries
    assert (entry.method, entry.target, entry.protocol, entry.status) == ("GET", "/a?b HTT", "", 408)


def test_what_a_head_request_has_no_bytes_of():
    tape = Tape(ServeHTTP, HELLO)
    tally = tape.context.group.tally = Counting(True)
    play(tape, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", GET)
    assert [entry.size for entry in tally.entries] == [0, 5]
