"""``pipy http://host/path/``: a codebase that a server has, from the first start to a new version under load, and without the server."""

import json
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipy_core.codebase.server import Server, serving
from tests.system.certificates import authority
from tests.system.clients import ask, connect, get
from tests.system.pipy_process import PATIENCE, free_port, patient, save
from tests.system.test_workers import wait_until

SCRIPT = "pipy().listen({port}).serveHTTP(() => new Message(pipy.load('text.js').toString() + ' {text}'))"
OPTIONS = ["--poll-interval=0.2", "--cache-dir=cache"]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", directory]
    if sys.platform != "linux" or subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems can be mounted here by nobody or by root only")
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def remount(directory: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", directory], check=True)


def put(server: Server, port: int, text: str, version: int, script: str = SCRIPT) -> None:
    server.put("/repo/hi/", f'"{version}"', main=script.format(port=port, text=text), text=text)


def answers(port: int, wanted: str, path: str = "/") -> None:
    """Wait for an answer; each connection gets that of one version or another."""
    for _ in range(200):
        status, body = ask(port, path)
        assert status == "200 OK"
        first, _, second = body.decode().partition(" ")
        assert first == second  # never files of two versions
        if first == wanted:
            return
    raise AssertionError(f"{body!r} instead of {wanted}")


def wait_until_kept(server: Server) -> None:
    """Wait until the program tells what it runs: a copy of that is kept by then."""
    wait_until(lambda: server.posted, "no report has come")


class TestVersions:
    def test_a_new_version_loses_no_request(self, start_pipy, server, port, tmp_path):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port], environment=patient(tmp_path))
        answers(port, "one")
        stop, faults, seen = threading.Event(), [], set()

        def load() -> None:
            while not stop.is_set():
                try:
                    status, body = ask(port)
                except OSError as error:
                    faults.append(error)
                else:
                    seen.add((status, body))

        clients = [threading.Thread(target=load) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            for number, text in enumerate(("two", "three", "four"), 2):
                put(server, port, text, number)
                pipy.wait_for_log("Codebase reloaded", times=number - 1)
                answers(port, text)
        finally:
            stop.set()
            for client in clients:
                client.join(PATIENCE)
        assert faults == []
        assert seen <= {("200 OK", f"{text} {text}".encode()) for text in ("one", "two", "three", "four")}
        assert len(seen) > 1
        reports = [json.loads(report)["version"] for report in server.posted]
        assert reports[0] == "1"

    def test_a_broken_version_changes_nothing_and_a_later_one_is_taken(self, start_pipy, server, port):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port])
        with connect(port) as kept:
            assert get(kept) == ("200 OK", b"one one")
            put(server, port, "two", 2, "pipy().listen({port}).noSuchFilter('{text}')")
            pipy.wait_for_log(r"\[ERR\] \[restart\] Failed reloading codebase")
            rounds = len(server.asked)
            for count in range(1, 7):  # not as often as it can: a connection has so many requests
                wait_until(lambda count=count: len(server.asked) >= rounds + count, "nothing more is asked for")
                assert get(kept) == ("200 OK", b"one one")  # its files too are those of version 1
            assert pipy.log.count("Failed reloading codebase") == 1
        put(server, port, "three", 3)
        pipy.wait_for_log("Codebase reloaded")
        answers(port, "three")

    def test_sighup_fetches_it_at_once(self, start_pipy, server, port):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=["--cache-dir=cache"], ports=[port])
        put(server, port, "two", 2)
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Codebase reloaded")
        answers(port, "two")

    def test_two_workers_change_together(self, start_pipy, server, port):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=[*OPTIONS, "--threads=2"], ports=[port])
        answers(port, "one")
        put(server, port, "two", 2)
        pipy.wait_for_log("Codebase reloaded")
        for _ in range(20):
            assert ask(port) == ("200 OK", b"two two")
        assert pipy.stop() == 0


