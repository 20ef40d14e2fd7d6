"""TLS with peers of others: curl, the openssl command, Python's ssl."""

import hashlib
import os
import queue
import re
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.system.certificates import authority
from tests.system.clients import connect, get, read_all, resident, serving
from tests.system.pipy_process import PATIENCE, free_port, free_ports

CA = authority()
MEGABYTE = 1 << 20
BIG = 50 * MEGABYTE

PAIR = (
    "{ cert: new crypto.CertificateChain(pipy.load('server-cert.pem')), key: new crypto.PrivateKey(pipy.load('server-key.pem')) }"
)
CLIENT = PAIR.replace("server-", "client-")
TRUSTED = "trusted: [new crypto.Certificate(pipy.load('ca-cert.pem'))]"
HELLO = "pipy().listen({port}).acceptTLS('inside', {{ certificate: {pair}, {more} }}).pipeline('inside').serveHTTP(new Message('hello'))"


@pytest.fixture(autouse=True)
def _certificates(tmp_path):
    CA.write(tmp_path, "ca")
    CA.issue("server", ["server.test", "localhost", "127.0.0.1"]).write(tmp_path, "server")
    CA.issue("client").write(tmp_path, "client")
    authority("somebody else").issue("client").write(tmp_path, "stranger")


@pytest.fixture
def serve(start_pipy):
    """Start a TLS server with more options; give its port and the program."""

    def start(more="", script=HELLO):
        port = free_port()
        return port, start_pipy(script.format(port=port, pair=PAIR, more=more), ports=[port])

    return start


