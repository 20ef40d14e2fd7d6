"""Compression through real proxies: both ways, large bodies, slow readers, bombs."""

import gzip
import http.client
import os
import random
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.system.pipy_process import PATIENCE, free_ports

MIB = 1024 * 1024
WORDS = [word.encode() for word in ["some", "words", "that", "come", "again", "and", "again", "in", "any", "order"]]
TEXT = b" ".join(random.Random(7).choices(WORDS, k=60_000))

#: A server, a proxy that compresses for it, and one that decompresses for its clients.
SCRIPT = """
pipy({{ _accept: '' }})
  .listen({server})
    .serveHTTP(req => new Message({{ headers: {{ 'content-type': 'text/plain', etag: '"x"' }} }}, req.body))
  .listen({compressing})
    .demuxHTTP('compress')
  .pipeline('compress')
    .handleMessageStart(msg => _accept = msg.head.headers['accept-encoding'])
    .muxHTTP('server', '')
    .compressHTTP(() => _accept)
  .pipeline('server')
    .connect('127.0.0.1:{server}')
  .listen({decompressing})
    .demuxHTTP('decompress')
  .pipeline('decompress')
    .muxHTTP('compressing', '')
    .decompressHTTP()
  .pipeline('compressing')
    .connect('127.0.0.1:{compressing}')
"""


def ask(port, body=b"", accept="", method="POST"):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, "/", body, {"accept-encoding": accept} if accept else {})
        with connection.getresponse() as response:
            return response.status, response.headers, response.read()


@pytest.fixture
def ports(start_pipy):
    server, compressing, decompressing = free_ports(3)
    start_pipy(
        SCRIPT.format(server=server, compressing=compressing, decompressing=decompressing),
        ports=[server, compressing, decompressing],
    )
    return compressing, decompressing


def test_there_and_back(ports):
    for port, coding in ((ports[0], ""), (ports[1], "gzip"), (ports[1], "br"), (ports[1], "zstd"), (ports[1], "deflate, x;q=0.1")):
        for body in (TEXT, TEXT[:2000], b"short", b""):
            status, fields, answer = ask(port, body, coding)
            assert (status, answer) == (200, body)
            assert fields["content-encoding"] is None


def test_what_is_sent_in_between(ports):
    status, fields, answer = ask(ports[0], TEXT, "gzip")
    assert (status, gzip.decompress(answer)) == (200, TEXT)
    assert len(answer) < len(TEXT) / 3
    assert fields["content-encoding"] == "gzip"
    assert fields["etag"] == 'W/"x"'
    assert fields["vary"] == "accept-encoding"
    status, fields, answer = ask(ports[0], b"short", "gzip")
    assert (answer, fields["content-encoding"], fields["etag"]) == (b"short", None, '"x"')


def test_an_answer_to_head(ports):
    for port in ports:
        status, _, body = ask(port, accept="gzip", method="HEAD")
        assert (status, body) == (200, b"")
        assert ask(port, TEXT, "gzip")[0] == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_can_read_it(ports, tmp_path):
    (tmp_path / "body").write_bytes(TEXT)
    command = ["curl", "-sS", "--compressed", "--max-time", "20", "--data-binary", f"@{tmp_path / 'body'}"]
    for port in ports:
        assert subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True).stdout == TEXT


BROKEN = """
pipy()
  .listen({proxy})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('server', '')
    .{filter}
  .pipeline('server')
    .connect('127.0.0.1:{server}')
"""


@pytest.mark.parametrize(
    ("use", "fields", "body"),
    [
        ("decompressHTTP()", "Content-Encoding: gzip", gzip.compress(TEXT)[:5]),
        ("decompressHTTP()", "Content-Encoding: gzip", b""),
        ("compressHTTP('br', { minSize: 0 })", "Content-Type: text/plain", TEXT[:5]),
        ("compressHTTP('gzip', { minSize: 0 })", "Content-Type: text/plain", TEXT[:5]),
        ("compressHTTP('gzip')", "Content-Type: text/plain", TEXT[:5]),
        ("compressHTTP(() => '')", "Content-Type: text/plain", b""),
    ],
)
def test_an_upstream_that_breaks_off_is_no_success(start_pipy, use, fields, body):
    proxy = free_ports(1)[0]
    with socket.create_server(("127.0.0.1", 0)) as server:
        start_pipy(BROKEN.format(proxy=proxy, filter=use, server=server.getsockname()[1]), ports=[proxy])
        with closing(http.client.HTTPConnection("127.0.0.1", proxy, timeout=PATIENCE)) as connection:
            connection.request("GET", "/")
            upstream, _ = server.accept()
            with upstream:
                upstream.recv(65536)
                upstream.sendall(f"HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: 99999\r\n\r\n".encode() + body)
            with connection.getresponse() as response:
                assert (response.status, response.read()) == (502, b"")


BOMB = """
pipy()
  .listen({bomb})
    .serveHTTP(new Message({{ headers: {{ 'content-encoding': 'gzip' }} }}, os.readFile('bomb.gz')))
  .listen({proxy})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('server', '')
    .decompressHTTP(null, {options})
  .pipeline('server')
    .connect('127.0.0.1:{bomb}')
"""


def memory(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def start_bomb(start_pipy, directory, size, options):
    directory.joinpath("bomb.gz").write_bytes(gzip.compress(bytes(size), mtime=0))
    bomb, proxy = free_ports(2)
    return start_pipy(BOMB.format(bomb=bomb, proxy=proxy, options=options), ports=[bomb, proxy]), proxy


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_large_body_needs_little_memory_even_if_its_reader_is_slow(start_pipy, tmp_path):
    process, port = start_bomb(start_pipy, tmp_path, 200 * MIB, "{ ratioLimit: 0 }")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        client.recv(1)
        before = memory(process.pid)
        highest, received = before, 1
        while piece := client.recv(1 << 20):
            received += len(piece)
            if received % 16 < 4:
                highest = max(highest, memory(process.pid))
    assert 200 * MIB < received < 202 * MIB
    assert highest - before < 40 * MIB


def test_a_bomb_is_stopped(start_pipy, tmp_path):
    process, port = start_bomb(start_pipy, tmp_path, 200 * MIB, "{}")
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(port, method="GET")
    process.wait_for_log(r"\[ERR\] \[decompress\] \d+ bytes have expanded to \d+ or more: the stream is ended")
    assert "Traceback" not in process.log
