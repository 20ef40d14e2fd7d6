"""Server-sent events through a proxy: the client has each before the server sends the next."""

import queue
import socket
import threading
import zlib
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.system.pipy_process import PATIENCE, free_port

SCRIPT = """
pipy()
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('server', '')
    {behind}
  .pipeline('server')
    .connect('127.0.0.1:{server}')
"""


class Server(ThreadingHTTPServer):
    """Answers everything with events, one each time the test asks for one."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Events)
        self.events = queue.SimpleQueue()


class Events(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while event := self.server.events.get(timeout=PATIENCE):
            self.wfile.write(event)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.events.put(b"")
        server.shutdown()
        thread.join()


CHANGES = ".handleMessageStart(msg => msg.head.headers.via = 'pipy')"


@pytest.mark.parametrize("behind", ["", CHANGES, ".decompressHTTP()", ".compressHTTP()"])
def test_each_event_arrives_before_the_next_is_sent(server, start_pipy, behind):
    port = free_port()
    start_pipy(SCRIPT.format(port=port, server=server.server_port, behind=behind), ports=[port])
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as client, client.makefile("rb") as reader:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
        fields = b"".join(iter(reader.readline, b"\r\n"))
        assert b"transfer-encoding: chunked\r\n" in fields
        decode = zlib.decompressobj(31).decompress if b"content-encoding: gzip\r\n" in fields else bytes
        for number in range(3):
            event = b"data: %d\n\n" % number
            server.events.put(event)
            piece = b""
            while piece != event:
                piece += decode(_chunk(reader))
        server.events.put(b"")
        while _chunk(reader):
            pass


def _chunk(reader):
    size = int(reader.readline(), 16)
    chunk = reader.read(size)
    assert reader.readline() == b"\r\n"
    return chunk
