import socket

import pytest

from pipy_core.codebase import client as module
from pipy_core.codebase.client import Client, FetchError, Validators
from pipy_core.codebase.location import parse_location
from pipy_core.testing import logged
from tests.pipy_core.codebase.server import Reply


def client_of(server, path="/app/"):
    return Client(parse_location(server.url + path))


def test_a_file_and_its_validators(server):
    server.files["/app/a.js"] = Reply(
        b"pipy()", '"v1"', "Sat, 21 Nov 2026 04:00:00 GMT", fields={"content-type": "Text/Plain; charset=x"}
    )
    with logged() as lines:
        answer = client_of(server).get("/app/a.js", 10)
    assert (answer.body, answer.path, answer.media_type) == (b"pipy()", "/app/a.js", "text/plain")
    assert answer.validators == Validators('"v1"', "Sat, 21 Nov 2026 04:00:00 GMT", "6")
    assert lines == [f"[INF] [codebase] GET {server.url}/app/a.js -> 6 bytes"]


def test_requests_share_a_connection(server):
    server.files["/app/a.js"] = Reply(b"pipy()")
    client = client_of(server)
    for _ in range(3):
        client.get("/app/a.js", 10)
        client.head("/app/a.js")
        assert client.post("/app/", b"{}") == 201
        with pytest.raises(FetchError):
            client.head("/none")
    assert server.connections == 1


def test_what_is_sent(server):
    server.files["/app/?token=secret"] = Reply(b"pipy()")
    url = server.url.replace("http://127.0.0.1", "http://joe:secret@localhost")
    with logged() as lines:
        Client(parse_location(f"{url}/app/?token=secret")).get("/app/", 10, "token=secret")
    fields = {name.lower(): value for name, value in server.fields[0].items()}
    assert fields["host"] == f"localhost:{server.server_address[1]}"
    assert fields["authorization"] == "Basic am9lOnNlY3JldA=="
    assert fields["accept-encoding"] == "identity"
    assert server.asked == ["GET /app/?token=secret"]
    assert "secret" not in "".join(lines)


@pytest.mark.parametrize(
    ("status", "text"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (599, "599 Unknown"), (204, "204 No Content")]
)
def test_another_status(server, status, text):
    server.files["/app/a.js"] = Reply(b"" if status == 204 else b"no", status=status)
    for method in ("GET", "HEAD"):
        with logged() as lines, pytest.raises(FetchError, match=text) as caught:
            client = client_of(server)
            client.get("/app/a.js", 10) if method == "GET" else client.head("/app/a.js")
        assert caught.value.status == status
        assert lines == [f"[ERR] [codebase] {method} /app/a.js -> {text}"]


def test_a_server_without_head(server):
    server.heads = False
    server.files["/app/a.js"] = Reply(b"pipy()", '"v1"')
    assert client_of(server).head("/app/a.js") is None


def test_no_server():
    with socket.socket() as taken:  # nobody listens, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        client = Client(parse_location(f"http://127.0.0.1:{taken.getsockname()[1]}/app/"))
        with logged() as lines, pytest.raises(FetchError) as caught:
            client.get("/app/", 10)
        assert client.post("/app/", b"{}") == 0
    assert lines[0].startswith("[ERR] [codebase] GET /app/ -> 0 Empty (")
    assert lines[0].endswith("(Failed to establish a new connection: [Errno 111] Connection refused)")
    assert caught.value.status == 0