def run(*command, directory, given=b""):
    done = subprocess.run(command, cwd=directory, input=given, capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def saw(pipy, words):
    """The log says *words*, or will."""
    pipy.wait_for_log(re.escape(words))


def s_client(port, *options, directory, given=b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"):
    address = f"127.0.0.1:{port}"
    return run("openssl", "s_client", "-connect", address, "-ign_eof", *options, directory=directory, given=given)


# -- acceptTLS ----------------------------------------------------------------------------------------------------------


def test_curl(serve, tmp_path):
    port, pipy = serve()
    url = f"https://localhost:{port}/"
    assert run("curl", "-sS", "--cacert", "ca-cert.pem", url, url, directory=tmp_path) == (0, "hellohello", "")
    assert run("curl", "-sS", url, directory=tmp_path)[0] == 60
    assert run("curl", "-sS", "-k", f"http://localhost:{port}/", directory=tmp_path)[0] != 0
    saw(pipy, "Handshake failed (error = 1)")
    assert run("curl", "-sS", "-k", url, directory=tmp_path)[1] == "hello"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_client_certificates(serve, tmp_path, version):
    port, pipy = serve(TRUSTED)
    command = ["curl", "-sS", "--cacert", "ca-cert.pem", "--tls-max", version, f"https://localhost:{port}/"]
    own = ["--cert", "client-cert.pem", "--key", "client-key.pem"]
    assert run(*command, *own, directory=tmp_path) == (0, "hello", "")
    foreign = ["--cert", "stranger-cert.pem", "--key", "stranger-key.pem"]
    for wrong in ([], foreign):
        code, answer, _ = run(*command, *wrong, directory=tmp_path)
        assert code
        assert not answer
    saw(pipy, "peer did not return a certificate")
    saw(pipy, "the certificate of the peer: unable to")
    assert run(*command, *own, directory=tmp_path) == (0, "hello", "")


@pytest.mark.parametrize(("offered", "agreed"), [("h2,http/1.1", "http/1.1"), ("http/1.1", "http/1.1"), ("", "")])
def test_alpn(serve, tmp_path, offered, agreed):
    port, _ = serve("alpn: ['http/1.1']")
    out = s_client(port, *(["-alpn", offered] if offered else []), directory=tmp_path)[1]
    assert "hello" in out
    assert (f"ALPN protocol: {agreed}" if agreed else "No ALPN negotiated") in out


def test_alpn_without_a_common_protocol(serve, tmp_path):
    port, pipy = serve("alpn: ['h2']")
    code, out, err = s_client(port, "-alpn", "http/1.1", directory=tmp_path)
    assert code
    assert "hello" not in out
    assert "no application protocol" in err
    saw(pipy, "no application protocol")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("more", ["", TRUSTED])
def test_sessions_are_resumed(serve, tmp_path, version, more):
    port, _ = serve(more)
    own = ["-cert", "client-cert.pem", "-key", "client-key.pem"] if more else []
    out = s_client(port, version, *own, "-sess_out", "session", directory=tmp_path)[1]
    assert "hello" in out
    assert re.search("^New, ", out, re.MULTILINE)
    for _ in range(2):
        out = s_client(port, version, *own, "-sess_in", "session", directory=tmp_path)[1]
        assert "hello" in out
        assert re.search("^Reused, ", out, re.MULTILINE)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_where_the_script_verifies_sessions_are_not_resumed(serve, tmp_path, version):
    port, pipy = serve("verify: (ok, info) => (console.log('asked', ok, info.subject, info.depth), ok), " + TRUSTED)
    own = ["-cert", "client-cert.pem", "-key", "client-key.pem"]
    s_client(port, version, *own, "-sess_out", "session", directory=tmp_path)
    out = s_client(port, version, *own, *(["-sess_in", "session"] if (tmp_path / "session").exists() else []), directory=tmp_path)[
        1
    ]
    assert "hello" in out
    assert re.search("^New, ", out, re.MULTILINE)
    pipy.wait_for_log("asked true CN=client 0$", times=2)
    assert pipy.log.count("asked true CN=client 0") == 2


@pytest.mark.parametrize(
    ("options", "more", "works"),
    [
        (["-tls1_2"], "", True),
        (["-tls1_3"], "", True),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "", False),
        (["-tls1_2"], "minVersion: 'TLSv1.3'", False),
        (["-tls1_3"], "maxVersion: 'TLSv1.2'", False),
    ],
)
def test_versions(serve, tmp_path, options, more, works):
    port, pipy = serve(more)
    code, out, _ = s_client(port, *options, directory=tmp_path)
    assert ("hello" in out) == works
    if not works:
        assert code
        saw(pipy, "Handshake failed (error = 1)")


def test_the_script_decides_while_openssl_waits(serve, tmp_path):
    """A function of the script is called, and throws, in the middle of OpenSSL's work, for many clients."""
    port, pipy = serve(
        """verify: (ok, info) => {
             if (info.subject === 'CN=stranger') throw new Error('never');
             return info.names.length === 0 || info.subject === 'CN=server' && info.fingerprint.length === 64;
           }"""
    )
    context = ssl.create_default_context(cafile=tmp_path / "ca-cert.pem")
    context.load_cert_chain(tmp_path / "client-cert.pem", tmp_path / "client-key.pem")
    for _ in range(20):
        with context.wrap_socket(connect(port), server_hostname="localhost") as sock:
            assert get(sock) == ("200 OK", b"hello")
    authority("somebody else").issue("stranger").write(tmp_path, "third")
    context.load_cert_chain(tmp_path / "third-cert.pem", tmp_path / "third-key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for _ in range(5):
        with pytest.raises(OSError), context.wrap_socket(connect(port), server_hostname="localhost"):  # noqa: PT011
            pass
    saw(pipy, "Error: never")
    assert "Traceback" not in pipy.log


def test_a_script_that_does_not_come_back_is_stopped(start_pipy, tmp_path):
    port, other = free_ports(2)
    endless = HELLO.format(port=port, pair=PAIR, more="verify: () => { for (;;); }")
    pipy = start_pipy(endless + f".listen({other}).link('inside')", ports=[port, other], options=["--call-timeout=0.3"])
    own = ["--cert", "client-cert.pem", "--key", "client-key.pem"]
    for _ in range(2):
        assert run("curl", "-sS", "-k", *own, f"https://localhost:{port}/", directory=tmp_path)[0]
    with connect(other) as sock:
        assert get(sock) == ("200 OK", b"hello")
    assert "Traceback" not in pipy.log


def test_half_a_hello_ends_in_time(serve):
    port, pipy = serve("handshakeTimeout: 0.5")
    with connect(port) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        sock.settimeout(PATIENCE)
        assert sock.recv(100) == b""
    saw(pipy, "Handshake failed (timeout)")


def test_a_client_that_closes_its_side_gets_its_answer(serve, tmp_path):
    port, _ = serve()
    context = ssl.create_default_context(cafile=tmp_path / "ca-cert.pem")
    with connect(port) as raw, context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = read_all(sock)  # ends with the server's goodbye: a cut off connection would raise
    assert answer.endswith(b"hello")


# -- both, and much of it -----------------------------------------------------------------------------------------------

RELAY = """
pipy()
  .listen({port})
    .acceptTLS('plain', {{ certificate: {pair} }})
  .pipeline('plain')
    .connectTLS('way', {{ sni: 'server.test', checkHost: true, {trusted} }})
  .pipeline('way')
    .connect('127.0.0.1:{backend}')
"""


class Relay:
    """A client and a server, both with TLS, and the program between them."""

    def __init__(self, start_pipy, directory, accepted, backend):
        self.port = free_port()
        self.pipy = start_pipy(RELAY.format(port=self.port, pair=PAIR, trusted=TRUSTED, backend=backend), ports=[self.port])
        self.context = ssl.create_default_context(cafile=directory / "ca-cert.pem")
        self.client = self.context.wrap_socket(connect(self.port), server_hostname="localhost", suppress_ragged_eofs=False)
        self.client.sendall(b"!")
        self.backend = accepted.get(timeout=PATIENCE)
        assert self.backend.recv(1) == b"!"


@pytest.fixture
def relay(start_pipy, tmp_path):
    accepted: queue.Queue[ssl.SSLSocket] = queue.Queue()
    done = threading.Event()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server-cert.pem", tmp_path / "server-key.pem")

    def handle(raw):
        with context.wrap_socket(raw, server_side=True) as sock:
            accepted.put(sock)
            done.wait()

    with serving(handle) as backend:
        relay = Relay(start_pipy, tmp_path, accepted, backend)
        with relay.client, relay.backend:
            yield relay
        done.set()


def pour(sock, content):
    """Send *content* in pieces of odd sizes while somebody else reads."""

    def send():
        for at in range(0, len(content), 70_001):
            sock.sendall(content[at : at + 70_001])

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def drink(sock, size):
    """The SHA-256 of the next *size* bytes."""
    digest = hashlib.sha256()
    while size:
        piece = sock.recv(min(size, MEGABYTE))
        assert piece, "closed too early"
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


def test_large_transfers(relay):
    content = os.urandom(BIG)
    expected = hashlib.sha256(content).hexdigest()
    for sender, receiver in ((relay.client, relay.backend), (relay.backend, relay.client)):
        thread = pour(sender, content)
        assert drink(receiver, BIG) == expected
        thread.join(PATIENCE)


def test_a_sender_is_throttled_and_little_is_kept(relay):
    idle = resident(relay.pipy.pid)
    relay.client.settimeout(1.0)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 256 * MEGABYTE:
            sent += relay.client.send(bytes(64 * 1024))
    assert sent < 64 * MEGABYTE
    assert resident(relay.pipy.pid) - idle < 40 * MEGABYTE


def test_a_goodbye_reaches_the_other_side(relay):
    relay.client.sendall(b"last words")
    thread = threading.Thread(target=relay.client.unwrap)  # waits for the answer to it
    thread.start()
    assert relay.backend.recv(100) == b"last words"
    assert relay.backend.recv(100) == b""
    relay.backend.unwrap()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_server_that_breaks_off_is_noticed(relay):
    relay.backend.sendall(b"half an ans")
    assert relay.client.recv(100) == b"half an ans"
    relay.backend.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ssl.SSLEOFError):
        relay.client.recv(100)


# -- connectTLS ---------------------------------------------------------------------------------------------------------

FRONT = """
pipy()
  .listen({port}).demuxHTTP('request')
  .pipeline('request').muxHTTP('up', '')
  .pipeline('up').connectTLS('way', {{ {more} }})
  .pipeline('way').connect('127.0.0.1:{backend}')
"""


@pytest.fixture
def s_server(tmp_path):
    """Start ``openssl s_server``, which answers with a page about the connection; give its port."""
    running = []

    def start(*options):
        port = free_port()
        command = [
            "openssl",
            "s_server",
            "-accept",
            f"127.0.0.1:{port}",
            "-cert",
            "server-cert.pem",
            "-key",
            "server-key.pem",
            "-www",
        ]
        with (tmp_path / "s_server.log").open("wb") as log:
            process = subprocess.Popen([*command, *options], cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        running.append(process)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if "ACCEPT" in Path(tmp_path / "s_server.log").read_text("latin-1"):
                return port
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
        raise AssertionError("s_server did not start")

    yield start
    for process in running:
        process.kill()
        process.wait()


def front(start_pipy, backend, more):
    port = free_port()
    return port, start_pipy(FRONT.format(port=port, more=more, backend=backend), ports=[port])


def ask(port, path="/"):
    with connect(port) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        return read_all(sock).decode("latin-1")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_s_server(start_pipy, s_server, version):
    more = f"sni: 'server.test', checkHost: true, maxVersion: '{version}', alpn: ['http/1.1'], {TRUSTED}"
    port, _ = front(start_pipy, s_server("-alpn", "http/1.1"), more)
    page = ask(port)
    assert page.startswith("HTTP/1.1 200 ")
    assert f"New, {version}" in page
    for _ in range(2):  # the page ends with the connection, so each request has one of its own
        assert f"Reused, {version}" in ask(port)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_that_wants_a_certificate(start_pipy, s_server, version):
    backend = s_server("-Verify", "1", "-CAfile", "ca-cert.pem", "-verify_return_error")
    port, _ = front(start_pipy, backend, f"certificate: {CLIENT}, maxVersion: '{version}'")
    assert "CN = client" in ask(port) or "CN=client" in ask(port)
    port, pipy = front(start_pipy, backend, f"maxVersion: '{version}'")
    assert ask(port).startswith("HTTP/1.1 502 Unauthorized\r\n")
    saw(pipy, "Handshake failed (error = 1)")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (f"sni: 'elsewhere.test', checkHost: true, {TRUSTED}", "it is not for elsewhere.test"),
        ("trusted: [new crypto.Certificate(pipy.load('stranger-cert.pem'))]", "unable to get"),
        ("verify: () => false", "the certificate of the peer"),
        ("minVersion: 'TLSv1.3'", "alert"),
    ],
)
def test_a_server_that_is_not_accepted(start_pipy, s_server, more, words):
    port, pipy = front(start_pipy, s_server("-no_tls1_3"), more)
    assert ask(port).startswith("HTTP/1.1 502 Unauthorized\r\n")
    saw(pipy, words)


