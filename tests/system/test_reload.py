"""Reloads under load: no request is lost, all workers change together or none, and nothing is left behind."""

import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.system.clients import ask, connect, read_all
from tests.system.load import Load
from tests.system.pipy_process import free_port, free_ports, patient, save
from tests.system.test_workers import wait_for_workers, wait_until

HELLO = "pipy().listen({}).demuxHTTP('a').pipeline('a').replaceMessage(() => new Message('{}'))"
WORKERS = ["--threads=2"]
BOTH = pytest.mark.parametrize("options", [[], WORKERS], ids=["one", "two"])


@BOTH
def test_no_request_is_lost_while_the_script_is_replaced_again_and_again(start_pipy, tmp_path, options):
    port = free_port()
    pipy = start_pipy(HELLO.format(port, "0"), options=options, ports=[port], environment=patient(tmp_path))
    with Load(port) as load:
        load.wait_for(50)
        for number in range(1, 11):
            (tmp_path / "main.js").write_text(HELLO.format(port, number))
            pipy.signal(signal.SIGHUP)
            pipy.wait_for_log("Codebase reloaded", times=number)
            load.wait_for(20, b"%d" % number)
    assert load.lost == []
    assert pipy.stop() == 0
    assert "Traceback" not in pipy.log


@BOTH
def test_a_broken_script_under_load_is_one_error_and_changes_nothing(start_pipy, tmp_path, options):
    port = free_port()
    pipy = start_pipy(HELLO.format(port, "old"), options=options, ports=[port], environment=patient(tmp_path))
    with Load(port) as load:
        load.wait_for(50)
        (tmp_path / "main.js").write_text("pipy().noSuchFilter()")
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Failed reloading codebase")
        load.wait_for(100, b"old")
    assert load.lost == []
    assert set(load.answers) == {b"old"}
    assert pipy.log.count("noSuchFilter is not a function") == 1
    assert pipy.log.count("Failed reloading") == 1


def test_a_worker_that_replaces_another_runs_what_the_others_run_and_not_what_is_on_the_disk(start_pipy, tmp_path):
    port = free_port()
    pipy = start_pipy(HELLO.format(port, "old"), options=WORKERS, ports=[port])
    known = wait_for_workers(pipy, 2)
    (tmp_path / "main.js").write_text(HELLO.format(port, "new"))
    for each in known:
        os.kill(each, signal.SIGKILL)
    wait_for_workers(pipy, 2, set(known))
    assert {ask(port)[1] for _ in range(20)} == {b"old"}
    pipy.signal(signal.SIGHUP)
    pipy.wait_for_log("Codebase reloaded")
    assert {ask(port)[1] for _ in range(20)} == {b"new"}


def test_a_script_that_only_some_workers_can_load_is_loaded_by_none(start_pipy, tmp_path):
    port = free_port()
    pipy = start_pipy(HELLO.format(port, "old"), options=WORKERS, ports=[port])
    second = wait_for_workers(pipy, 2)[1]
    check = f"(os.readFile('/proc/self/stat').toString().startsWith('{second} ') ? nobody() : 0, pipy())"
    (tmp_path / "main.js").write_text(HELLO.format(port, "new").replace("pipy()", check, 1))
    pipy.signal(signal.SIGHUP)
    pipy.wait_for_log("Failed reloading codebase")
    assert {ask(port)[1] for _ in range(20)} == {b"old"}


@BOTH
def test_ports_come_go_and_come_back(start_pipy, tmp_path, options):
    port, other = free_ports(2)
    with_other = HELLO.format(port, "both") + f".listen({other}).connect('127.0.0.1:{port}')"
    pipy = start_pipy(HELLO.format(port, "one"), options=options, ports=[port])
    for number, script in enumerate((with_other, HELLO.format(port, "one"), with_other), 1):
        (tmp_path / "main.js").write_text(script)
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Codebase reloaded", times=number)
    assert ask(other) == ("200 OK", b"both")
    assert ask(port) == ("200 OK", b"both")
    assert pipy.stop() == 0


@BOTH
def test_a_port_that_cannot_be_opened_changes_nothing(start_pipy, tmp_path, options):
    port, free = free_ports(2)
    pipy = start_pipy(HELLO.format(port, "old"), options=options, ports=[port])
    with connect(port) as taken:
        number = taken.getsockname()[1]
        (tmp_path / "main.js").write_text(HELLO.format(free, "new") + f".listen('127.0.0.1:{number}')")
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Failed reloading codebase")
        assert pipy.log.count(f"Cannot start listening on port {number}") == 1
    assert ask(port) == ("200 OK", b"old")


@BOTH
def test_what_does_not_end_in_time_is_cut(start_pipy, options):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port})", options=[*options, "--drain-timeout=0.5"], ports=[port])
    with connect(port) as old:
        old.sendall(b"x")
        assert old.recv(1) == b"x"
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("1 connections of generation 1 had to be cut")
        assert read_all(old) == b""


@BOTH
def test_a_script_asks_for_a_reload_of_all(start_pipy, tmp_path, options):
    port = free_port()
    script = f"pipy().listen({port}).serveHTTP(() => (pipy.restart(), new Message('again')))"
    pipy = start_pipy(script, options=options, ports=[port])
    (tmp_path / "main.js").write_text(HELLO.format(port, "new"))
    assert ask(port) == ("200 OK", b"again")
    pipy.wait_for_log("Codebase reloaded")
    assert {ask(port)[1] for _ in range(10)} == {b"new"}


@BOTH
def test_a_change_of_a_file_is_a_reload_with_watch(start_pipy, tmp_path, options):
    port = free_port()
    files = {"text.txt": "old"}
    script = HELLO.format(port, "").replace("new Message('')", "new Message(text)").replace("pipy()", "(text => pipy()", 1)
    script += ")(pipy.load('text.txt').toString())"
    pipy = start_pipy(script, files=files, options=[*options, "--watch"], ports=[port])
    assert ask(port) == ("200 OK", b"old")
    save(tmp_path / "text.txt", "new")
    pipy.wait_for_log("Codebase reloaded")
    assert {ask(port)[1] for _ in range(10)} == {b"new"}
    assert pipy.stop() == 0


@BOTH
def test_many_reloads_leave_nothing_behind(start_pipy, options):
    port = free_port()
    pipy = start_pipy(HELLO.format(port, "hi"), options=options, ports=[port])
    processes = [pipy.pid, *(wait_for_workers(pipy, 2) if options else [])]

    def reload(count: int) -> None:
        done = pipy.log.count("Codebase reloaded")
        for number in range(done + 1, done + count + 1):
            pipy.signal(signal.SIGHUP)
            wait_until(lambda number=number: pipy.log.count("Codebase reloaded") == number, "no reload")
            assert ask(port) == ("200 OK", b"hi")

    def descriptors() -> Counter:
        return Counter({each: sum(1 for _ in Path(f"/proc/{each}/fd").iterdir()) for each in processes})

    def memory() -> int:
        return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text())[1]) for each in processes)

    reload(25)  # until the engine has the memory that it works with
    before, used = descriptors(), memory()
    reload(15)
    wait_until(lambda: descriptors() <= before, f"descriptors are left: {before} {descriptors()}")
    assert memory() < used + 10_000  # kB; a generation that stays takes about a megabyte
