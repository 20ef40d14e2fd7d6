"""Several workers: they share the ports, who dies is replaced, and they end together."""

import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.system.clients import ask, connect, get, read_all, read_response
from tests.system.load import Load
from tests.system.pipy_process import PATIENCE, PipyProcess, free_port, patient

RELAY = "pipy().listen({}).demuxHTTP('a').pipeline('a').replaceMessage({})"
WORKERS = ["--threads=2"]


def workers_of(pid: int) -> list[int]:
    """The processes below this one."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def has_ended(pid: int) -> bool:
    """Whether a process has ended, even if whoever has inherited it does not look after it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(check, what: str):
    """Wait until *check* gives something true, and give that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)  # what happens in another process cannot be awaited otherwise
    raise AssertionError(what)


def wait_for_workers(pipy: PipyProcess, count: int, without: set[int] = frozenset()) -> list[int]:
    """Wait until there are *count* workers, none of them in *without*."""

    def look():
        found = set(workers_of(pipy.pid)) - without
        return sorted(found) if len(found) == count else None

    return wait_until(look, f"there are not {count} workers; the log:\n{pipy.log}")


class TestSharing:
    def test_all_workers_serve_and_the_log_tells_of_ports_and_script_once(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port}).serveHTTP(() => new Message('hi'))", options=WORKERS, ports=[port])
        assert len(wait_for_workers(pipy, 2)) == 2
        assert [ask(port) for _ in range(20)] == [("200 OK", b"hi")] * 20
        assert pipy.stop() == 0
        assert pipy.log.count("Module /main.js") == 1
        assert pipy.log.count(f"Listening on port {port}") == 1
        assert pipy.log.count(f"Stopped listening on port {port}") == 1

    def test_connections_are_spread_over_the_workers(self, start_pipy):
        port = free_port()
        script = f"((n = 0) => pipy().listen({port}).serveHTTP(() => new Message('' + (n = n + 1))))()"
        start_pipy(script, options=WORKERS, ports=[port])
        seen: set[bytes] = set()

        def has_been() -> bool:
            number = ask(port)[1]
            return number in seen or seen.add(number) is not None

        wait_until(has_been, "one worker has all")  # each worker counts for itself

    def test_a_script_that_fails_is_told_of_once_and_ends_the_program(self, start_pipy):
        pipy = start_pipy("pipy().noSuchFilter()", options=WORKERS)
        assert pipy.wait() == 1
        assert pipy.log.count("noSuchFilter is not a function") == 1
        assert "Traceback" not in pipy.log
        assert "is started" not in pipy.log

    def test_a_port_that_is_taken_ends_the_program(self, start_pipy):
        port = free_port()
        with socket.create_server(("0.0.0.0", port)):
            pipy = start_pipy(RELAY.format(port, "new Message"), options=WORKERS)
            assert pipy.wait() == 1
        assert pipy.log.count(f"Cannot start listening on port {port}") == 1

    def test_an_access_log_that_cannot_be_written_ends_the_program_with_a_word(self, start_pipy, tmp_path):
        options = [*WORKERS, "--access-log=common", f"--access-log-file={tmp_path}/none/log"]
        pipy = start_pipy(RELAY.format(free_port(), "new Message"), options=options)
        assert pipy.wait() == 1
        assert len(pipy.log.splitlines()) == 1
        assert f"cannot write the access log {tmp_path}/none/log: No such file or directory" in pipy.log

    def test_the_environment_of_the_original_image(self, start_pipy):
        port = free_port()
        script = RELAY.format(port, "new Message('hi')")
        pipy = start_pipy(script, environment={"PIPY_SPAWN": "2"}, ports=[port])
        assert len(wait_for_workers(pipy, 3)) == 3


class TestDying:
    def test_who_is_killed_is_replaced_and_loses_only_what_it_had(self, start_pipy):
        port = free_port()
        pipy = start_pipy(RELAY.format(port, "() => new Message('hi')"), options=WORKERS, ports=[port])
        known = set(wait_for_workers(pipy, 2))
        clients = 8
        with Load(port, clients) as load:
            load.wait_for(50)
            for count in (1, 2, 3):
                victim = wait_for_workers(pipy, 2)[0]
                os.kill(victim, signal.SIGKILL)
                pipy.wait_for_log(rf"worker \d+ \({victim}\) has ended: killed by SIGKILL; another is started")
                load.wait_for(50)
                assert len(load.lost) <= count * clients
            wait_for_workers(pipy, 2)
            load.wait_for(50)
        assert set(workers_of(pipy.pid)) != known
        assert all(re.match("ConnectionError|ConnectionReset", each) for each in load.lost)
        assert pipy.stop() == 0

    def test_a_worker_whose_script_fills_its_heap_is_replaced(self, start_pipy):
        port = free_port()
        script = RELAY.format(port, "msg => (msg.head.path == '/fill' ? fill() : 0, new Message('hi'))")
        fill = "function fill() { const all = []; for (;;) all.push(new Array(100000).fill(1.5)) }\n"
        pipy = start_pipy(fill + script, options=[*WORKERS, "--heap-limit=32", "--call-timeout=30"], ports=[port])
        wait_for_workers(pipy, 2)
        with connect(port) as client:
            client.sendall(b"GET /fill HTTP/1.1\r\nHost: h\r\n\r\n")
            pipy.wait_for_log(r"worker \d+ \(\d+\) has ended: .*exit code 70|killed by SIG(TRAP|ABRT)")
        wait_for_workers(pipy, 2)
        assert ask(port) == ("200 OK", b"hi")

    def test_who_is_replaced_needs_nothing_of_a_directory_that_was_removed(self, start_pipy, tmp_path):
        port = free_port()
        release = tmp_path / "release"
        release.mkdir()
        (release / "main.js").write_text(RELAY.format(port, "new Message('hi')"))
        pipy = start_pipy(release / "main.js", options=WORKERS, ports=[port])
        known = set(wait_for_workers(pipy, 2))
        shutil.rmtree(release)
        for victim in known:
            os.kill(victim, signal.SIGKILL)
        pipy.wait_for_log("cannot use the directory ", times=2)
        assert ask(port) == ("200 OK", b"hi")
        assert not known & set(wait_for_workers(pipy, 2))
        assert "could not load" not in pipy.log

    def test_workers_end_when_their_supervisor_is_killed(self, start_pipy):
        port = free_port()
        pipy = start_pipy(RELAY.format(port, "new Message('hi')"), options=WORKERS, ports=[port])
        workers = wait_for_workers(pipy, 2)
        os.kill(pipy.pid, signal.SIGKILL)
        wait_until(lambda: all(map(has_ended, workers)), "workers go on without a supervisor")
        pipy.wait_for_log("has lost its supervisor")

    def test_a_worker_that_gives_no_sign_of_life_is_killed(self, start_pipy):
        port = free_port()
        shim = "import sys; from pipy_core.supervisor import process; process.BEAT_LIMIT = 4.0; from pipy_core.cli import main; sys.exit(main())"
        script = RELAY.format(port, "new Message('hi')")
        pipy = start_pipy(script, options=[*WORKERS, "--call-timeout=1"], ports=[port], program=["-c", shim])
        stuck = wait_for_workers(pipy, 2)[0]
        os.kill(stuck, signal.SIGSTOP)
        pipy.wait_for_log(rf"worker \d+ \({stuck}\) has ended: killed, since it gave no sign of life for \d+ s; another is started")
        wait_for_workers(pipy, 2, {stuck})
        assert ask(port) == ("200 OK", b"hi")


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_no_request_is_lost(self, start_pipy, number, tmp_path):
        port = free_port()
        script = RELAY.format(port, "() => new Message('hi')")
        pipy = start_pipy(script, options=WORKERS, ports=[port], environment=patient(tmp_path))
        with Load(port) as load:
            load.wait_for(200)
            pipy.signal(number)
            assert pipy.wait() == 0
        assert load.lost == []
        assert "Traceback" not in pipy.log

    def test_a_request_in_progress_is_answered(self, start_pipy):
        port = free_port()
        pipy = start_pipy(RELAY.format(port, "msg => new Message(msg.body)"), options=WORKERS, ports=[port])
        with connect(port) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nbef")
            assert ask(port) == ("200 OK", b"")
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 1 connections")
            client.sendall(b"ore")
            assert read_response(client) == ("200 OK", b"before")
            assert read_all(client) == b""
        assert pipy.wait() == 0

    def test_a_second_signal_does_not_wait(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", options=WORKERS, ports=[port])
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 1 connections")
            pipy.signal(signal.SIGTERM)
            assert pipy.wait() == 1
        assert pipy.log.count("Forcing to shut down") == 1
        assert not Path(f"/proc/{pipy.pid}").exists()

    def test_the_time_to_end_is_limited(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", options=[*WORKERS, "--shutdown-timeout=0.5"], ports=[port])
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            pipy.signal(signal.SIGTERM)
            assert pipy.wait() == 0
            assert client.recv(1) == b""
        pipy.wait_for_log("1 connections had to be cut")

    def test_a_script_can_end_all_workers_with_a_code(self, start_pipy):
        port = free_port()
        pipy = start_pipy(
            f"pipy().listen({port}).serveHTTP(() => (pipy.exit(3), new Message('bye')))", options=WORKERS, ports=[port]
        )
        assert ask(port) == ("200 OK", b"bye")
        assert pipy.wait() == 3

    def test_scripts_that_end_the_program_in_every_worker_do_not_force_it(self, start_pipy):
        pipy = start_pipy("pipy().task().handleMessageStart(() => pipy.exit(3)).replaceMessage(new StreamEnd)", options=WORKERS)
        assert pipy.wait() == 3
        assert "Forcing" not in pipy.log

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_signals_to_all_processes_are_left_to_the_first_from_the_beginning(self, start_pipy, name):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", options=WORKERS)
        for worker in wait_for_workers(pipy, 2):  # they are importing
            os.kill(worker, getattr(signal, name))
        pipy.wait_listening(port)
        assert pipy.stop() == 0
        assert "Traceback" not in pipy.log
        assert "has ended" not in pipy.log

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_tasks_on_a_signal_run_in_every_worker_instead(self, start_pipy, name):
        port = free_port()
        task = f".task('{name}').handleMessageStart(() => console.log('instead')).replaceMessage(new StreamEnd)"
        pipy = start_pipy(RELAY.format(port, "new Message('hi')") + task, options=WORKERS, ports=[port])
        pipy.signal(getattr(signal, name))
        pipy.wait_for_log("instead", times=2)
        with connect(port) as client:
            assert get(client) == ("200 OK", b"hi")
        assert "Shutting down" not in pipy.log
        assert "Reloading" not in pipy.log
