"""A listening port on a real socket: accepting, the run of a pipeline for each connection, limits, and the end."""

import errno
import socket
import struct
import sys
from typing import ClassVar

import gevent
import gevent.socket
import pytest

from pipy_core.errors import StartError
from pipy_core.events import EOS, Data, Failure, StreamEnd
from pipy_core.filter import Filter
from pipy_core.net import inbound, opening, transparent
from pipy_core.net import listener as module
from pipy_core.net.listener import Listener
from pipy_core.testing import logged
from tests.system.pipy_process import free_port

#: Seconds after which a client that waits for something has failed.
PATIENCE = 10.0

OPTIONS = {"maxConnections": -1, "readTimeout": 0.0, "writeTimeout": 0.0}


class Stage(Filter):
    """Remembers what it gets; answers as the test says."""

    made: ClassVar[list["Stage"]] = []

    def __init__(self, answer=None):
        self.events = []
        self.closed = 0
        self.drained = 0
        self.answer = answer or (lambda stage, event: stage.emit(event))
        self.made.append(self)

    def process(self, event):
        self.events.append(event)
        self.answer(self, event)

    def drain(self):
        self.drained += 1
        self.emit(EOS)

    def close(self):
        self.closed += 1


class Port:
    """A listener under test, on a free port of the loopback."""

    def __init__(self, reactor, services, contexts, answer=None, makes=None, **options):
        Stage.made = []
        self.layout = services.layout(*(makes or [lambda: Stage(answer)]))
        self.address = ("127.0.0.1", free_port())
        self.listener = Listener(reactor, self.address, self.layout, {**OPTIONS, **options}, contexts.new, contexts.gone)
        with logged() as self.log:
            self.listener.open()
        self.serve()
        self.clients = []

    def serve(self, **options):
        listener = self.listener
        listener.serve(self.layout, {**listener.options, **options}, listener.new_context, listener.gone)

    def connect(self):
        self.clients.append(gevent.socket.create_connection(self.address, PATIENCE))
        return self.clients[-1]

    @property
    def stages(self):
        return Stage.made


@pytest.fixture
def make_port(reactor, services, contexts):
    ports = []

    def make(answer=None, **options):
        ports.append(Port(reactor, services, contexts, answer, **options))
        return ports[-1]

    yield make
    for port in ports:
        for client in port.clients:
            client.close()
        port.listener.abort()
    reactor.pass_by()


@pytest.fixture
def patient(monkeypatch):
    """Stages that do not end when they are asked to."""
    monkeypatch.setattr(Stage, "drain", lambda stage: setattr(stage, "drained", stage.drained + 1))


def end_after(payload):
    """Answer the first data with *payload* and the end."""

    def answer(stage, event):
        if isinstance(event, Data):
            stage.emit(Data(payload))
            stage.emit(EOS)

    return answer


def read_all(client):
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


