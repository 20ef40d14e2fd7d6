"""Proxies for others and through others: curl as a client of every kind of SOCKS and of CONNECT, and chains of our own filters."""

import hashlib
import os
import socket
import subprocess

import pytest

from tests.system.clients import connect, get, read_all, serving
from tests.system.pipy_process import PATIENCE, free_port, free_ports

SOCKS = """
pipy({{ _target: '' }})
  .listen({socks})
    .acceptSOCKS('out', (host, port, user) => (
      console.log('asked', host, port, user),
      _target = (host === 'in.the.dark' ? '127.0.0.1' : host) + ':' + port,
      host !== 'forbidden.example'
    ){options})
  .pipeline('out')
    .connect(() => _target)
  .listen('127.0.0.1:{web}').serveHTTP(new Message('through'))
  .listen('[::1]:{web}').serveHTTP(new Message('through6'))
"""


def curl(*arguments):
    """The exit code and the output of curl; 97 is what it says when a proxy does not let it."""
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(PATIENCE), *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "no_proxy": "", "NO_PROXY": ""},
    )
    return done.returncode, done.stdout.decode() or done.stderr.decode()


@pytest.fixture
def socks(start_pipy):
    """``socks(options)`` gives the ports of a SOCKS proxy and of a web server, and the program."""

    def start(options=""):
        proxy, web = free_ports(2)
        pipy = start_pipy(SOCKS.format(socks=proxy, web=web, options=options), ports=[proxy, web])
        return proxy, web, pipy

    return start


def test_curl(socks):
    proxy, web, pipy = socks()
    for option in ("--socks4", "--socks4a", "--socks5", "--socks5-hostname"):
        assert curl(option, f"127.0.0.1:{proxy}", f"http://127.0.0.1:{web}/") == (0, "through")
    for option in ("--socks4a", "--socks5-hostname"):
        assert curl(option, f"127.0.0.1:{proxy}", f"http://in.the.dark:{web}/") == (0, "through")
    pipy.wait_for_log(rf"asked in\.the\.dark {web} undefined")
    assert curl("--socks5", f"127.0.0.1:{proxy}", f"http://[::1]:{web}/") == (0, "through6")
    pipy.wait_for_log(rf"asked \[::1\] {web}")


def test_curl_is_refused(socks):
    proxy, web, _pipy = socks()
    for option in ("--socks4a", "--socks5-hostname"):
        assert curl(option, f"127.0.0.1:{proxy}", f"http://forbidden.example:{web}/")[0] == 97


def test_curl_says_who_it_is(socks):
    proxy, web, pipy = socks(", { authenticate: (user, password) => user === 'joe' && password === 'sec:ret' }")
    url = f"http://127.0.0.1:{web}/"
    assert curl("--socks5", f"127.0.0.1:{proxy}", "--proxy-user", "joe:sec:ret", url) == (0, "through")
    pipy.wait_for_log(rf"asked 127\.0\.0\.1 {web} joe")
    assert curl("--socks5", f"127.0.0.1:{proxy}", "--proxy-user", "joe:guess", url)[0] == 97
    assert curl("--socks5", f"127.0.0.1:{proxy}", url)[0] == 97
    assert curl("--socks4", f"127.0.0.1:{proxy}", url)[0] == 97


def test_curl_through_an_http_tunnel(start_pipy):
    proxy, web = free_ports(2)
    script = f"""
      pipy({{ _target: '' }})
        .listen({proxy})
          .demuxHTTP('request')
        .pipeline('request')
          .acceptHTTPTunnel('out', request => (
            _target = request.head.path,
            new Message({{ status: request.head.method !== 'CONNECT' ? 405 : _target.startsWith('forbidden') ? 403 : 200 }})
          ))
        .pipeline('out')
          .connect(() => _target)
        .listen({web})
          .serveHTTP(new Message('through'))
    """
    start_pipy(script, ports=[proxy, web])
    assert curl("-p", "-x", f"http://127.0.0.1:{proxy}", f"http://127.0.0.1:{web}/") == (0, "through")
    code, words = curl("-p", "-x", f"http://127.0.0.1:{proxy}", f"http://forbidden:{web}/")
    assert (code, "403" in words) == (56, True)
    assert curl("-w", "%{http_code}", "-x", f"http://127.0.0.1:{proxy}", f"http://127.0.0.1:{web}/") == (0, "405")


CHAINS = {
    "socks": """
      .listen({front}).connectSOCKS('to', '127.0.0.1:{last}', {{ username: 'joe', password: 'x' }})
      .pipeline('to').connect('127.0.0.1:{middle}')
      .listen({middle}).acceptSOCKS('out', host => Boolean(_target = host), {{ authenticate: user => user === 'joe' }})
      .pipeline('out').connect(() => _target + ':{last}')
    """,
    "tunnel": """
      .listen({front}).connectHTTPTunnel('to', '127.0.0.1:{last}')
      .pipeline('to')
        .handleMessageStart(msg => msg.head.headers['proxy-authorization'] = 'Basic am9lOng=')
        .muxHTTP('connection', '')
      .pipeline('connection').connect('127.0.0.1:{middle}')
      .listen({middle}).demuxHTTP('request')
      .pipeline('request').acceptHTTPTunnel('out', request => (
        _target = request.head.path,
        new Message({{ status: request.head.headers['proxy-authorization'] === 'Basic am9lOng=' ? 200 : 407 }})
      ))
      .pipeline('out').connect(() => _target)
    """,
}


@pytest.mark.parametrize("kind", CHAINS)
def test_much_goes_through_a_chain(start_pipy, kind):
    size = 8 * 1024 * 1024
    sent = os.urandom(size)

    def swallow(sock):
        received = hashlib.sha256()
        while piece := sock.recv(65536):
            received.update(piece)
        sock.sendall(received.hexdigest().encode())

    front, middle = free_ports(2)
    with serving(swallow) as last:
        start_pipy("pipy({ _target: '' })" + CHAINS[kind].format(front=front, middle=middle, last=last), ports=[front, middle])
        for _ in range(2):
            with connect(front) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client).decode() == hashlib.sha256(sent).hexdigest()


@pytest.mark.parametrize(("first", "status"), [
    (".connectSOCKS('to', '127.0.0.1:9')", "502 Connection Refused"),
    (".connectHTTPTunnel('http', '127.0.0.1:9')", "502 Unauthorized"),
])  # fmt: skip
def test_a_refusal_of_the_next_proxy_is_an_answer(start_pipy, first, status):
    front, socks_port, http = free_ports(3)
    script = f"""
      pipy()
        .listen({front}).demuxHTTP('request')
        .pipeline('request').muxHTTP('through', '')
        .pipeline('through'){first}
        .pipeline('to').connect('127.0.0.1:{socks_port}')
        .pipeline('http').muxHTTP('proxy', '')
        .pipeline('proxy').connect('127.0.0.1:{http}')
        .listen({http}).serveHTTP(new Message({{ status: 407 }}, '<html>'))
    """
    start_pipy(script, ports=[front, http])
    with connect(front) as client:
        assert get(client) == (status, b"")


def test_a_flood_instead_of_a_greeting_ends(start_pipy):
    port = free_port()
    start_pipy(f"pipy().listen({port}).acceptSOCKS('out', () => true).pipeline('out').dummy()", ports=[port])
    with connect(port) as client:
        client.sendall(b"\x04\x01\x00\x50\x0a\x00\x00\x01" + b"u" * 100_000)
        assert read_all(client) == b"\x00\x5b" + bytes(6)
