"""The other tests of this directory are only as good as what starts and ends their programs."""

import os
import socket

import pytest

from tests.system.clients import ask
from tests.system.pipy_process import PipyProcess, free_port, free_ports, save, unassigned_ports


def test_free_ports_are_different_and_free():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_who_asks_twice_gets_two_ports():
    assert len({free_port() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [
        ("32768\t60999\n", range(20_768, 32_768)),
        ("16000 65535", range(4_000, 16_000)),
        ("10000 50000", range(50_001, 65_536)),
        ("1024 65535", range(20_000, 32_000)),
        (None, range(20_000, 32_000)),
    ],
)
def test_ports_are_not_those_of_outgoing_connections(tmp_path, assigned, expected):
    if assigned is not None:
        (tmp_path / "range").write_text(assigned)
    assert unassigned_ports(tmp_path / "range") == expected


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


def test_what_is_logged_again_is_waited_for(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port}).serveHTTP(() => (console.log('here'), new Message('hi')))", ports=[port])
    places = []
    for number in range(1, 4):
        ask(port)
        places.append(pipy.wait_for_log("here$", times=number).start())
    assert places == sorted(set(places))
    with pytest.raises(AssertionError, match=r"did not within .* s log 4 times 'here"):
        pipy.wait_for_log("here$", timeout=0.05, times=4)


def test_what_is_saved_is_there_and_nothing_else(tmp_path):
    save(tmp_path / "a.js", "one")
    save(tmp_path / "a.js", "two")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.js": "two"}


def test_files_lie_beside_the_script(start_pipy):
    port = free_port()
    script = "(config => pipy().listen(config.port))(JSON.decode(pipy.load('config/main.json')))"
    start_pipy(script, files={"config/main.json": f'{{"port": {port}}}'}, ports=[port])
