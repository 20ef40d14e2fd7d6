"""Scripts that misbehave hurt the stream they were called for, and nobody else; what cannot go on ends with a line in the log."""

import threading
import time

import pytest

from tests.engine import by_engine
from tests.system.clients import ask, connect, get, read_all
from tests.system.pipy_process import free_port

OPTIONS = ["--call-timeout=0.3"]


def server(port, **paths):
    """A script that does something for each path, and says hi to everybody else."""
    cases = "".join(f" if (msg.head.path === '/{path}') {{ {does} }};" for path, does in paths.items())
    return f"pipy()\n  .listen({port})\n  .serveHTTP(\n    msg => {{{cases} return new Message('hi') }}\n  )"


def test_an_endless_loop_ends_its_stream_only(start_pipy):
    port = free_port()
    pipy = start_pipy(server(port, loop="for (;;);"), options=OPTIONS, ports=[port])
    with connect(port) as innocent:
        assert get(innocent) == ("200 OK", b"hi")
        for _ in range(3):
            answers = []
            guilty = threading.Thread(target=lambda answers=answers: answers.append(ask(port, "/loop")))
            guilty.start()
            assert get(innocent) == ("200 OK", b"hi")
            guilty.join()
            assert answers == [("500 Internal Server Error", b"")]
    pipy.wait_for_log(r"the script was stopped after 0\.3 s")
    pipy.wait_for_log(rf"in /main\.js at line {by_engine(v8=3, quickjs=4)}")


def test_an_endless_loop_in_a_promise_ends_its_stream_only(start_pipy):
    port = free_port()
    endless = {
        "microtasks": "Promise.resolve().then(() => { for (;;); })",
        "again": "const f = () => Promise.resolve().then(f); f()",
    }
    pipy = start_pipy(server(port, **endless), options=OPTIONS, ports=[port])
    for path in ("/microtasks", "/again"):
        assert ask(port, path) == ("500 Internal Server Error", b"")
        assert ask(port) == ("200 OK", b"hi")
    pipy.wait_for_log(r"the script was stopped after 0\.3 s")


def test_an_exception_is_answered_with_500_and_shown_with_a_caret(start_pipy):
    port = free_port()
    pipy = start_pipy(server(port, fail="msg.no.such"), ports=[port])
    with connect(port) as client:
        assert get(client, "/fail") == ("500 Internal Server Error", b"")
        assert get(client) == ("200 OK", b"hi")
    pipy.wait_for_log(r"in /main\.js at line 4 column \d+")
    lines = [line.partition("[pjs] ")[2] for line in pipy.log.splitlines() if "[ERR] [pjs]" in line]
    assert lines[0].startswith("Line 4:  msg => {")
    assert lines[0][len(lines[1]) - 1 :].startswith(by_engine(v8="such", quickjs="msg.no.such"))
    assert lines[1].strip() == "^"
    assert "TypeError" in lines[2]


def test_an_exception_in_a_stream_ends_it(start_pipy):
    port = free_port()
    pipy = start_pipy(f"pipy().listen({port}).handleData(data => {{ if (data.size > 3) throw 'too long' }})", ports=[port])
    with connect(port) as client, connect(port) as other:
        client.sendall(b"abc")
        assert client.recv(10) == b"abc"
        client.sendall(b"abcd")
        assert read_all(client) == b""
        other.sendall(b"x")
        assert other.recv(10) == b"x"
    pipy.wait_for_log("thrown: too long")


def test_a_rejected_promise_is_logged(start_pipy):
    port = free_port()
    pipy = start_pipy(server(port, broken="return (async () => { throw 'lost' })()"), ports=[port])
    ask(port, "/broken")
    pipy.wait_for_log(r"\[ERR\] \[pjs\] Unhandled rejection: .*lost")
    assert ask(port) == ("200 OK", b"hi")


def test_a_script_that_eats_the_heap_ends_the_process_with_a_reason(start_pipy):
    port = free_port()
    script = server(port, eat="const all = []; for (;;) all.push(new Array(1000).fill(1.5))")
    pipy = start_pipy(script, options=["--heap-limit=32", "--call-timeout=20"], ports=[port])
    with connect(port) as client:
        client.sendall(b"GET /eat HTTP/1.1\r\nHost: h\r\n\r\n")
        assert pipy.wait() == 70
        assert read_all(client) == b""
    pipy.wait_for_log(r"\[ERR\] the script uses more memory than its heap limit allows: --heap-limit=32 MB; the process ends")
    assert "Traceback" not in pipy.log


def test_a_script_that_loses_memory_in_steps_ends_the_process_before_it_fails_requests(start_pipy):
    port = free_port()
    lose = "const a = new Array(50000); for (let i = 0; i < 50000; i++) a[i] = i + 0.5; kept.push(a); return new Message('kept')"
    script = f"((kept = []) => {server(port, lose='try { LOSE } catch { }'.replace('LOSE', lose))})()"
    pipy = start_pipy(script, options=["--heap-limit=32", "--call-timeout=20"], ports=[port])
    answers = set()
    with pytest.raises(OSError):  # noqa: PT011  # the connection ends, in one way or another
        for _ in range(10_000):
            answers.add(ask(port, "/lose"))
            time.sleep(0.01)
    assert answers == {("200 OK", b"kept")}
    assert pipy.wait() == 70
    pipy.wait_for_log("more memory than its heap limit allows")


def test_a_script_that_eats_the_heap_while_it_is_loaded(start_pipy):
    pipy = start_pipy("(() => { const all = []; for (;;) all.push(new Array(1000).fill(1.5)) })()", options=["--heap-limit=32"])
    assert pipy.wait() == 70
    pipy.wait_for_log("more memory than its heap limit allows")


def test_deep_recursion_is_an_error_of_its_stream(start_pipy):
    port = free_port()
    pipy = start_pipy(server(port, deep="const f = () => f() + 1; f()"), ports=[port])
    assert ask(port, "/deep") == ("500 Internal Server Error", b"")
    assert ask(port) == ("200 OK", b"hi")
    pipy.wait_for_log("RangeError: Maximum call stack size exceeded")
