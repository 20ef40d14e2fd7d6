"""Bytes that nobody should send, to every codec of a running program: it stays up, says at most a line each, and holds no more than
before.
"""

import gzip
import http.client
import random
import socket
from contextlib import closing

import pytest

from tests.system.clients import resident
from tests.system.pipy_process import PATIENCE, free_ports

MIB = 1024 * 1024
SCRIPT = """
pipy({{ _file: null }})
  .listen({mqtt}).decodeMQTT().handleMessage(() => null).encodeMQTT()
  .listen({dubbo}).decodeDubbo().handleMessage(msg => Hessian.decode(msg.body)).encodeDubbo()
  .listen({socks}).acceptSOCKS('out', () => false)
  .pipeline('out').connect('127.0.0.1:1')
  .listen({http})
    .demuxHTTP('request')
  .pipeline('request')
    .decompressHTTP({{ sizeLimit: '1m' }})
    .replaceMessage(msg => (
      XML.decode(msg.body),
      JSON.decode(msg.body),
      new crypto.JWT(msg.head.path).verify('secret'),
      _file = http.File.from(msg.head.path),
      _file ? _file.toMessage(msg.head) : new Message({{ status: 404 }})
    ))
"""
#: What makes random bytes go further than the first look.
BEGINNINGS = {
    "mqtt": [b"", b"\x10\x0c\x00\x04MQTT\x05\x02", b"\x30\xff\xff\xff\x7f\x00\x01t", b"\x82\x7f"],
    "dubbo": [b"", b"\xda\xbb\xc2\x00" + bytes(11) + b"\x20", b"\xda\xbb\xc2\x00" + bytes(8) + b"\xff\xff\xff\xff"],
    "socks": [b"", b"\x04\x01", b"\x05\xff", b"\x05\x01\x00"],
    "http": [
        b"",
        b"GET /main.js HTTP/1.1\r\nHost: h\r\nRange: bytes=",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n\r\n",
    ],
}


@pytest.fixture
def ports(start_pipy):
    ports = dict(zip(BEGINNINGS, free_ports(len(BEGINNINGS)), strict=True))
    return start_pipy(SCRIPT.format(**ports), ports=ports.values()), ports


def throw(port, content):
    """Send *content*, and wait until the program has had enough of it."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as client:
        try:
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except ConnectionError:
            pass  # it had enough


def ask(port, path, body=None, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("GET" if body is None else "POST", path, body, headers)
        with connection.getresponse() as response:
            return response.status, response.read()


@pytest.mark.parametrize("protocol", BEGINNINGS)
def test_random_bytes(ports, protocol):
    process, numbers = ports
    chance = random.Random(protocol)
    for number in range(60):
        beginning = BEGINNINGS[protocol][number % len(BEGINNINGS[protocol])]
        throw(numbers[protocol], beginning + chance.randbytes(chance.choice([1, 20, 300, 5000])))
    throw(numbers[protocol], chance.randbytes(MIB))
    assert ask(numbers["http"], "/main.js")[0] == 200
    assert "Traceback" not in process.log
    assert process.log.count("\n") < 300


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/..%2f..%2fetc/passwd", None, {}, 404),
        ("/" + "a." * 3000, None, {"range": "bytes=" + "9" * 4000}, 404),
        ("/main.js", None, {"if-none-match": '"' * 4000, "accept-encoding": ",;q=" * 1000}, 200),
        ("/", b"<a>" * 100_000, {}, 404),
        ("/", b"[" * 100_000, {}, 404),
        ("/", b"<a " + b"b='c' " * 100_000, {}, 404),
        ("/eyJhbGciOiJIUzI1NiJ9." + "e" * 4000 + ".x", None, {}, 404),
        ("/", gzip.compress(bytes(50 * MIB)), {"content-encoding": "gzip"}, 413),
        ("/", gzip.compress(gzip.compress(b"x")), {"content-encoding": ", ".join(["gzip"] * 50)}, 404),
    ],
    ids=["path", "long-path", "conditions", "deep-xml", "deep-json", "attributes", "token", "bomb", "codings"],
)
def test_what_is_well_formed_for_http(ports, path, body, headers, status):
    process, numbers = ports
    before = resident(process.pid)
    for _ in range(10):
        assert ask(numbers["http"], path, body, **headers)[0] == status
    assert resident(process.pid) < before + 64 * MIB
    assert "Traceback" not in process.log