class TestConnections:
    def test_a_pipeline_without_answer_of_its_own_echoes(self, make_port):
        client = make_port().connect()
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"

    def test_the_context_knows_both_ends(self, reactor, contexts, make_port):
        port = make_port()
        client = port.connect()
        reactor.until(lambda: port.stages)
        number, *addresses = contexts.inbounds[0]
        assert addresses == [*client.getsockname(), *port.address]
        port.connect()
        reactor.until(lambda: len(port.stages) == 2)
        assert contexts.inbounds[1][0] > number

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where a connection was meant to go")
    def test_the_context_of_a_transparent_port_knows_where_its_client_wanted_to_go(self, reactor, contexts, make_port, monkeypatch):
        monkeypatch.setattr(transparent, "destination", lambda _sock: ("10.1.2.3", 80))
        port = make_port(transparent=True)
        client = port.connect()
        reactor.until(lambda: port.stages)
        assert contexts.inbounds[0][1:] == (*client.getsockname(), *port.address, "10.1.2.3", 80)

    def test_a_port_may_become_transparent(self, contexts, make_port, monkeypatch):
        allowed = []
        monkeypatch.setattr(transparent, "allow", allowed.append)
        port = make_port()
        for options, calls in ((OPTIONS, 0), ({**OPTIONS, "transparent": True}, 1), ({**OPTIONS, "transparent": True}, 1)):
            port.listener.serve(port.layout, options, contexts.new, contexts.gone)
            assert len(allowed) == calls

    def test_the_pipeline_ends_with_the_client_and_everything_is_released(self, reactor, contexts, make_port):
        port = make_port()
        client = port.connect()
        client.sendall(b"x")
        client.recv(1)
        client.close()
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].events == [Data(b"x"), EOS]
        assert port.stages[0].closed == 1
        assert contexts.gone_ones == [1]
        port.stages.clear()
        reactor.until(lambda: contexts.released == [1])

    def test_the_end_of_the_pipeline_closes_the_connection_and_is_told_to_it(self, reactor, make_port):
        port = make_port(end_after(b"bye"))
        client = port.connect()
        client.sendall(b"x")
        assert read_all(client) == b"bye"
        client.close()
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].events == [Data(b"x"), EOS]
        assert port.stages[0].closed == 1

    def test_what_comes_after_the_end_is_not_sent(self, make_port):
        def answer(stage, event):
            if isinstance(event, Data):
                stage.emit(EOS)
                stage.emit(Data(b"late"))

        client = make_port(answer).connect()
        client.sendall(b"x")
        assert read_all(client) == b""

    def test_a_client_that_has_finished_sending_gets_its_answer(self, reactor, make_port):
        def answer(stage, event):
            if isinstance(event, StreamEnd):
                stage.host.after(0.02, lambda: (stage.emit(Data(b"answer")), stage.emit(EOS)))

        port = make_port(answer)
        client = port.connect()
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"answer"
        reactor.until(lambda: not port.listener.connections)

    def test_a_client_that_has_finished_sending_is_not_waited_for_for_ever(self, reactor, make_port, monkeypatch):
        monkeypatch.setattr(inbound, "HALF_CLOSED_LIMIT", 0.05)
        monkeypatch.setattr(Stage, "busy", lambda _stage: True)
        port = make_port(lambda *_: None)
        client = port.connect()
        begun = reactor.now()
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
        assert reactor.now() - begun > 0.04
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].closed == 1

    def test_a_pipeline_that_has_nothing_to_say_is_not_waited_for(self, reactor, make_port):
        port = make_port(lambda *_: None)
        client = port.connect()
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].events == [Data(b"x"), EOS]

    def test_a_client_that_nothing_can_answer_any_more_is_let_go(self, reactor, make_port):
        port = make_port(lambda *_: None, maxConnections=1)
        client = port.connect()
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
        reactor.until(lambda: not port.listener.connections)

    def test_a_reset_is_told_to_the_pipeline(self, reactor, make_port):
        port = make_port()
        client = port.connect()
        client.sendall(b"x")
        client.recv(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].events[-1] == StreamEnd(Failure.READ_ERROR)
        assert port.stages[0].closed == 1

    def test_a_read_timeout_is_told_to_the_pipeline(self, reactor, make_port):
        port = make_port(readTimeout=0.05)
        client = port.connect()
        assert read_all(client) == b""
        reactor.until(lambda: not port.listener.connections)
        assert port.stages[0].events == [StreamEnd(Failure.READ_TIMEOUT)]

    def test_a_failing_filter_ends_its_connection_only(self, reactor, make_port):
        def answer(stage, event):
            if event == Data(b"fail"):
                raise ZeroDivisionError
            stage.emit(event)

        port = make_port(answer)
        good, bad = port.connect(), port.connect()
        bad.sendall(b"fail")
        assert read_all(bad) == b""
        good.sendall(b"fine")
        assert good.recv(10) == b"fine"
        assert [type(error) for _, error in reactor.reports] == [ZeroDivisionError]
        reactor.reports.clear()

    def test_a_filter_that_cannot_be_made_costs_its_connection_only(self, reactor, make_port):
        broken = [True]

        def make():
            if broken.pop():
                raise ZeroDivisionError
            return Stage()

        port = make_port(makes=[make])
        client = port.connect()
        assert read_all(client) == b""
        assert [type(error) for _, error in reactor.reports] == [ZeroDivisionError]
        reactor.reports.clear()
        broken.append(False)
        client = port.connect()
        client.sendall(b"x")
        assert client.recv(10) == b"x"
        assert len(port.listener.connections) == 1