def test_a_server_that_speaks_no_tls(start_pipy):
    with serving(lambda sock: sock.sendall(b"220 welcome\r\n" * 10)) as backend:
        port, _ = front(start_pipy, backend, "")
        assert ask(port).startswith("HTTP/1.1 502 ")


def test_a_server_that_never_answers(start_pipy):
    with serving(lambda sock: sock.recv(100_000) and sock.recv(100_000)) as backend:
        port, _ = front(start_pipy, backend, "handshakeTimeout: 0.3")
        assert ask(port).startswith("HTTP/1.1 504 ")


# -- looking ------------------------------------------------------------------------------------------------------------


def test_routing_by_name_without_decrypting(start_pipy, tmp_path):
    port, one, two = free_ports(3)
    start_pipy(
        f"""
        pipy({{ _name: '' }})
          .listen({port})
            .handleTLSClientHello(hello => _name = hello.serverNames?.[0])
            .link('one', () => _name === 'server.test', 'two', () => _name === 'localhost')
          .pipeline('one').connect('127.0.0.1:{one}')
          .pipeline('two').connect('127.0.0.1:{two}')
          .listen({one}).acceptTLS('1', {{ certificate: {PAIR} }})
          .listen({two}).acceptTLS('2', {{ certificate: {PAIR} }})
          .pipeline('1').serveHTTP(new Message('one'))
          .pipeline('2').serveHTTP(new Message('two'))
        """,
        ports=[port, one, two],
    )
    context = ssl.create_default_context(cafile=tmp_path / "ca-cert.pem")
    for name, expected in (("server.test", b"one"), ("localhost", b"two")):
        with context.wrap_socket(connect(port), server_hostname=name) as sock:
            assert get(sock) == ("200 OK", expected)


def test_what_is_spoken_is_told_apart(start_pipy, tmp_path):
    port = free_port()
    start_pipy(
        f"""
        pipy({{ _protocol: undefined }})
          .listen({port})
            .detectProtocol(name => _protocol = name, {{ protocols: ['TLS', 'HTTP'] }})
            .link('tls', () => _protocol === 'TLS', 'http', () => _protocol === 'HTTP', 'echo', () => _protocol === '')
          .pipeline('tls').acceptTLS('http', {{ certificate: {PAIR} }})
          .pipeline('http').serveHTTP(() => new Message('http ' + _protocol))
          .pipeline('echo')
        """,
        ports=[port],
    )
    context = ssl.create_default_context(cafile=tmp_path / "ca-cert.pem")
    with context.wrap_socket(connect(port), server_hostname="localhost") as sock:
        assert get(sock) == ("200 OK", b"http TLS")
    with connect(port) as sock:
        assert get(sock) == ("200 OK", b"http HTTP")
    with connect(port) as sock:
        sock.sendall(b"\x00ping")
        assert sock.recv(100) == b"\x00ping"
