"""Asking for a name: c-ares against a server that the test plays, and what is left to the system."""

import socket
import struct
import time
from ipaddress import ip_address
from pathlib import Path

import gevent
import gevent.socket
import pytest

from pipy_core.net import lookup as module
from pipy_core.net.lookup import SYSTEM_TTL, CaresLookup, SystemLookup, choose, is_ordinary
from tests.reactor import PATIENCE

pycares = pytest.importorskip("pycares", reason="there is no c-ares for Python on this system")

A, AAAA = 1, 28


class Server:
    """A DNS server for one zone.

    :ivar records: type -> list of (TTL, address as text). :ivar alias: TTL and first label of what the name is an alias of.
    :ivar code: of the response. :ivar silent: it does not answer.
    """

    def __init__(self):
        self.records = {}
        self.code = 0
        self.alias = None
        self.silent = False
        self.asked = []
        self.waiting = []  # answers that are not sent, and to whom they go
        self.sock = gevent.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.greenlet = gevent.spawn(self.serve)

    def serve(self):
        while True:
            question, client = self.sock.recvfrom(4096)
            end = question.index(b"\0", 12) + 5
            kind = struct.unpack("!H", question[end - 4 : end - 2])[0]
            self.asked.append((self.name(question[12 : end - 4]), kind))
            self.waiting.append((self.answer(question[:2], question[12:end], kind), client))
            if not self.silent:
                self.answer_all()

    def answer_all(self):
        while self.waiting:
            self.sock.sendto(*self.waiting.pop())

    @staticmethod
    def name(wire):
        labels = []
        while wire[0]:
            labels.append(wire[1 : 1 + wire[0]].decode())
            wire = wire[1 + wire[0] :]
        return ".".join(labels)

    def answer(self, number, question, kind):
        records = b""
        if self.alias is not None:  # the name is an alias of itself with another label in front
            ttl, label = self.alias
            target = bytes([len(label)]) + label.encode() + b"\xc0\x0c"
            records += struct.pack("!HHHIH", 0xC00C, 5, 1, ttl, len(target)) + target
        owner = 0xC00C if self.alias is None else 0xC000 | (len(question) + 12 + 12)
        for ttl, address in self.records.get(kind, ()):
            packed = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, address)
            records += struct.pack("!HHHIH", owner, kind, 1, ttl, len(packed)) + packed
        head = struct.pack("!HHHHH", 0x8180 | self.code, 1, len(self.records.get(kind, ())) + (self.alias is not None), 0, 0)
        return number + head + question + records


@pytest.fixture
def server(reactor):
    server = Server()
    yield server
    server.greenlet.kill()
    server.sock.close()


def fail(host):
    raise AssertionError(f"the system is asked for {host}")


def asking(reactor, server, **options):
    return CaresLookup(reactor, fail, servers=["127.0.0.1"], udp_port=server.port, tcp_port=server.port, **options)


@pytest.fixture
def ask(reactor, server, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "RESOLV_CONF", tmp_path / "resolv.conf")
    return asking(reactor, server, timeout=PATIENCE)


@pytest.fixture
def ask_hastily(reactor, server):
    return asking(reactor, server, timeout=0.05, tries=1)


@pytest.fixture
def change(monkeypatch):
    """Changes what names are looked for in. What c-ares reads is told by a variable: pycares does not keep the path it is given."""

    def changed():
        monkeypatch.setenv("LOCALDOMAIN", "example.test")
        module.RESOLV_CONF.write_text("search example.test\n")

    return changed