class TestLimits:
    def test_connections_over_the_limit_wait_until_there_is_room(self, reactor, make_port):
        port = make_port(maxConnections=2)
        first, second, third = port.connect(), port.connect(), port.connect()
        third.sendall(b"third")
        reactor.until(lambda: len(port.stages) == 2)
        reactor.pass_by()
        assert len(port.stages) == 2
        first.close()
        assert third.recv(10) == b"third"
        second.sendall(b"second")
        assert second.recv(10) == b"second"

    def test_a_limit_of_zero_lets_nobody_in(self, reactor, make_port):
        port = make_port(maxConnections=0)
        port.connect()
        reactor.pass_by()
        assert port.stages == []
        port.serve(maxConnections=1)
        reactor.until(lambda: len(port.stages) == 1)

    def test_many_at_once_are_all_accepted(self, reactor, make_port):
        port = make_port()
        for _ in range(3 * module.ACCEPT_BATCH):
            port.connect()
        reactor.until(lambda: len(port.stages) == 3 * module.ACCEPT_BATCH)

    def test_out_of_descriptors_it_pauses_and_tries_again(self, reactor, make_port, monkeypatch):
        monkeypatch.setattr(module, "ACCEPT_PAUSE", 0.02)
        port = make_port()
        real, tries = port.listener._sock, []

        class Full:
            def accept(self):
                tries.append(reactor.loop.now())  # what timers go by: this turn may have begun some time ago
                if len(tries) <= 2:
                    raise OSError(errno.EMFILE, "Too many open files")
                return real.accept()

            def close(self):
                real.close()

        port.listener._sock = Full()
        with logged() as lines:
            client = port.connect()
            client.sendall(b"x")
            assert client.recv(10) == b"x"
        assert lines == [f"[ERR] [listener] Cannot accept on port {port.address[1]}: Too many open files; trying again"] * 2
        assert tries[2] - tries[0] > 0.03

    def test_a_client_that_is_gone_before_it_is_accepted_is_nothing(self, make_port, monkeypatch):
        port = make_port()
        real, failures = port.listener._sock, [errno.ECONNABORTED]

        class Gone:
            def accept(self):
                if failures:
                    raise OSError(failures.pop(), "")
                return real.accept()

            def close(self):
                real.close()

        port.listener._sock = Gone()
        with logged() as lines:
            client = port.connect()
            client.sendall(b"x")
            assert client.recv(10) == b"x"
        assert lines == []


class TestOpening:
    def test_it_says_where_it_listens(self, make_port):
        port = make_port()
        assert port.log == [f"[INF] [listener] Listening on port {port.address[1]} at 127.0.0.1"]
        with logged() as lines:
            port.listener.abandon()
            port.listener.abandon()
        assert lines == [f"[INF] [listener] Stopped listening on port {port.address[1]} at 127.0.0.1"]

    def test_a_port_that_is_taken(self, reactor, services, contexts, make_port):
        port = make_port()
        second = Listener(reactor, port.address, port.layout, OPTIONS, contexts.new, contexts.gone)
        with pytest.raises(
            StartError, match=rf"^Cannot start listening on port {port.address[1]} at 127.0.0.1: Address already in use$"
        ):
            second.open()

    def test_a_port_can_be_shared_if_everybody_agrees(self, reactor, services, contexts, make_port):
        address = ("127.0.0.1", free_port())
        listeners = [Listener(reactor, address, services.layout(), OPTIONS, contexts.new, contexts.gone) for _ in range(2)]
        for each in listeners:
            each.open(reuse_port=True)
        for each in listeners:
            each.abandon()

    def test_ipv6(self, reactor, services, contexts):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
                address = probe.getsockname()[:2]
        except OSError:
            pytest.skip("no IPv6 here")
        listener = Listener(reactor, address, services.layout(), OPTIONS, contexts.new, contexts.gone)
        listener.open()
        listener.serve(listener.layout, OPTIONS, contexts.new, contexts.gone)
        client = gevent.socket.create_connection(address)
        client.sendall(b"x")
        assert client.recv(10) == b"x"
        assert contexts.inbounds[0][1] == "::1"
        client.close()
        reactor.until(lambda: not listener.connections)
        listener.abandon()


