"""HTTP/2 from real clients: curl, and h2load with as many requests as it takes."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports

SCRIPT = """
pipy({{ _size: 0 }})
  .listen({proxy}).demuxHTTP('up')
  .listen({server}).serveHTTP(
    message => new Message(
      {{ headers: {{ 'x-protocol': message.head.protocol, 'x-path': message.head.path, 'x-size': message.body.size }} }},
      message.body.size > 100 ? 'long' : message.body
    )
  )
  .listen({plain}).demuxHTTP('plain')
  .pipeline('up').muxHTTP('connection')
  .pipeline('connection').connect('127.0.0.1:{server}')
  .pipeline('plain').replaceMessage(new Message('Hello!'))
"""

needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None
    or "HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout,
    reason="curl is not installed, or does not know HTTP/2",
)
needs_h2load = pytest.mark.skipif(shutil.which("h2load") is None, reason="h2load (nghttp2-client) is not installed")


@pytest.fixture
def ports(start_pipy: Callable[..., PipyProcess]) -> Iterator[dict[str, int]]:
    """A proxy in front of a server, and what answers by itself; nothing is wrong in their log when the test is over."""
    names = ("proxy", "server", "plain")
    found = dict(zip(names, free_ports(len(names)), strict=True))
    pipy = start_pipy(SCRIPT.format(**found), ports=list(found.values()))
    yield found
    assert not [line for line in pipy.log.splitlines() if re.search(r"\[(WRN|ERR)\]", line)]


def curl(port: int, *options: str, how: str = "--http2-prior-knowledge") -> tuple[dict[str, str], str]:
    """Fields and body of the last response; ``:`` among the fields is the version and the status."""
    command = ["curl", "--silent", "--show-error", "--include", how, *options, f"http://127.0.0.1:{port}/p?q"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    *_, head, body = output.replace("\r\n", "\n").split("\n\n", output.count("HTTP/"))
    start, *lines = head.split("\n")
    return {":": start.strip(), **dict(line.split(": ", 1) for line in lines)}, body


@needs_curl
@pytest.mark.parametrize("which", ["proxy", "server"])
@pytest.mark.parametrize("how", ["--http2-prior-knowledge", "--http2"])
def test_curl(ports: dict[str, int], which: str, how: str) -> None:
    """GET, POST and an upgrade, with a server of HTTP/1 behind a proxy or without."""
    fields, body = curl(ports[which], how=how)
    assert (fields[":"], fields["x-path"], body) == ("HTTP/2 200", "/p?q", "")
    assert fields["x-protocol"] == ("HTTP/2" if (which, how) == ("server", "--http2-prior-knowledge") else "HTTP/1.1")
    if how == "--http2-prior-knowledge":
        fields, body = curl(ports[which], "--data", "abc")
        assert (fields["x-size"], fields["content-length"], body) == ("3", "3", "abc")
        fields, body = curl(ports[which], "--head")
        assert (fields["content-length"], body) == ("0", "")


@needs_curl
@pytest.mark.parametrize("which", ["proxy", "server"])
def test_upload(ports: dict[str, int], which: str, tmp_path: Path) -> None:
    """10 MB arrive, through windows of 256 KiB."""
    (tmp_path / "large").write_bytes(bytes(10_000_000))
    fields, body = curl(ports[which], "--upload-file", str(tmp_path / "large"))
    assert (fields[":"], fields["x-size"], body) == ("HTTP/2 200", "10000000", "long")


@needs_curl
def test_http_1_on_the_same_port(ports: dict[str, int]) -> None:
    """The first bytes decide."""
    fields, body = curl(ports["plain"], how="--http1.1")
    assert (fields[":"], body) == ("HTTP/1.1 200 OK", "Hello!")


def load(port: int, requests: int, clients: int = 10, streams: int = 10) -> None:
    """All of *requests* are answered well."""
    command = ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams), f"http://127.0.0.1:{port}/"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert f"{requests} succeeded, 0 failed, 0 errored, 0 timeout" in report
    assert f"status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx" in report


@needs_h2load
@pytest.mark.parametrize("which", ["proxy", "server", "plain"])
def test_load(ports: dict[str, int], which: str) -> None:
    """Many streams on many connections."""
    load(ports[which], 2000)
    load(ports[which], 1000, clients=2, streams=100)


@pytest.mark.slow
@needs_h2load
def test_a_long_load(ports: dict[str, int]) -> None:
    """100,000 requests without an error."""
    load(ports["proxy"], 100_000)