class TestCares:
    def test_all_addresses_and_the_shortest_time_that_they_hold(self, ask, server):
        server.records = {A: [(300, "10.0.0.1"), (300, "10.0.0.2")], AAAA: [(20, "fd00::1")]}
        found, ttl = ask("name.test")
        assert sorted(found) == [
            (socket.AF_INET, "10.0.0.1", ()),
            (socket.AF_INET, "10.0.0.2", ()),
            (socket.AF_INET6, "fd00::1", (0, 0)),
        ]
        assert 19 <= ttl <= 20
        assert sorted(server.asked) == [("name.test", A), ("name.test", AAAA)]

    def test_an_alias_may_hold_for_a_shorter_time(self, ask, server):
        server.records, server.alias = {A: [(300, "10.0.0.1")]}, (20, "real")
        found, ttl = ask("name.test")
        assert found == [(socket.AF_INET, "10.0.0.1", ())]
        assert 19 <= ttl <= 20

    @pytest.mark.parametrize(
        ("code", "number", "words"),
        [
            pytest.param(3, socket.EAI_NONAME, "Name or service not known", id="no-such-name"),
            pytest.param(0, socket.EAI_NODATA, "No address associated with hostname", id="no-address"),
            pytest.param(2, socket.EAI_AGAIN, "Temporary failure in name resolution", id="the-server-fails"),
        ],
    )
    def test_failures_have_the_words_of_the_system(self, ask, server, code, number, words):
        server.code = code
        with pytest.raises(socket.gaierror) as caught:
            ask("name.test")
        assert (caught.value.errno, caught.value.strerror) == (number, words)

    def test_a_server_that_does_not_answer_is_given_up(self, ask_hastily, server):
        server.silent = True
        begun = time.monotonic()
        with pytest.raises(socket.gaierror, match="Temporary failure"):
            ask_hastily("name.test")
        assert time.monotonic() - begun < 5.0

    def test_many_at_once(self, ask, server):
        server.records = {A: [(300, "10.0.0.1")]}
        jobs = [gevent.spawn(ask, f"{number}.test") for number in range(50)]
        gevent.joinall(jobs)
        assert all(job.value[0] == [(socket.AF_INET, "10.0.0.1", ())] for job in jobs)

    def test_nothing_is_waited_for_when_there_is_nothing_to_come(self, ask_hastily, server, reactor):
        server.silent = True
        with pytest.raises(socket.gaierror):
            ask_hastily("name.test")
        reactor.pass_by()
        assert ask_hastily._channel._timer is None

    def test_names_that_are_no_ascii(self, ask, server):
        server.records = {A: [(300, "10.0.0.1")]}
        ask("bücher.test")
        assert {name for name, _kind in server.asked} == {"xn--bcher-kva.test"}

    def test_the_file_of_hosts(self, reactor):
        lines = [line.partition("#")[0].split() for line in Path("/etc/hosts").read_text("utf-8").splitlines()]
        known = [(words[0], words[-1]) for words in lines if len(words) > 1 and "localhost" not in words[-1]]
        if not known:
            pytest.skip("there are no names in /etc/hosts")
        address, name = known[0]
        found, _ = CaresLookup(reactor, lambda host: ([(2, address, ())], 0.0))(name)
        assert ip_address(address) in [ip_address(each[1]) for each in found]

    def test_a_changed_configuration_is_read_again(self, ask, server, change):
        server.records = {A: [(300, "10.0.0.1")]}
        ask("first.test")
        change()
        ask("second")
        assert {name for name, _kind in server.asked} == {"first.test", "second.example.test"}

    def test_a_question_that_is_under_way_then_is_answered(self, ask, server, change, reactor):
        server.silent = True
        server.records = {A: [(300, "10.0.0.1")]}
        before, first = ask._channel, gevent.spawn(ask, "first.test")
        reactor.until(lambda: len(server.asked) == 2)
        late = server.waiting.copy()
        server.waiting.clear()
        server.silent = False
        change()
        ask("second.test")
        assert not first.ready()
        assert ask._channel is not before
        server.waiting += late
        server.answer_all()
        assert first.get(timeout=PATIENCE)[0] == [(socket.AF_INET, "10.0.0.1", ())]
        assert before._timer is None
        assert before._watchers == {}

    @pytest.mark.parametrize("host", ["printer.local", socket.gethostname()])
    def test_names_of_the_neighbourhood_are_left_to_the_system(self, reactor, host):
        assert CaresLookup(reactor, lambda name: ([(2, name, ())], 1.0))(host) == ([(2, host, ())], 1.0)


class TestSystem:
    def test_it_is_asked_in_a_thread(self, reactor):
        found, ttl = SystemLookup(reactor)("127.0.0.1")
        assert (found, ttl) == ([(socket.AF_INET, "127.0.0.1", ())], SYSTEM_TTL)

    @pytest.mark.parametrize(
        ("nsswitch", "ordinary"),
        [
            ("", True),
            ("passwd: files sss\n", True),
            ("hosts: files dns\n", True),
            ("hosts:  files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] myhostname dns # comment sss", True),
            ("hosts: files sss dns", False),
            ("hosts: files ldap", False),
            ("hosts: files dns wins", False),
        ],
    )
    def test_unusual_sources_of_names(self, nsswitch, ordinary):
        assert is_ordinary(nsswitch) is ordinary

    def test_the_system_is_asked_where_there_are_such_sources(self, reactor, tmp_path, monkeypatch):
        (tmp_path / "nsswitch.conf").write_text("hosts: files sss\n")
        monkeypatch.setattr(module, "NSSWITCH_CONF", tmp_path / "nsswitch.conf")
        assert isinstance(choose(reactor), SystemLookup)
        monkeypatch.setattr(module, "NSSWITCH_CONF", tmp_path / "none")
        assert isinstance(choose(reactor), CaresLookup)

    def test_and_where_there_is_no_cares(self, reactor, monkeypatch):
        monkeypatch.setattr(module, "pycares", None)
        assert isinstance(choose(reactor), SystemLookup)
