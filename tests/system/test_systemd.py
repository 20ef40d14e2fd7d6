"""What systemd asks of a service: to be told how it is, a sign of life now and then, and sockets that are open already."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.clients import ask
from tests.system.load import Load
from tests.system.pipy_process import PATIENCE, free_port, patient
from tests.system.test_workers import wait_until

HELLO = "pipy().listen({}).demuxHTTP('a').pipeline('a').replaceMessage(() => new Message('{}'))"
BOTH = pytest.mark.parametrize("options", [[], ["--threads=2"]], ids=["one", "two"])


@pytest.fixture
def manager(tmp_path):
    """The socket that a manager of services listens on: ``manager.recv`` gives what it is told, in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(PATIENCE)
        yield sock


def next_of(manager, *left_out):
    while True:
        told = manager.recv(4096).decode()
        if told not in left_out:
            return told


@BOTH
def test_it_is_told_of_the_start_of_reloads_and_of_the_end(start_pipy, tmp_path, manager, options):
    port = free_port()
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    pipy = start_pipy(HELLO.format(port, "hi"), options=options, environment=environment)
    assert next_of(manager) == "READY=1"
    assert ask(port) == ("200 OK", b"hi")  # without waiting for anything else
    pipy.signal(signal.SIGHUP)
    reloading = next_of(manager)
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert next_of(manager) == "READY=1"
    (tmp_path / "main.js").write_text("pipy(")
    pipy.signal(signal.SIGHUP)
    assert next_of(manager).startswith("RELOADING=1\n")
    assert next_of(manager) == "READY=1"  # the old script is ready, as before
    pipy.signal(signal.SIGTERM)
    assert next_of(manager) == "STOPPING=1"
    assert pipy.wait() == 0


@BOTH
def test_it_hears_nothing_of_a_script_that_cannot_be_loaded(start_pipy, tmp_path, manager, options):
    pipy = start_pipy("pipy(", options=options, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert pipy.wait() == 1
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


@BOTH
def test_it_gets_signs_of_life_if_it_wants_them(start_pipy, manager, tmp_path, options):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    pipy = start_pipy(HELLO.format(free_port(), "hi"), options=options, environment=environment)
    assert [next_of(manager, "READY=1") for _ in range(5)] == ["WATCHDOG=1"] * 5
    assert pipy.stop() == 0


def test_a_watchdog_that_is_meant_for_another_process_gets_none(start_pipy, manager, tmp_path):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}
    pipy = start_pipy(HELLO.format(free_port(), "hi"), environment=environment)
    assert next_of(manager) == "READY=1"
    pipy.signal(signal.SIGTERM)
    assert next_of(manager) == "STOPPING=1"
    assert pipy.wait() == 0


def test_neither_the_script_nor_its_programs_see_the_variables(start_pipy, manager, tmp_path):
    port = free_port()
    script = f"pipy().listen({port}).serveHTTP(() => new Message(`${{os.env.NOTIFY_SOCKET}} ${{os.env.WATCHDOG_USEC}}`))"
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"}
    start_pipy(script, environment=environment, ports=[port])
    assert ask(port) == ("200 OK", b"undefined undefined")


#: Becomes the program after it has made the sockets that it was given descriptors 3, 4, ...
ACTIVATE = """
import os, sys
given, *words = sys.argv[1:]
numbers = given.split(",")
for number, each in enumerate(numbers, 3):
    os.dup2(int(each), number)
    os.close(int(each))
os.environ.update(LISTEN_FDS=str(len(numbers)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="web")
os.execv(sys.executable, [sys.executable, "-m", "pipy_core", *words])
"""


class Activated:
    """A program that is started with open sockets, as systemd does it."""

    def __init__(self, sockets, words, directory):
        # out of the way of the numbers that they are to get
        copies = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for sock in sockets]
        self._log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", ACTIVATE, ",".join(map(str, copies)), *words],
            cwd=directory,
            env={**os.environ, **patient(directory)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=copies,
        )
        for each in copies:
            os.close(each)

    @property
    def log(self):
        return Path(self._log.name).read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.process.kill()
        self.process.wait()
        self._log.close()


@BOTH
def test_sockets_that_are_open_already_are_used_and_survive_the_program(tmp_path, options):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        (tmp_path / "main.js").write_text(HELLO.format(f"'127.0.0.1:{port}'", "hi"))
        with Load(port, 4) as load:
            for _ in range(2):  # who connects between two runs waits for the second one
                with Activated([sock], [*options, "main.js"], tmp_path) as pipy:
                    load.wait_for(20)
                    wait_until(lambda pipy=pipy: f"Listening on port {port}" in pipy.log, "the port is not told of")
                    pipy.process.send_signal(signal.SIGTERM)
                    assert pipy.process.wait(PATIENCE) == 0, pipy.log
                    assert "Traceback" not in pipy.log
            with Activated([sock], [*options, "main.js"], tmp_path):
                load.wait_for(20)
                load.stop()
        assert load.lost == []
        assert load.refused == 0


@BOTH
def test_a_port_may_be_left_and_taken_again(tmp_path, options):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port, other = sock.getsockname()[1], free_port()
        with_it = HELLO.format(f"'127.0.0.1:{port}'", "hi")
        (tmp_path / "main.js").write_text(with_it)
        with Activated([sock], [*options, "main.js"], tmp_path) as pipy:
            assert ask(port) == ("200 OK", b"hi")
            for number, script in enumerate((HELLO.format(other, "other"), with_it), 1):
                (tmp_path / "main.js").write_text(script)
                pipy.process.send_signal(signal.SIGHUP)
                wait_until(lambda number=number: pipy.log.count("Codebase reloaded") == number, pipy.log)
            assert ask(port) == ("200 OK", b"hi"), pipy.log


@BOTH
def test_a_socket_that_nobody_wants_is_told_of(tmp_path, options):
    with socket.create_server(("127.0.0.1", 0)) as wanted, socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = wanted.getsockname()[1]
        (tmp_path / "main.js").write_text(HELLO.format(f"'127.0.0.1:{port}'", "hi"))
        with Activated([wanted, other], [*options, "main.js"], tmp_path) as pipy:
            wait_until(lambda: "[WRN]" in pipy.log and "Listening on port" in pipy.log, "not both are told of")
            assert f"Listening on port {port} at 127.0.0.1, which was opened by who started us" in pipy.log
            assert f"nothing listens on [::1]:{other.getsockname()[1]}, which was opened by who started us" in pipy.log
            assert pipy.log.count("[WRN]") == 1
