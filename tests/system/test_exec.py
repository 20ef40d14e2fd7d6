"""Child processes of the real program: bytes both ways, and no zombie, whoever ends first."""

import hashlib
import os
import signal
import socket
import struct
import threading
import time
from pathlib import Path

from tests.system.clients import connect, descriptors, read_all
from tests.system.pipy_process import PATIENCE, free_port


def children(pid):
    """The state of each child process by its number: ``S`` sleeps, ``Z`` is a zombie."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text("utf-8", "replace").partition(" ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = rest.rpartition(")")[2].split()[:2]
        if int(parent) == pid:
            found[int(number)] = state
    return found


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_much_goes_through_cat(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port}).exec('cat')", ports=[port])
    piece = os.urandom(1 << 20)
    sent, received = hashlib.sha256(), hashlib.sha256()
    with connect(port) as client:

        def send():
            for _ in range(100):
                client.sendall(piece)
                sent.update(piece)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while data := client.recv(1 << 18):
            received.update(data)
        sender.join()
    assert received.digest() == sent.digest()
    wait_until(lambda: not children(pipy.pid))


def test_a_command_from_the_script_and_its_exit_code(start_pipy):
    port = free_port()
    script = f"""
      pipy()
        .listen({port})
          .exec(() => ['sh', '-c', 'tr a-z $TO; exit 3'], {{
            env: () => ({{ TO: 'A-Z', FROM: __inbound.remoteAddress }}),
            onExit: (code, signal) => console.log('exited', code, signal),
          }})
    """
    pipy = start_pipy(script, ports=[port])
    with connect(port) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"HELLO"
    pipy.wait_for_log("exited 3 null")


def test_no_zombies_and_no_descriptors_are_left(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port}).exec('sleep 600')", ports=[port])
    before = descriptors(pipy.pid)
    clients = [connect(port) for _ in range(4)]
    for client in clients:
        client.sendall(b"x")
    wait_until(lambda: len(children(pipy.pid)) == 4)
    killed, *_ = children(pipy.pid)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(children(pipy.pid)) == 3)
    for client in clients:  # a reset: a client that only closes its sending side still waits for an answer
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    wait_until(lambda: not children(pipy.pid))
    wait_until(lambda: descriptors(pipy.pid) <= before)  # it may have been looking something up just then


def test_what_cannot_be_run_is_said_once(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port}).exec('no-such-program at all')", ports=[port])
    with connect(port) as client:
        client.sendall(b"x")
        assert read_all(client) == b""
    pipy.wait_for_log(r"\[ERR\] \[exec\] unable to exec: no-such-program: No such file or directory")
    assert pipy.log.count("unable to exec") == 1
    assert children(pipy.pid) == {}