class TestLimits:
    def test_a_file_that_is_too_large_is_not_fetched(self, server):
        server.files["/app/a.js"] = Reply(b"12345678901")
        with logged() as lines, pytest.raises(FetchError, match="it has more than 10 bytes"):
            client_of(server).get("/app/a.js", 10)
        assert lines == ["[ERR] [codebase] GET /app/a.js -> 0 Empty (it has more than 10 bytes)"]

    def test_nor_one_that_does_not_say_so(self, server):
        body = b"5\r\n12345\r\n6\r\n678901\r\n0\r\n\r\n"
        server.files["/app/a.js"] = Reply(body, fields={"content-length": "", "transfer-encoding": "chunked"})
        with logged(), pytest.raises(FetchError, match="it has more than 10 bytes"):
            client_of(server).get("/app/a.js", 10)
        assert client_of(server).get("/app/a.js", 11).body == b"12345678901"

    def test_one_that_takes_too_long(self, server, monkeypatch):
        monkeypatch.setattr(module, "FILE_LIMIT_SECONDS", -1.0)
        server.files["/app/a.js"] = Reply(b"12345")
        with logged(), pytest.raises(FetchError, match="it takes more than"):
            client_of(server).get("/app/a.js", 10)

    def test_a_server_that_says_nothing(self, monkeypatch):
        monkeypatch.setattr(module, "READ_LIMIT", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = Client(parse_location(f"http://127.0.0.1:{silent.getsockname()[1]}/app/"))
            with logged(), pytest.raises(FetchError, match="timed out"):
                client.get("/app/", 10)

    @pytest.mark.parametrize("fields", [{}, {"content-length": "", "transfer-encoding": "chunked"}])
    def test_one_that_ends_half_way(self, server, fields):
        server.files["/app/a.js"] = Reply(b"6\r\n123456\r\n0\r\n\r\n", cut=5, fields=fields)
        with logged() as lines, pytest.raises(FetchError):
            client_of(server).get("/app/a.js", 100)
        assert lines[0].startswith("[ERR] [codebase] GET /app/a.js -> 0 Empty (")

    def test_one_that_is_compressed_for_nobody(self, server):
        server.files["/app/a.js"] = Reply(b"12345", fields={"content-encoding": "gzip"})
        with logged(), pytest.raises(FetchError, match="its content encoding is gzip, which nobody has asked for"):
            client_of(server).get("/app/a.js", 10)


class TestRedirections:
    def test_on_the_same_server(self, server):
        server.files["/app"] = Reply(status=301, fields={"location": "/app/?x=1"})
        server.files["/app/?x=1"] = Reply(status=302, fields={"location": f"{server.url}/other/"})
        server.files["/other/"] = Reply(b"pipy()")
        answer = client_of(server).get("/app", 10)
        assert (answer.path, answer.body) == ("/other/", b"pipy()")

    def test_to_another_server(self, server):
        server.files["/app/"] = Reply(status=301, fields={"location": "https://127.0.0.1/x"})
        with logged(), pytest.raises(FetchError, match=r"it was moved to https://127\.0\.0\.1:443, which is another server"):
            client_of(server).get("/app/", 10)

    def test_in_a_circle(self, server):
        server.files["/app/"] = Reply(status=301, fields={"location": "/app/"})
        with logged() as lines, pytest.raises(FetchError, match="more than 5 redirections"):
            client_of(server).get("/app/", 10)
        assert len(server.asked) == 6
        assert lines

    def test_to_nowhere(self, server):
        server.files["/app/"] = Reply(status=301, fields={"location": "http://[/"})
        with logged(), pytest.raises(FetchError, match="Invalid IPv6 URL"):
            client_of(server).get("/app/", 10)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (Validators('"a"', "x"), Validators('W/"a"', "y"), True),
        (Validators('"a"', "x"), Validators('"b"', "x"), False),
        (Validators("", "x", "1"), Validators('"b"', "x", "1"), True),
        (Validators("", "x", "1"), Validators("", "x", "2"), False),
        (Validators("", "x", "1"), Validators("", "x", ""), True),
        (Validators("", "x", "1"), Validators("", "x", "0"), True),
        (Validators("", "x"), Validators("", "y"), False),
        (Validators("", "", "1"), Validators("", "", "1"), None),
        (Validators('"a"'), Validators("", "x"), None),
    ],
)
def test_validators(one, other, agree):
    assert one.agrees(other) is agree
    assert other.agrees(one) is agree