class TestWithoutTheServer:
    def test_the_last_good_copy(self, start_pipy, port):
        address = ("127.0.0.1", free_port())
        with serving(Server(address)) as server:
            put(server, port, "one", 1)
            pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port])
            pipy.wait_for_log("Listening on port")
            answers(port, "one")
            put(server, port, "two", 2, "broken(")
            pipy.wait_for_log("Failed reloading codebase")
            assert pipy.stop() == 0
        pipy = start_pipy(f"http://127.0.0.1:{address[1]}/repo/hi/", options=OPTIONS, ports=[port])
        pipy.wait_for_log(r"\[ERR\] \[codebase\] GET /repo/hi/ -> 0 Empty")
        pipy.wait_for_log(r"\[WRN\] \[codebase\] .*: starting with the copy of version 1 on the disk, which is \d minutes old")
        answers(port, "one")
        with serving(Server(address)) as server:
            put(server, port, "three", 3)
            pipy.wait_for_log("Codebase reloaded", timeout=2 * PATIENCE)
            answers(port, "three")

    def test_the_server_has_a_broken_version_at_the_start(self, start_pipy, server, port):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port])
        wait_until_kept(server)
        assert pipy.stop() == 0
        put(server, port, "two", 2, "broken(")
        pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port])
        pipy.wait_for_log(r"\[WRN\] \[codebase\] version 2 could not be loaded: starting with the copy of version 1")
        answers(port, "one")

    def test_there_is_no_copy_yet(self, start_pipy, port):
        address = ("127.0.0.1", free_port())
        pipy = start_pipy(f"http://127.0.0.1:{address[1]}/repo/hi/", options=OPTIONS)
        pipy.wait_for_log(r"\[INF\] \[codebase\] .*: trying again in 5 s, then less and less often")
        with serving(Server(address)) as server:
            put(server, port, "one", 1)
            pipy.wait_listening(port)
            answers(port, "one")
        assert pipy.stop() == 0

    def test_a_directory_that_cannot_be_used(self, start_pipy, server, port, tmp_path):
        (tmp_path / "cache").write_text("a file")
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=OPTIONS, ports=[port])
        pipy.wait_for_log(r"\[WRN\] \[codebase\] no copy of .* is kept for a start without the server: .*cache")
        answers(port, "one")

    def test_a_disk_that_becomes_read_only(self, start_pipy, server, port, disk):
        options = ["--poll-interval=0.2", f"--cache-dir={disk}"]
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=options, ports=[port])
        wait_until_kept(server)  # nothing is being written any more: otherwise it could not become read-only
        remount(disk, "ro")
        put(server, port, "two", 2)
        pipy.wait_for_log(r"\[ERR\].* cannot keep a copy of .*Read-only file system")
        answers(port, "one")
        remount(disk, "rw")
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Codebase reloaded")
        answers(port, "two")
        assert "Traceback" not in pipy.log
        assert pipy.stop() == 0

    def test_a_disk_that_is_read_only_at_the_start(self, start_pipy, server, port, disk):
        options = ["--poll-interval=0.2", f"--cache-dir={disk}"]
        put(server, port, "one", 1)
        remount(disk, "ro")
        pipy = start_pipy(f"{server.url}/repo/hi/", options=options, ports=[port])
        pipy.wait_for_log(r"\[WRN\] \[codebase\] no copy of .* is kept for a start without the server")
        pipy.wait_listening(port)
        answers(port, "one")
        put(server, port, "two", 2)
        pipy.wait_for_log("Codebase reloaded")
        answers(port, "two")
        assert pipy.stop() == 0


def test_a_plain_server_of_files_will_do(start_pipy, port, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    (files / "codebase.txt").write_text("/main.js\n/text.js\n")
    (files / "main.js").write_text(SCRIPT.replace("{text}", "one").format(port=port))
    (files / "text.js").write_text("one")
    source = free_port()
    command = [sys.executable, "-u", "-m", "http.server", str(source), "--bind", "127.0.0.1", "--directory", str(files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert b"Serving" in server.stdout.readline()  # a first version that comes late is told of as a new one
            pipy = start_pipy(f"http://localhost:{source}/codebase.txt", options=OPTIONS)
            pipy.wait_listening(port)
            assert ask(port) == ("200 OK", b"one one")
            save(files / "text.js", "eleven")
            pipy.wait_for_log("Codebase reloaded")
            assert ask(port) == ("200 OK", b"eleven one")
        finally:
            server.terminate()


def test_over_tls_with_certificates_at_both_ends(start_pipy, port, tmp_path):
    authority().write(tmp_path, "root")
    authority().issue("server", ["localhost"]).write(tmp_path, "server")
    authority().issue("worker").write(tmp_path, "worker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server-cert.pem", tmp_path / "server-key.pem")
    context.load_verify_locations(tmp_path / "root-cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(Server(), context) as server:
        put(server, port, "one", 1)
        url = f"{server.url}/repo/hi/".replace("127.0.0.1", "localhost")
        options = [*OPTIONS, "--tls-trusted=root-cert.pem", "--tls-cert=worker-cert.pem", "--tls-key=worker-key.pem"]
        start_pipy(url, options=options, ports=[port])
        answers(port, "one")
        assert start_pipy(url, options=[*options[:-2], "--verify"]).wait() == 1


class TestVerifying:
    def test_a_good_one(self, start_pipy, server, port):
        put(server, port, "one", 1)
        pipy = start_pipy(f"{server.url}/repo/hi/", options=["--verify"])
        assert pipy.wait() == 0
        pipy.wait_for_log(re.escape(f"{server.url}/repo/hi/ is good"))
        assert "Listening" not in pipy.log

    @pytest.mark.parametrize("fault", ["script", "server"])
    def test_one_that_cannot_be_run(self, start_pipy, server, port, fault):
        if fault == "script":
            put(server, port, "one", 1, "broken(")
        pipy = start_pipy(f"{server.url}/repo/hi/", options=["--verify"])
        assert pipy.wait() == 1
        assert "Traceback" not in pipy.log


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tls-cert=x"], "--tls-cert and --tls-key must be used in conjuction"),
        (["--tls-trusted=none"], "file or directory does not exist: .*/none"),
    ],
)
def test_options_that_cannot_be_used(start_pipy, options, message):
    pipy = start_pipy("https://127.0.0.1:1/repo/hi/", options=options)
    assert pipy.wait() == 1
    pipy.wait_for_log(message)
    assert "Traceback" not in pipy.log
