"""Reloading and ending while tunnels, TLS, HTTP/2 and child processes are open: what is idle ends, what is busy goes on as it was."""

import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.system.certificates import authority
from tests.system.clients import connect, get, read_all, serving
from tests.system.pipy_process import PATIENCE, free_ports

CA = authority()
KINDS = ("http", "tls", "socks", "exec", "tunnel", "plain", "inside")
SCRIPT = """
(certificate => pipy()
  .listen({http}).demuxHTTP('answer')
  .listen({tls}).acceptTLS('https', {{ certificate, alpn: ['h2', 'http/1.1'] }})
  .listen({socks}).acceptSOCKS('server', () => true)
  .listen({exec}).exec('cat')
  .listen({tunnel}).demuxHTTP('connect')
  .listen({plain}).connect('127.0.0.1:{server}')
  .listen({inside}).acceptTLS('server', {{ certificate }})
  .pipeline('https').demuxHTTP('answer')
  .pipeline('answer').replaceMessage(new Message('{words}'))
  .pipeline('connect').acceptHTTPTunnel('server', () => new Message({{ status: 200 }}))
  .pipeline('server').connect('127.0.0.1:{server}')
)({{
  cert: new crypto.CertificateChain(pipy.load('server-cert.pem')),
  key: new crypto.PrivateKey(pipy.load('server-key.pem')),
}})
"""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
SETTLED = b"\0\0\0\x04\x01\0\0\0\0"
GOAWAY = b"\0\0\x08\x07\0\0\0\0\0"
#: The end is announced, with a PING behind it, before it is said which stream is the last one: RFC 9113, section 6.8.
FAREWELL = GOAWAY + b"\x7f\xff\xff\xff" + bytes(4) + b"\0\0\x08\x06\0\0\0\0\0farewell" + GOAWAY + bytes(8)


def until(sock: socket.socket, end: bytes) -> bytes:
    """What comes until it ends with *end*."""
    received = b""
    while not received.endswith(end):
        piece = sock.recv(65536)
        assert piece, f"closed behind {received!r}"
        received += piece
    return received


def over_tls(port: int, *protocols: str) -> socket.socket:
    context = ssl.create_default_context(cadata=CA.pem)
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(connect(port), server_hostname="localhost")


def said(sock: socket.socket, words: bytes, answer: bytes) -> socket.socket:
    sock.sendall(words)
    until(sock, answer)
    return sock


def with_get(sock: socket.socket) -> socket.socket:
    assert get(sock)[0] == "200 OK"
    return sock


#: Connections on which nothing is going on.
IDLE: dict[str, Callable[[dict[str, int]], socket.socket]] = {
    "http": lambda ports: with_get(connect(ports["http"])),
    "https": lambda ports: with_get(over_tls(ports["tls"], "http/1.1")),
    "http2": lambda ports: said(connect(ports["http"]), PREFACE, SETTLED),
    "http2 over tls": lambda ports: said(over_tls(ports["tls"], "h2"), PREFACE, SETTLED),
}
#: Those on which whatever is said comes back.
BUSY: dict[str, Callable[[dict[str, int]], socket.socket]] = {
    "socks": lambda ports: said(connect(ports["socks"]), b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01\0\x50hi", b"hi"),
    "tunnel": lambda ports: said(connect(ports["tunnel"]), b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nhi", b"hi"),
    "exec": lambda ports: said(connect(ports["exec"]), b"hi", b"hi"),
    "plain": lambda ports: said(connect(ports["plain"]), b"hi", b"hi"),
    "inside": lambda ports: said(over_tls(ports["inside"]), b"hi", b"hi"),
}


def echo(sock: socket.socket) -> None:
    while piece := sock.recv(65536):
        sock.sendall(piece)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=["reload", "end"])
def test_open_streams(start_pipy, tmp_path, number):
    CA.issue("server", ["localhost"]).write(tmp_path, "server")
    with serving(echo) as server, ExitStack() as kept:
        ports = dict(zip(KINDS, free_ports(len(KINDS)), strict=True))
        pipy = start_pipy(SCRIPT.format(server=server, words="old", **ports), ports=list(ports.values()))
        idle = {name: kept.enter_context(make(ports)) for name, make in IDLE.items()}
        busy = {name: kept.enter_context(make(ports)) for name, make in BUSY.items()}
        begun = kept.enter_context(connect(ports["http"]))
        begun.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nab")
        greeted = said(kept.enter_context(connect(ports["socks"])), b"\x05\x01\0", b"\x05\0")

        (tmp_path / "main.js").write_text(SCRIPT.format(server=server, words="new", **ports))
        pipy.signal(number)
        pipy.wait_for_log("Codebase reloaded" if number == signal.SIGHUP else "Waiting for remaining")

        for name, sock in idle.items():
            assert read_all(sock) == (FAREWELL if "http2" in name else b""), name
        for sock in busy.values():
            said(sock, b"more", b"more")
        said(greeted, b"\x05\x01\0\x01\x7f\0\0\x01\0\x50hi", b"hi")
        begun.sendall(b"cd")
        assert b"connection: close\r\n\r\nold" in read_all(begun)
        for sock in (greeted, *busy.values()):
            sock.close()
        if number == signal.SIGHUP:
            with connect(ports["http"]) as fresh:
                assert get(fresh) == ("200 OK", b"new")
        else:
            assert pipy.wait(PATIENCE) == 0