class TestChanges:
    def test_new_connections_get_the_new_layout_and_old_ones_keep_theirs(self, services, contexts, make_port):
        port = make_port()
        old = port.connect()
        old.sendall(b"1")
        assert old.recv(10) == b"1"
        layout = services.layout(lambda: Stage(end_after(b"new")))
        port.listener.serve(layout, OPTIONS, contexts.new, contexts.gone)
        new = port.connect()
        new.sendall(b"x")
        assert read_all(new) == b"new"
        old.sendall(b"2")
        assert old.recv(10) == b"2"

    def test_connections_know_the_generation_they_began_in_and_tell_it_their_end(self, reactor, services, contexts, make_port):
        gone = {1: [], 2: []}
        port = make_port()
        clients = []
        for number in (1, 2):
            port.listener.serve(port.layout, OPTIONS, contexts.new, gone[number].append, number)
            clients.append(port.connect())
            reactor.until(lambda number=number: len(port.listener.connections) == number)
        assert sorted(each.generation for each in port.listener.connections) == [1, 2]
        for client in clients:
            client.close()
        reactor.until(lambda: not port.listener.connections)
        assert [len(gone[1]), len(gone[2])] == [1, 1]


class TestClosing:
    """Nobody who is connected is turned away; who was not is, in order."""

    def test_connections_go_on(self, reactor, make_port):
        port = make_port()
        client = port.connect()
        client.sendall(b"1")
        client.recv(1)
        port.listener.close()
        assert port.listener.is_open
        reactor.until(lambda: not port.listener.is_open)
        client.sendall(b"2")
        assert client.recv(10) == b"2"
        with pytest.raises(ConnectionRefusedError):
            port.connect()

    def test_those_who_wait_in_the_kernel_are_served_and_asked_to_end_soon(self, reactor, make_port, patient):
        port = make_port(end_after(b"bye"))
        clients = [socket.create_connection(port.address) for _ in range(5)]  # before the loop has run
        clients = [gevent.socket.socket(fileno=client.detach()) for client in clients]  # that has to run before they are answered
        for client in clients:
            client.sendall(b"x")
        port.listener.close()
        reactor.until(lambda: not port.listener.is_open)
        assert [stage.drained for stage in port.stages] == [1] * 5
        for client in clients:
            assert client.recv(10) == b"bye"
            client.close()

    def test_those_who_arrive_at_the_last_moment_are_accepted_before_the_end(self, reactor, make_port, monkeypatch):
        monkeypatch.setattr(module, "refuse_new", lambda _sock: None)
        port = make_port()
        port.listener.close()
        client = socket.create_connection(port.address)
        reactor.loop.run_callback(port.listener._close_now)
        reactor.until(lambda: not port.listener.is_open)
        client.sendall(b"x")
        reactor.until(lambda: port.stages and port.stages[0].events)
        client.close()

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has packet filters for sockets")
    def test_nobody_new_gets_in_meanwhile_unless_it_is_to_stay_after_all(self, reactor, make_port, monkeypatch):
        monkeypatch.setattr(module, "CLOSING", PATIENCE)
        port = make_port()
        port.listener.close()
        port.listener.close()
        late = socket.socket()
        late.setblocking(False)
        assert late.connect_ex(port.address) == errno.EINPROGRESS
        reactor.pass_by()
        assert port.stages == []
        late.close()
        port.serve()
        port.connect().sendall(b"x")
        assert port.clients[-1].recv(10) == b"x"

    def test_one_that_is_to_stay_after_all_is_not_closed_later(self, make_port, monkeypatch):
        monkeypatch.setattr(module, "CLOSING", 0.05)
        port = make_port()
        port.listener.close()
        port.serve()  # the loop has not run: its time cannot be over
        gevent.sleep(0.1)
        assert port.listener.is_open
        port.connect().sendall(b"x")
        assert port.clients[-1].recv(10) == b"x"

    def test_it_is_not_closed_while_somebody_waits_for_room(self, reactor, make_port, patient, monkeypatch):
        monkeypatch.setattr(module, "CLOSING", 0.02)
        port = make_port(maxConnections=1)
        first, second = port.connect(), port.connect()
        first.sendall(b"1")
        assert first.recv(10) == b"1"
        port.listener.close()
        gevent.sleep(0.1)
        assert port.listener.is_open
        first.close()
        second.sendall(b"2")
        assert second.recv(10) == b"2"

    def test_in_the_end_everything_is_cut(self, reactor, make_port):
        port = make_port()
        client = port.connect()
        client.sendall(b"1")
        client.recv(1)
        port.listener.close()
        reactor.later(port.listener.abort)
        assert read_all(client) == b""
        assert not port.listener.is_open


