"""What can be seen of a running program: metrics, status, the access log, ``pipy status`` and ``pipy top``."""

import contextlib
import http.client
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.system.pipy_process import PATIENCE, free_port, free_ports

SCRIPT = """
((hits, waits) => pipy()
  .listen({origin})
  .serveHTTP(() => (hits.withLabels('{text}').increase(), waits.observe(1), new Message('{text}')))
  .listen({port})
  .demuxHTTP('request')
  .pipeline('request').muxHTTP('up', '')
  .pipeline('up').connect('127.0.0.1:{origin}')
)(new stats.Counter('hits', ['a']), new stats.Histogram('waits', [1, 2]))
"""
#: Families that only grow.
GROWING = ("counter", "histogram")
PROMTOOL = shutil.which("promtool")


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def scrape(port):
    """What Prometheus makes of ``/metrics``: numbers by name and labels, and the names of what only grows."""
    status, text = get(port, "/metrics")
    assert status == 200
    numbers, growing = {}, set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in numbers, key
            numbers[key] = sample.value
            if family.type in GROWING:
                growing.add(key)
    return numbers, growing


def total(numbers, name, **labels):
    return sum(value for (found, have), value in numbers.items() if found == name and labels.items() <= dict(have).items())


def wait_for_total(admin, count, name, **labels):
    """A worker that is slow to answer is counted as it was before, once."""
    wait_until(lambda: total(scrape(admin)[0], name, **labels) >= count)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run(*words, **environment):
    """``pipy words...``: exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "pipy_core", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def site(start_pipy, tmp_path):
    """``site(*options)`` starts the script; gives the process, the port of the proxy and the admin port."""

    def start(*options):
        origin, port, admin = free_ports(3)
        process = start_pipy(
            SCRIPT.format(origin=origin, port=port, text="one"),
            options=[f"--admin-port={admin}", *options],
            ports=[origin, port, admin],
        )
        process.reload = lambda text: (tmp_path / "main.js").write_text(SCRIPT.format(origin=origin, port=port, text=text))
        return process, port, admin

    return start


class Load:
    """Requests, one after the other, on connections of their own, until it is told to stop."""

    def __init__(self, port):
        self._port = port
        self._stop = threading.Event()
        self.answered = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):  # a worker that is killed takes some with it
                self.answered += get(self._port, "/")[0] == 200

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_scrapes_under_load_through_reloads(site, workers):
    process, port, admin = site(f"--threads={workers}")
    before = {}
    with Load(port) as load:
        for turn in range(12):
            if turn % 4 == 1:
                process.reload(f"version {turn}")
                process.signal(signal.SIGHUP)
            numbers, growing = scrape(admin)
            for key, value in before.items():
                if key in growing and not key[0].startswith(("hits", "waits")):  # a script's begin again with it
                    assert numbers[key] >= value, key
            before = numbers
    process.wait_for_log("Codebase reloaded")
    wait_until(lambda: json.loads(get(admin, "/status")[1])["reload"]["good"] >= 1)
    listener = f"0.0.0.0:{port}"
    wait_for_total(admin, load.answered, "pipy_http_requests_total", listener=listener, code="2xx")
    numbers, _ = scrape(admin)
    assert total(numbers, "pipy_http_requests_total", listener=listener, code="2xx") == load.answered
    assert total(numbers, "pipy_http_request_duration_seconds_count", listener=listener) == load.answered
    assert total(numbers, "pipy_upstream_requests_total", code="2xx") == load.answered
    assert total(numbers, "pipy_workers", state="running") == workers
    assert total(numbers, "pipy_reloads_total", result="good") >= 1
    assert total(numbers, "pipy_script_calls_total") > 0
    assert numbers["waits", (("le", "1"),)] == numbers["waits_bucket", (("le", "+Inf"),)]


def test_no_counter_goes_down_when_a_worker_dies(site):
    process, port, admin = site("--threads=2")
    for _ in range(20):
        assert get(port, "/")[0] == 200
    mine = {"listener": f"0.0.0.0:{port}", "code": "2xx"}
    wait_for_total(admin, 20, "pipy_http_requests_total", **mine)
    before, growing = scrape(admin)
    victim = json.loads(get(admin, "/status")[1])["workers"][0]["pid"]
    os.kill(victim, signal.SIGKILL)

    def replaced():
        workers = json.loads(get(admin, "/status")[1])["workers"]
        return workers[0]["pid"] not in (0, victim) and workers[0]["state"] == "running"

    wait_until(replaced)
    for _ in range(5):
        assert get(port, "/")[0] == 200
    wait_for_total(admin, 25, "pipy_http_requests_total", **mine)
    after, _ = scrape(admin)
    assert [key for key in growing if after.get(key, 0) < before[key]] == []
    assert total(after, "pipy_http_requests_total", **mine) == 25
    assert total(after, "pipy_worker_restarts_total") == 1
    assert process.wait_for_log(str(victim))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool, of the package prometheus, is not installed")
def test_promtool_finds_nothing_to_complain_about(site):
    _, port, admin = site()
    get(port, "/")
    text = get(admin, "/metrics")[1]
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    problems = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("hits ", "waits"))]
    assert problems == []


def test_health(site):
    process, _, admin = site()
    assert get(admin, "/healthz") == (200, "ok\n")
    assert get(admin, "/readyz") == (200, "ready\n")
    status = json.loads(get(admin, "/status")[1])
    assert status["state"] == "running"
    assert status["workers"][0]["pid"] == process.pid
    assert status["generations"][0]["number"] == 1
    assert get(admin, "/status", Host="evil.example")[0] == 403


def test_a_reload_that_failed_is_told(site, tmp_path):
    process, _, admin = site()
    (tmp_path / "main.js").write_text("oops(")
    process.signal(signal.SIGHUP)
    wait_until(lambda: json.loads(get(admin, "/status")[1])["reload"]["failed"])
    code, output, _ = run("status", f"--admin-port={admin}")
    assert code == 0
    assert re.search(r"^last reload: failed at .* \(0 good, 1 failed in all\): .*SyntaxError", output, re.MULTILINE)


def test_tokens(site):
    _, _, admin = site("--admin-token=secret")
    for path in ("/metrics", "/status", "/nowhere", "/healthz/", "/readyz?x"):
        assert get(admin, path)[0] == 401
        assert get(admin, path, Authorization="Bearer secre")[0] == 401
    assert get(admin, "/metrics", Authorization="Bearer secret")[0] == 200
    assert get(admin, "/healthz") == (200, "ok\n")
    assert get(admin, "/readyz") == (200, "ready\n")
    code, _, errors = run("status", f"--admin-port={admin}")
    assert (code, errors.count("\n")) == (1, 1)
    assert "wants a token" in errors
    assert run("status", f"--admin-port={admin}", "--admin-token=secret")[0] == 0
    assert run("status", PIPY_ADMIN_TOKEN="secret", PIPY_ADMIN_PORT=str(admin))[0] == 0


def test_nothing_is_open_to_everybody_by_accident(tmp_path):
    script = tmp_path / "main.js"
    script.write_text("pipy()")
    code, output, errors = run(f"--admin-port=0.0.0.0:{free_port()}", str(script))
    assert (code, output) == (1, "")
    assert re.fullmatch(r"the admin port would be open to everybody at 0\.0\.0\.0:\d+: set --admin-token .*\n", errors)


# -- the access log -----------------------------------------------------------------------------------------------------


def test_access_log_on_standard_output(site):
    process, port, _ = site("--access-log=json")
    get(port, "/a?password=x", **{"User-Agent": "curl"})
    found = process.wait_for_log(rf'^\{{"time".*"listener":"0\.0\.0\.0:{port}".*\}}$')
    document = json.loads(found[0])
    assert (document["client"], document["path"], document["status"], document["bytes"]) == ("127.0.0.1", "/a", 200, 3)
    assert document["upstream"].startswith("127.0.0.1:")
    assert 0 < document["duration"] < PATIENCE
    assert "password" not in process.log


@pytest.mark.parametrize("workers", [1, 2])
def test_access_log_in_a_file(site, tmp_path, workers):
    path = tmp_path / "access.log"
    _, port, _ = site("--access-log=$listener $status $uri", f"--access-log-file={path}", f"--threads={workers}")
    for number in range(10):
        get(port, f"/{number}?token=x")
    expected = sorted(f"0.0.0.0:{port} 200 /{number}?token=***" for number in range(10))

    def written():
        return sorted(line for line in path.read_text().splitlines() if line.startswith(f"0.0.0.0:{port} "))

    wait_until(lambda: len(written()) == 10)
    assert written() == expected


def test_a_file_for_requests_without_a_format(site, tmp_path):
    path = tmp_path / "access.log"
    _, port, _ = site(f"--access-log-file={path}")
    get(port, "/a", **{"User-Agent": "curl"})
    wait_until(lambda: path.read_text().count("\n") == 2)  # the site is its own upstream
    for line in path.read_text().splitlines():
        assert re.fullmatch(r'127\.0\.0\.1 - - \[.+\] "GET /a HTTP/1\.1" 200 3 "-" "curl"', line)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_http2_is_counted_and_logged(site):
    process, port, admin = site("--access-log=$listener $status $bytes $request")
    subprocess.run(["curl", "-s", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/two"], check=True, capture_output=True)
    process.wait_for_log(rf"^0\.0\.0\.0:{port} 200 3 GET /two HTTP/2$")
    assert total(scrape(admin)[0], "pipy_http_requests_total", listener=f"0.0.0.0:{port}", code="2xx") == 1


def test_requests_that_are_none_are_logged_too(site):
    process, port, admin = site("--access-log=$listener $status $request")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.putrequest("GET", "/", skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status == 400
    process.wait_for_log(rf"^0\.0\.0\.0:{port} 400 ")
    assert total(scrape(admin)[0], "pipy_http_requests_total", listener=f"0.0.0.0:{port}", code="4xx") == 1


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--access-log=$nope", r"invalid access log format: unknown field \$nope"),
        ("--access-log=$http_cookie", "would write secrets"),
    ],
)
def test_formats_that_are_wrong(tmp_path, option, text):
    (tmp_path / "main.js").write_text("pipy()")
    code, _, errors = run(option, str(tmp_path / "main.js"))
    assert code == 1
    assert re.search(text, errors)


# -- for people ---------------------------------------------------------------------------------------------------------


def test_status(site):
    process, port, admin = site("--threads=2")
    running = ["running"] * 2  # who is slow to answer is shown as it was; as starting if it has never answered
    wait_until(lambda: [each["state"] for each in json.loads(get(admin, "/status")[1])["workers"]] == running)
    code, output, errors = run("status", f"--admin-port={admin}")
    assert (code, errors) == (0, "")
    assert f"process {process.pid}, running" in output
    assert f"0.0.0.0:{port}" in output
    assert re.search(r"^WORKER +STATE +PID +CONNECTIONS +MEMORY +LAG +RESTARTS$", output, re.MULTILINE)
    assert len(re.findall(r"^[12]  +running", output, re.MULTILINE)) == 2 + 1  # workers, and the generation


#: Looks for the second time when it is told to, and not a second later.
TOP = """
import sys, time
from pipy_core import cli
time.sleep = lambda _seconds: (print("looked", flush=True), sys.stdin.readline())
sys.exit(cli.main())
"""


def test_top_without_a_terminal(site):
    _, port, admin = site()
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", TOP, "top", f"--admin-port={admin}"]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as top:
        assert top.stdout.readline() == "looked\n"
        for _ in range(100):
            assert get(port, "/")[0] == 200
        output, errors = top.communicate("\n", PATIENCE)
    assert (top.returncode, errors) == (0, "")
    (line,) = re.findall(rf"^0\.0\.0\.0:{port} .*$", output, re.MULTILINE)
    rate = line.split()[3]
    assert rate != "0"
    assert re.search(r"^UPSTREAM ", output, re.MULTILINE)


#: Runs a program in a terminal of its own; not in this process, which has threads, and may be deaf to Ctrl-C, as shells make it that
#: run something in the background.
IN_A_TERMINAL = """
import os, pty, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_top_on_a_terminal(site, key):
    _, port, admin = site()
    words = [sys.executable, "-c", IN_A_TERMINAL, sys.executable, "-m", "pipy_core", "top", f"--admin-port={admin}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, bufsize=0, env={**os.environ, "TERM": "xterm"}) as terminal:
        try:
            seen = b""
            while b"LISTENER" not in seen or str(port).encode() not in seen:
                assert select.select([terminal.stdout], [], [], PATIENCE)[0], seen
                piece = terminal.stdout.read(4096)
                assert piece, seen
                seen += piece
            terminal.communicate(key, timeout=PATIENCE)
        finally:
            terminal.kill()
    assert terminal.returncode == 0


def test_nobody_there():
    port = free_port()
    for word in ("status", "top"):
        code, output, errors = run(word, f"--admin-port={port}")
        assert (code, output, errors) == (1, "", f"cannot reach the admin port 127.0.0.1:{port}: Connection refused\n")


def test_something_else_is_there(start_pipy):
    port = free_port()
    start_pipy(f"pipy().listen({port}).serveHTTP(new Message('hello'))", ports=[port])
    assert run("status", f"--admin-port={port}")[2] == f"what listens at 127.0.0.1:{port} is no admin port\n"


def test_words_that_mean_nothing():
    assert run("status", "--once")[0] == 1
    assert "Usage: pipy status" in run("top", "--help")[1]
