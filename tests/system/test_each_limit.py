"""Every limit is kept to, whoever sets it: the command line, the environment, or the script."""

import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest

from pipy_core.limit_table import TABLE
from tests.system.clients import ask, connect, get, read_all, read_head
from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports
from tests.system.test_limits import SOON, metrics

#: Each so low that a test can pass it, and so high that the other tests do not.
VALUES = {
    "max_request_line": 100,
    "max_header_size": 400,
    "max_header_count": 8,
    "max_body_buffer": 10,
    "max_requests": 5,
    "header_timeout": 0.4,
    "body_timeout": 0.4,
    "idle_timeout": 0.4,
    "read_timeout": 2.0,
    "write_timeout": 1.0,
}
UPSTREAM = {"connect_timeout": 0.4, "response_timeout": 0.4, "upstream_write_timeout": 0.6, "max_pending": 2}
#: Those that belong to the process are tested, as options, by ``test_limits``.
PROCESS = {"max_connections", "memory_limit", "log_repeats"}

SCRIPT = """
pipy()
  .listen({web}, {options}).serveHTTP(message => new Message('x'.repeat(message.head.path === '/big' ? 16 << 20 : 1)))
  .listen({filters}, {options}).demuxHTTP('collect')
  .listen({tcp}, {options}).handleData(() => undefined)
  .listen({socks}, {options}).acceptSOCKS('tunnel', () => true)
  .listen({detect}, {options}).detectProtocol(() => undefined).dummy()
  .listen({hello}, {options}).handleTLSClientHello(() => undefined).dummy()
  .listen({relay}, {options}).demuxHTTP('relay')
  .listen({silent}, {{ readTimeout: 60 }}).dummy()
  .pipeline('collect').replaceMessage(message => message.head.path === '/large' ? new Message('12345678901') : new Message('ok'))
  .pipeline('tunnel').dummy()
  .pipeline('relay').muxHTTP('server', '', {mux})
  .pipeline('server').connect('127.0.0.1:{silent}', {connect})
"""
PORTS = ("web", "filters", "tcp", "socks", "detect", "hello", "relay", "silent", "admin")


def spelled(values):
    rows = {row.name: row for row in TABLE}
    return "{ " + ", ".join(f"{rows[name].member}: {value}" for name, value in values.items()) + " }"


def refusals(admin):
    """How many were refused or cut, by cause, on all ports together."""
    found = re.findall(rb'^pipy_\w*refus\w*\{.*cause="([^"]+)".*\} (\d+)', metrics(admin), re.MULTILINE)
    return sum((Counter({cause.decode(): int(count)}) for cause, count in found), Counter())


@pytest.fixture(scope="module", params=["option", "environment", "script"])
def program(request, tmp_path_factory):
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    given = VALUES | UPSTREAM
    settings = {"options": [f"--admin-port={ports['admin']}"]}
    inside = {"options": "{}", "mux": "{}", "connect": "{}"}
    if request.param == "option":
        settings["options"] += [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    elif request.param == "environment":
        settings["environment"] = {f"PIPY_{name.upper()}": str(value) for name, value in given.items()}
    else:
        inside = {
            "options": spelled(VALUES),
            "mux": spelled({name: UPSTREAM[name] for name in ("response_timeout", "max_pending")}),
            "connect": spelled({"connect_timeout": 0.4}),
        }
    script = SCRIPT.format(**ports, **inside)
    with PipyProcess(script, directory=tmp_path_factory.mktemp("each"), ports=list(ports.values()), **settings):
        yield ports


def test_all_that_can_be_set_is_tested_here_or_there():
    assert {row.name for row in TABLE} == VALUES.keys() | UPSTREAM.keys() | PROCESS


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET /" + b"a" * 90 + b" HTTP/1.1\r\nHost: h\r\n\r\n", "414", id="maxRequestLine"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"a" * 400 + b"\r\n\r\n", "431", id="maxHeaderSize"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 8 + b"\r\n", "431", id="maxHeaderCount"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901", "413", id="maxBodyBuffer"),
        pytest.param(b"GET / HTTP/1.1\r\nHo", "408", id="headerTimeout"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", "408", id="bodyTimeout"),
    ],
)
def test_a_request(program, sent, status):
    with closing(connect(program["web"])) as client:
        client.sendall(sent)
        assert read_head(client)[0][9:12] == status


def test_what_other_filters_collect(program):
    with closing(connect(program["filters"])) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901")
        assert read_head(client)[0] == "HTTP/1.1 413 Payload Too Large"
    assert refusals(program["admin"])["body size"] >= 1


def test_requests_that_are_pipelined_without_end(program):
    with closing(connect(program["web"])) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 50)
        received = read_all(client)
    assert received.count(b"HTTP/1.1 200 OK") == 5
    assert received.count(b"connection: close") == 1
    with closing(connect(program["filters"])) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 50)
        received = read_all(client)
    assert (received.count(b"HTTP/1.1 200 OK"), received.count(b"connection: close")) == (5, 1)


@pytest.mark.parametrize(
    ("port", "sent", "cause"),
    [
        ("web", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "idle timeout"),
        ("socks", b"", "handshake timeout"),
        ("socks", b"\x05\x01\x00", "handshake timeout"),
        ("detect", b"", "handshake timeout"),
        ("detect", b"\x16\x03", "handshake timeout"),
        ("hello", b"", "handshake timeout"),
        ("hello", b"\x16\x03\x01", "handshake timeout"),
    ],
)
def test_a_silent_client(program, port, sent, cause):
    before = refusals(program["admin"])[cause]
    begun = time.monotonic()
    with closing(connect(program[port])) as client:
        client.sendall(sent)
        read_all(client)
    assert 0.3 < time.monotonic() - begun < SOON
    assert refusals(program["admin"])[cause] > before


def test_who_speaks_something_else_may_be_silent_for_longer(program):
    begun = time.monotonic()
    with closing(connect(program["tcp"])) as client:
        assert read_all(client) == b""
    assert time.monotonic() - begun > 1.9


def test_a_client_that_takes_nothing(program):
    with closing(connect(program["web"])) as client:
        client.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
        deadline = time.monotonic() + PATIENCE
        while "write timeout" not in refusals(program["admin"]) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert refusals(program["admin"])["write timeout"] >= 1


def test_a_server_that_says_nothing(program):
    begun = time.monotonic()
    assert ask(program["relay"])[0] == "504 Gateway Timeout"
    assert 0.3 < time.monotonic() - begun < SOON


def test_requests_that_wait_for_a_server(program):
    with closing(connect(program["relay"])) as client:  # all at once: the first is not given up before the last has come
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" * 5)
        statuses = re.findall(rb"^HTTP/1.1 (\d+)", read_all(client), re.MULTILINE)
    assert statuses == [b"504"] * 3 + [b"503"] * 2


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.option)
def test_what_makes_no_sense_is_refused_in_a_line(row):
    run = subprocess.run(
        [sys.executable, "-m", "pipy_core", f"--{row.option}=many", "x.js"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode != 0
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1
    assert f"invalid --{row.option}: many: expected {row.noun} from" in lines[0]


def test_a_connection_that_goes_on_meanwhile(program):
    with closing(connect(program["web"])) as client:
        assert get(client)[0] == "200 OK"