class TestSharing:
    """Several processes accept from one socket; here several listeners."""

    def test_all_of_them_get_something_and_one_that_closes_leaves_it_to_the_others(self, reactor, services, contexts):
        Stage.made = []
        sock = opening.open_socket(("127.0.0.1", 0), OPTIONS)
        address, layout = sock.getsockname(), services.layout(Stage)
        shares = [Listener(reactor, address, layout, OPTIONS, contexts.new, contexts.gone) for _ in range(2)]
        with logged() as lines:
            for each in shares:
                each.adopt(sock.dup(), 2)
                each.serve(layout, OPTIONS, contexts.new, contexts.gone)
        assert lines == []
        clients = [socket.create_connection(address) for _ in range(20)]
        reactor.until(lambda: len(Stage.made) == 20)
        assert min(len(each.connections) for each in shares) >= 5
        shares[0].close()
        reactor.until(lambda: not shares[0].is_open)
        clients.append(socket.create_connection(address))
        reactor.until(lambda: len(Stage.made) == 21)
        assert len(shares[1].connections) == 21 - len(shares[0].connections)
        for client in clients:
            client.close()
        reactor.until(lambda: not (shares[0].connections or shares[1].connections))
        shares[1].abandon()
        sock.close()

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many wait")
    def test_one_takes_its_part_of_those_who_wait_and_then_leaves_the_others_some_time(
        self, reactor, services, contexts, monkeypatch
    ):
        monkeypatch.setattr(module, "SHARE_PAUSE", 60.0)
        with opening.open_socket(("127.0.0.1", 0), OPTIONS) as sock:
            listener = Listener(reactor, sock.getsockname(), services.layout(Stage), OPTIONS, contexts.new, contexts.gone)
            sock.setblocking(True)
            listener.adopt(sock.dup(), 3)
            clients = [socket.create_connection(sock.getsockname()) for _ in range(7)]
            listener.serve(listener.layout, OPTIONS, contexts.new, contexts.gone)
            reactor.until(lambda: listener.connections)
            reactor.pass_by()
            assert len(listener.connections) == 3
            listener.close()
            reactor.until(lambda: not listener.is_open)
            assert len(listener.connections) == 7
        for client in clients:
            client.close()
        reactor.until(lambda: not listener.connections)


def drain(listener):
    """Ask those that it is time to ask."""
    for each in listener.leaving()[0]:
        listener.reactor.run(each.drain)


class TestDraining:
    def test_draining_asks_every_pipeline_once(self, reactor, make_port):
        port = make_port()
        client = port.connect()
        client.sendall(b"1")
        client.recv(1)
        reactor.later(drain, port.listener)
        assert read_all(client) == b""
        assert port.stages[0].drained == 1
        drain(port.listener)
        assert port.stages[0].drained == 1

    def test_cutting_a_connection_closes_its_pipeline(self, reactor, make_port):
        port = make_port()
        client = port.connect()
        reactor.until(lambda: port.listener.connections)
        reactor.later(next(iter(port.listener.connections)).abort)
        assert read_all(client) == b""
        assert port.listener.connections == set()
        assert port.stages[0].closed == 1

    def test_it_is_time_again_when_its_grace_has_passed(self, reactor, make_port, patient):
        port = make_port()
        listener = port.listener
        assert listener.leaving() == ([], False)
        port.connect()
        reactor.until(lambda: port.stages)
        drain(listener)
        assert port.stages[0].drained == 1
        assert listener.leaving(grace=60.0) == ([], True)
        assert listener.leaving(current=0) == ([], False)
        assert listener.leaving() == (list(listener.connections), True)
        listener.close()
        assert listener.leaving(current=0) == ([], True)
