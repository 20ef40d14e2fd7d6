"""A worker that does what it is told, with a supervisor that is played by the test: the whole process, at the end of a real channel."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import pipy_core
from pipy_core.errors import ProtocolError
from pipy_core.process import control
from pipy_core.process.control import Frames, encode
from pipy_core.process.supervised import welcome
from pipy_core.settings import Settings

PATIENCE = 120.0


class Supervisor:
    """Speaks to one worker process."""

    def __init__(self, directory):
        self.directory = directory
        self._sock, theirs = socket.socketpair()
        self._sock.settimeout(PATIENCE)
        self._frames = Frames()
        self._heard = []
        with theirs:
            words = [sys.executable, "-P", "-m", "pipy_core", "--supervised", str(theirs.fileno())]
            environment = {"PYTHONPATH": str(Path(pipy_core.__file__).parents[1])}
            self.process = subprocess.Popen(
                words, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True
            )
        self.say(control.Welcome(1, Settings(shutdown_timeout=PATIENCE)))

    def say(self, message, *sockets):
        if sockets:
            socket.send_fds(self._sock, [encode(message)], [sock.fileno() for sock in sockets])
        else:
            self._sock.sendall(encode(message))

    def hear(self, kind):
        """The next message of that kind; what comes before it is left out."""
        while True:
            while self._heard:
                message = self._heard.pop(0)
                if isinstance(message, kind):
                    return message
            received = self._sock.recv(65536)
            assert received, f"it has ended, and said no {kind.__name__}"
            self._heard += self._frames.feed(received)

    def load(self, number, text, **more):
        (self.directory / "main.js").write_text(text)
        self.say(control.Load(number, str(self.directory), "/main.js", first=True, **more))

    def go(self):
        self._sock.close()

    def __enter__(self):
        self.hear(control.Ready)
        return self

    def __exit__(self, *_exception):
        self._sock.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def supervisor(tmp_path):
    with Supervisor(tmp_path) as running:
        yield running


def hello(port, text):
    return f"pipy().listen('127.0.0.1:{port}').serveHTTP(() => new Message('{text}'))"


def ask(port):
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: client.recv(65536), b"")).rpartition(b"\r\n")[2]


def test_it_loads_switches_abandons_tells_and_ends(supervisor):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        supervisor.load(
            1, hello(port, "one") + ".task('SIGHUP').handleMessageStart(() => pipy.restart()).replaceMessage(new StreamEnd)"
        )
        loaded = supervisor.hear(control.Loaded)
        address = control.Address("127.0.0.1", port)
        assert (loaded.generation, loaded.addresses, loaded.signals) == (1, [address], ["SIGHUP"])
        assert loaded.seen["/main.js"].startswith(b"pipy()")
        supervisor.say(control.Sockets([address]), sock)
        supervisor.say(control.Commit(1))
        assert supervisor.hear(control.Committed) == control.Committed(1)
        assert ask(port) == b"one"
        supervisor.load(2, "pipy().noSuchFilter()")
        failed = supervisor.hear(control.Failed)
        assert (failed.generation, failed.component) == (2, "pjs")
        assert "noSuchFilter is not a function" in failed.text
        supervisor.load(3, hello(port, "three"))
        supervisor.hear(control.Loaded)
        supervisor.say(control.Abandon(3))
        assert ask(port) == b"one"
        supervisor.say(control.Signal("SIGHUP"))
        supervisor.hear(control.Restart)
        supervisor.load(4, "not this one", pinned={"/main.js": hello(port, "four").encode()})
        supervisor.hear(control.Loaded)
        supervisor.say(control.Commit(4))
        supervisor.hear(control.Committed)
        assert ask(port) == b"four"
        supervisor.say(control.Ask(7))
        told = supervisor.hear(control.Told)
        assert told.question == 7
        assert b'"number":4' in told.status
        supervisor.hear(control.Beat)
        supervisor.say(control.Stop())
        assert supervisor.process.wait(PATIENCE) == 0


def test_one_that_is_ending_takes_nothing_over(supervisor):
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [sock.getsockname()[1] for sock in (first, second)]
        supervisor.load(1, hello(ports[0], "one"))
        supervisor.hear(control.Loaded)
        supervisor.say(control.Sockets([control.Address("127.0.0.1", ports[0])]), first)
        supervisor.say(control.Commit(1))
        supervisor.hear(control.Committed)
        with socket.create_connection(("127.0.0.1", ports[0]), PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")  # under way, so that the end takes a while
            supervisor.load(2, hello(ports[1], "two"))
            supervisor.hear(control.Loaded)
            supervisor.say(control.Stop())
            supervisor.say(control.Sockets([control.Address("127.0.0.1", ports[1])]), second)
            supervisor.say(control.Commit(2))
            assert supervisor.hear(control.Committed) == control.Committed(2)
            second.close()
            with pytest.raises(ConnectionRefusedError):
                ask(ports[1])
            client.sendall(b"\r\n")
            assert client.recv(65536).endswith(b"one")
    assert supervisor.process.wait(PATIENCE) == 0


def test_a_wish_to_end_is_passed_on(supervisor):
    supervisor.load(1, "pipy().task().handleMessageStart(() => (pipy.exit(3), pipy.exit(4)))")
    supervisor.hear(control.Loaded)
    supervisor.say(control.Commit(1))
    assert supervisor.hear(control.Exit) == control.Exit(3)
    assert supervisor.hear(control.Exit) == control.Exit(4, again=True)


def test_it_ends_when_the_supervisor_has_gone(supervisor):
    supervisor.go()
    log, _ = supervisor.process.communicate(timeout=PATIENCE)
    assert supervisor.process.returncode == 0
    assert "has lost its supervisor: it ends" in log


def test_a_supervisor_that_says_nothing_or_something_else():
    for said in (b"", encode(control.Beat())):
        ours, theirs = socket.socketpair()
        with theirs:
            ours.sendall(said)
            ours.close()
            with pytest.raises(ProtocolError):
                welcome(theirs)
