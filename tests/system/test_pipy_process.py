"""The other tests of this directory are only as good as what starts and ends their programs."""

import os
import socket

import pytest

from tests.system.pipy_process import PipyProcess, free_port, free_ports


def test_free_ports_are_different_and_free():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_it_listens_when_the_start_is_over_and_is_gone_afterwards(start_pipy):
    port = free_port()
    with start_pipy(f"pipy().listen({port}).serveHTTP(new Message('hi'))", ports=[port]) as pipy:
        socket.create_connection(("127.0.0.1", port)).close()
        os.kill(pipy.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pipy.pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_program_that_ends_at_the_start_fails_the_test_with_its_log(tmp_path):
    with pytest.raises(AssertionError, match=r"(?s)ended without.*main\.js"):
        PipyProcess("pipy().noSuchFilter()", directory=tmp_path, ports=[free_port()])


def test_waiting_for_what_is_never_logged_fails_the_test(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port})", ports=[port])
    with pytest.raises(AssertionError, match="did not within"):
        pipy.wait_for_log("no such line", timeout=0.05)
    assert pipy.stop() == 0


def test_files_lie_beside_the_script(start_pipy):
    port = free_port()
    script = "(config => pipy().listen(config.port))(JSON.decode(pipy.load('config/main.json')))"
    start_pipy(script, files={"config/main.json": f'{{"port": {port}}}'}, ports=[port])
