"""Files served to curl: compressed, in parts, and not again when it has them."""

import gzip
import os
import re
import shutil
import subprocess

import pytest

from tests.system.pipy_process import free_port

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

SCRIPT = """
pipy({{ _file: null }})
  .listen({port})
  .serveHTTP(req => (
    _file = http.File.from('www' + req.head.path),
    _file ? _file.toMessage(req.head) : new Message({{ status: 404 }}, 'none')
  ))
"""
TEXT = b"Some text that is worth compressing. " * 200
#: 2001-09-09 01:46:40 UTC
MODIFIED = 10**9


@pytest.fixture
def curl(start_pipy, tmp_path):
    """``curl(path, *options)``: status, fields and body."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "a.txt").write_bytes(TEXT)
    (tmp_path / "www" / "a.txt.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "www" / "index.html").write_bytes(b"<h1>Home</h1>")
    (tmp_path / "www" / "large.bin").write_bytes(os.urandom(1 << 16) * 300)
    for path in (tmp_path / "www").iterdir():
        os.utime(path, (MODIFIED, MODIFIED))
    port = free_port()
    start_pipy(SCRIPT.format(port=port), ports=[port])

    def curl(path, *options):
        out, head = tmp_path / "out", tmp_path / "head"
        out.unlink(missing_ok=True)
        subprocess.run(
            [
                "curl",
                "--silent",
                "--show-error",
                "--path-as-is",
                "--max-time",
                "20",
                "-D",
                head,
                "-o",
                out,
                *options,
                f"http://127.0.0.1:{port}{path}",
            ],
            check=True,
        )
        lines = head.read_bytes().decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        return int(lines[0].split()[1]), fields, out.read_bytes() if out.exists() else b""

    return curl


def test_a_whole_file(curl):
    status, fields, body = curl("/a.txt")
    assert (status, body) == (200, TEXT)
    assert fields["content-type"] == "text/plain"
    assert fields["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert fields["accept-ranges"] == "bytes"


def test_compressed(curl):
    status, fields, body = curl("/a.txt", "--compressed")
    assert (status, body) == (200, TEXT)
    assert fields["content-encoding"] == "gzip"
    assert int(fields["content-length"]) < 1000


def test_a_part(curl):
    status, fields, body = curl("/a.txt", "-r", "5-8")
    assert (status, body, fields["content-range"]) == (206, b"text", f"bytes 5-8/{len(TEXT)}")
    assert curl("/a.txt", "-r", "-3")[2] == TEXT[-3:]
    assert curl("/a.txt", "-r", "7000-")[2] == TEXT[7000:]
    status, fields, body = curl("/a.txt", "-r", "8000-")
    assert (status, body, fields["content-range"]) == (416, b"", f"bytes */{len(TEXT)}")


def test_a_download_that_is_gone_on_with(curl, tmp_path):
    whole = (tmp_path / "www" / "large.bin").read_bytes()
    assert curl("/large.bin")[2] == whole
    assert curl("/large.bin", "-r", "1000000-")[2] == whole[1000000:]


def test_the_fields_alone(curl):
    status, fields, body = curl("/a.txt", "-I")
    assert status == 200
    assert fields["content-length"] == str(len(TEXT))
    assert b"Some text" not in body


def test_it_is_not_sent_again(curl):
    _, fields, _ = curl("/a.txt")
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', fields["etag"])
    status, again, body = curl("/a.txt", "-H", f"If-None-Match: {fields['etag']}")
    assert (status, body, again["etag"]) == (304, b"", fields["etag"])
    assert "content-length" not in again
    assert curl("/a.txt", "-z", "Sun, 09 Sep 2001 01:46:40 GMT")[0] == 304
    assert curl("/a.txt", "-z", "Sun, 09 Sep 2001 01:46:39 GMT")[0] == 200
    assert curl("/a.txt", "-H", 'If-None-Match: "other"')[0] == 200


def test_paths(curl):
    assert curl("/")[2] == b"<h1>Home</h1>"
    for path in ("/../main.js", "/%2e%2e/main.js", "/a.txt/..", "/" + "n" * 5000, "/a.txt%00"):
        assert curl(path)[0] == 404, path


def test_other_methods(curl):
    status, fields, _ = curl("/a.txt", "-X", "DELETE")
    assert (status, fields["allow"]) == (405, "GET, HEAD")
