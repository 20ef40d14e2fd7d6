"""Who opens ports: the supervisor itself, or, where it has given up being root, a small process that has not.

That process is forked off before anything else is there, does nothing but open ports, and ends with the supervisor.
"""

import os
import signal
import socket
from functools import partial
from typing import Final

import msgspec.json

from pipy_core.errors import StartError
from pipy_core.net.opening import open_socket
from pipy_core.process.control import Address
from pipy_core.supervisor.sockets import Open

#: Bytes of a request or an answer; a system's error text is the longest thing in it.
MAX_WORDS: Final = 4096
_decode: Final = msgspec.json.Decoder(Address).decode


def direct_opener(*, reuse_port: bool) -> Open:
    """Opens ports in this process."""
    return partial(_open, reuse_port)


def privileged_opener(*, reuse_port: bool) -> Open:
    """Forks a process that keeps the rights that this one has now, and has it open ports.

    Call it while the process has one thread.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _serve(theirs, reuse_port)
    theirs.close()
    return partial(_ask, ours)


def _open(reuse_port: bool, wanted: Address) -> socket.socket:
    return open_socket((wanted.host, wanted.port), {"transparent": wanted.transparent}, reuse_port=reuse_port)


def _ask(opener: socket.socket, wanted: Address) -> socket.socket:
    """Blocks for as long as it takes to bind a socket."""
    failed = f"Cannot start listening on port {wanted.port} at {wanted.host}"
    try:
        opener.sendall(msgspec.json.encode(wanted))
        words, descriptors, _, _ = socket.recv_fds(opener, MAX_WORDS, 1)
    except OSError as error:
        raise StartError(f"{failed}: the process that opens ports: {error.strerror}") from error
    if not descriptors:
        raise StartError(words.decode() if words else f"{failed}: the process that opens ports has ended")
    os.set_inheritable(descriptors[0], False)
    sock = socket.socket(fileno=descriptors[0])
    sock.setblocking(False)
    return sock


def _serve(asker: socket.socket, reuse_port: bool) -> None:
    """Open ports until nobody asks any more. Never returns."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when the supervisor has
    try:
        while request := asker.recv(MAX_WORDS):
            try:
                with _open(reuse_port, _decode(request)) as sock:
                    socket.send_fds(asker, [b"+"], [sock.fileno()])
            except StartError as error:
                asker.sendall(str(error).encode()[:MAX_WORDS])
    finally:
        os._exit(0)
