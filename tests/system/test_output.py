"""Whoever reads the log does not decide whether the program serves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.clients import ask
from tests.system.pipy_process import PATIENCE, free_port
from tests.system.test_workers import wait_until

#: Lines of 1 KB: more of them than a pipe and what waits for its reader can hold.
REQUESTS = 1500
SCRIPT = "pipy().listen({}).serveHTTP(msg => (console.log(msg.head.path + '-'.repeat(1000)), new Message('hi')))"


def answers(port):
    try:
        return ask(port)
    except ConnectionRefusedError:
        return None


@pytest.mark.parametrize("options", [[], ["--threads=2"]])
def test_a_reader_that_does_not_read_stops_nobody(tmp_path, options):
    port = free_port()
    (tmp_path / "main.js").write_text(SCRIPT.format(port))
    words = [sys.executable, "-m", "pipy_core", *options, "main.js"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as pipy:
        try:
            wait_until(lambda: answers(port), "the port is not open")
            for number in range(REQUESTS):
                assert ask(port, f"/{number}") == ("200 OK", b"hi")
            assert ask(port, "/last") == ("200 OK", b"hi")
            pipy.send_signal(signal.SIGTERM)
            assert pipy.wait(PATIENCE) == 0
            assert pipy.stdout is not None
            assert b"/0-----" in pipy.stdout.read()
        finally:
            pipy.kill()
