"""Requests are counted once, whatever becomes of them, and are logged as they came."""

import pytest

from pipy_core.api import END, EOS, Data, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.counters import Tally
from pipy_core.testing import Tape, target
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


def test_what_is_logged_of_a_request_that_is_none():
    tape = Tape(DemuxHTTP, target("r"), {"bufferSize": 10})
    tally = tape.context.group.tally = Counting(True)
    play(tape, b"nonsense\r\n\r\n")
    (entry,) = tally.entries
    assert (entry.method, entry.target, entry.status, entry.size, entry.client) == ("", "", 400, 0, "")


def test_what_a_head_request_has_no_bytes_of():
    tape = Tape(ServeHTTP, HELLO)
    tally = tape.context.group.tally = Counting(True)
    play(tape, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", GET)
    assert [entry.size for entry in tally.entries] == [0, 5]
