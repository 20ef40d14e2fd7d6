"""Resolving names and connecting to addresses."""

import errno
import gc
import os
import socket
from contextlib import ExitStack

import gevent
import pytest

from pipy_core.net import dial as module
from pipy_core.net.dial import Race, dial, resolve


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", [(socket.AF_INET, ("127.0.0.1", 80))]),
        ("10.1.2.3", [(socket.AF_INET, ("10.1.2.3", 80))]),
        ("::1", [(socket.AF_INET6, ("::1", 80))]),
    ],
)
def test_what_needs_no_resolver(reactor, host, expected):
    assert resolve(reactor, host, 80) == expected


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test"])
def test_what_cannot_be_a_name(reactor, host):
    with pytest.raises(ValueError, match="label"):
        resolve(reactor, host, 80)


def test_names_are_remembered_by_the_reactor(reactor, monkeypatch):
    asked = []
    found = [(socket.AF_INET6, "fd00::1", (0, 0)), (socket.AF_INET, "10.0.0.1", ())]
    monkeypatch.setattr(module, "choose", lambda _reactor: lambda host: (asked.append(host), (found, 60.0))[1])
    expected = [(socket.AF_INET6, ("fd00::1", 80, 0, 0)), (socket.AF_INET, ("10.0.0.1", 80))]
    assert resolve(reactor, "name.test", 80) == resolve(reactor, "name.test", 80) == expected
    assert asked == ["name.test"]


def test_a_connected_socket_does_not_block(reactor):
    with socket.create_server(("127.0.0.1", 0)) as server, dial(reactor, socket.AF_INET, server.getsockname()) as sock:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getpeername() == server.getsockname()


def test_a_refusal_has_its_number(reactor):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError) as caught:  # noqa: PT011  # told by its number
            dial(reactor, socket.AF_INET, taken.getsockname())
    assert caught.value.errno == errno.ECONNREFUSED


class Track:
    """A race over addresses that answer, refuse, or keep silent."""

    def __init__(self, reactor):
        self.reactor = reactor
        self.begun = []
        self.failures = []
        self.open = ExitStack()

    def address(self, manner):
        server = self.open.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        if manner != "refuses":
            server.listen(0)
        if manner == "silent":  # its backlog is full
            for _ in range(4):
                filler = self.open.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(server.getsockname())
        return server.getsockname()

    def run(self, *addresses, family=socket.AF_INET):
        def failed(address, error):
            self.failures.append((address, error.errno))

        return Race(self.reactor, [(family, address) for address in addresses], self.begun.append, failed).run()


@pytest.fixture
def track(reactor, monkeypatch):
    monkeypatch.setattr(module, "ATTEMPT_DELAY", 0.02)
    track = Track(reactor)
    with track.open:
        yield track


class TestRace:
    def test_the_first_one_is_all_that_is_tried_if_it_answers(self, track, monkeypatch):
        monkeypatch.setattr(module, "ATTEMPT_DELAY", 3600.0)
        first, second = track.address("answers"), track.address("answers")
        with track.run(first, second) as sock:
            assert sock.getpeername() == first
            assert not sock.getblocking()
        assert set(track.begun) == {first}

    def test_a_refusal_brings_the_next_one_at_once(self, track, monkeypatch):
        monkeypatch.setattr(module, "ATTEMPT_DELAY", 3600.0)
        first, second = track.address("refuses"), track.address("answers")
        with track.run(first, second) as sock:
            assert sock.getpeername() == second
        assert track.failures == [(first, errno.ECONNREFUSED)]

    def test_silence_brings_the_next_one_soon_and_is_given_up_then(self, track):
        first, second = track.address("silent"), track.address("answers")
        gc.collect()  # sockets of other tests are not closed meanwhile
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        with track.run(first, second) as sock:
            assert sock.getpeername() == second
            assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
        assert track.begun[-1] == second
        assert track.failures == []

    def test_who_was_silent_may_still_win(self, track, monkeypatch):
        monkeypatch.setattr(module, "ATTEMPT_DELAY", 0.0)
        first = track.address("answers")
        refused = [track.address("refuses") for _ in range(3)]
        with track.run(*refused, first) as sock:
            assert sock.getpeername() == first

    def test_nobody_answers(self, track):
        addresses = [track.address("refuses") for _ in range(3)]
        assert track.run(*addresses) is None
        assert sorted(address for address, _number in track.failures) == sorted(addresses)

    def test_an_address_of_the_wrong_family_is_a_failure_like_others(self, track):
        assert track.run(("not an address", 80)) is None
        assert len(track.failures) == 1

    def test_being_cut_off_leaves_nothing(self, track):
        addresses = [track.address("silent") for _ in range(2)]
        gc.collect()  # as above
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        race = gevent.spawn(track.run, *addresses)
        track.reactor.until(lambda: len(track.begun) == 2)
        race.kill()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_the_words_of_an_error():
    assert module.reason(ConnectionRefusedError(111, "")) == "Connection refused"
    assert module.reason(OSError("no number")) == "no number"


class TestPortsOfOurOwn:
    """See ``inside``."""

    def test_nobody_else_is_asked(self, reactor):
        with socket.create_server(("127.0.0.1", 0)) as other, socket.socket() as inside:
            asked = []
            reactor.inside = lambda address: asked.append(address) or inside
            assert dial(reactor, socket.AF_INET, other.getsockname()) is inside
            assert asked == [other.getsockname()]

    def test_one_that_is_closed_while_it_is_asked(self, reactor):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = gone.getsockname()
        with socket.socket() as inside:
            answers = iter([None, inside])
            reactor.inside = lambda _address: next(answers)
            assert dial(reactor, socket.AF_INET, address) is inside
