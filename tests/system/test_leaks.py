"""Ten thousand connections of all kinds, opened and closed under load, leave nothing behind."""

import itertools
import json
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from tests.system import counting
from tests.system.clients import connect, descriptors, get, read_all
from tests.system.pipy_process import PATIENCE, free_ports

CONNECTIONS = 10_000
CLIENTS = 4
#: A script function that keeps state, a proxy with a pool and a script, a proxy that nothing is told, and raw bytes.
SCRIPT = """pipy({{ _n: 0, _target: '' }})
  .listen({serve}).serveHTTP(msg => new Message({{ headers: {{ 'x-n': String(++_n) }} }}, msg.head.path))
  .listen({proxy}).demuxHTTP('request')
  .listen({plain}).demuxHTTP('relay')
  .listen({raw}).handleData(data => {{ _n += data.size }}).replaceStreamEnd(end => end)
  .listen({tcp}).connect('127.0.0.1:{raw}')
  .pipeline('request').handleMessageStart(msg => {{ _target = '127.0.0.1:{serve}' }}).muxHTTP('forward', () => _target)
  .pipeline('forward').connect(() => _target)
  .pipeline('relay').muxHTTP('upstream', '')
  .pipeline('upstream').connect('127.0.0.1:{serve}')
"""


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ask_and_close(port):
    with connect(port) as sock:
        assert get(sock, "/a") == ("200 OK", b"/a")


def ask_twice_and_reset(port):
    with connect(port) as sock:
        assert get(sock, "/a") == get(sock, "/a") == ("200 OK", b"/a")
        reset(sock)


def ask_and_run_away(port):
    with connect(port) as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        reset(sock)


def leave_in_the_middle(port):
    with connect(port) as sock:
        sock.sendall(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
        reset(sock)


def talk_nonsense(port):
    with connect(port) as sock:
        sock.sendall(b"\r\n\r\nnonsense\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 400")
        reset(sock)


def say_nothing(port):
    connect(port).close()


def echo(port):
    with connect(port) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""


def echo_and_reset(port):
    with connect(port) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
        reset(sock)


HTTP = (ask_and_close, ask_twice_and_reset, ask_and_run_away, leave_in_the_middle, talk_nonsense, say_nothing)
RAW = (echo, echo_and_reset, say_nothing)


class Site:
    def __init__(self, start_pipy):
        names = ("serve", "proxy", "plain", "raw", "tcp", "counts")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.pipy = start_pipy(
            SCRIPT.format(**self.ports),
            ports=[self.ports[name] for name in names[:-1]],
            program=[str(Path(counting.__file__))],
            environment={"PIPY_COUNTS_PORT": str(self.ports["counts"])},
        )
        kinds = [(act, self.ports[name]) for name in ("serve", "proxy", "plain") for act in HTTP]
        self.kinds = kinds + [(act, self.ports[name]) for name in ("raw", "tcp") for act in RAW]

    def load(self, count):
        """Open and close *count* connections, several at a time."""
        failures = []
        work = iter(list(itertools.islice(itertools.cycle(self.kinds), count)))
        lock = threading.Lock()

        def run():
            while not failures:
                with lock:
                    act, port = next(work, (None, 0))
                if act is None:
                    return
                try:
                    act(port)
                except Exception as error:  # noqa: BLE001  # shown by the test's thread
                    failures.append((act.__name__, error))

        threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def counts(self):
        with connect(self.ports["counts"]) as sock:
            counts = json.loads(read_all(sock))
        return {**counts, "descriptors": descriptors(self.pipy.pid)}

    def settled(self, expected=None):
        """The counts when they change no more, or are no more than *expected*."""
        deadline, last = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline:
            counts = self.counts()
            if counts == last or (expected is not None and more(counts, expected) == {}):
                return counts
            last = counts if expected is None else None
            time.sleep(0.1)  # connections linger for a moment, and the program is another process
        return self.counts()


def more(counts, before):
    """What there is more of than before."""
    return {name: (before[name], count) for name, count in counts.items() if count > before[name]}


@pytest.fixture
def site(start_pipy):
    return Site(start_pipy)


@pytest.mark.slow
def test_nothing_is_left_of_ten_thousand_connections(site):
    site.load(1000)  # fills the pools, and what Python and V8 keep for good
    before = site.settled()
    site.load(CONNECTIONS)
    assert more(site.settled(before), before) == {}
    assert "Traceback" not in site.pipy.log
    assert site.pipy.stop() == 0
