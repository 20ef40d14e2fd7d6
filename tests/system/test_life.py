"""From the first line of the log to the exit code: starting, signals, reloading, verifying."""

import signal
import socket

import pytest

from tests.system.clients import ask, connect, get, read_all, read_response
from tests.system.pipy_process import free_port, free_ports, patient

HELLO = "pipy().listen({}).serveHTTP(() => new Message('{}'))"
RELAY = "pipy().listen({}).demuxHTTP('answer').pipeline('answer').replaceMessage({})"


class TestStarting:
    def test_the_log_of_a_start(self, start_pipy):
        port = free_port()
        pipy = start_pipy(RELAY.format(f"'127.0.0.1:{port}'", "new Message('hi')"), ports=[port])
        lines = [line.partition("] ")[2] for line in pipy.log.splitlines()]
        assert lines[1:3] == ["[config] Module /main.js", "[config] ==============="]
        drawing = "\n".join(line.removeprefix("[config] ") for line in lines if line.startswith("[config]"))
        for part in (f"[Listen on {port} at 127.0.0.1]", "demuxHTTP", "|--> [answer]", "replaceMessage"):
            assert part in drawing
        assert lines[-1] == f"[listener] Listening on port {port} at 127.0.0.1"
        assert all(" [INF] " in line for line in pipy.log.splitlines())

    @pytest.mark.parametrize("options", [[], ["--verify"]])
    def test_a_broken_script_is_shown_with_a_caret(self, start_pipy, options):
        pipy = start_pipy("pipy()\n  .listen(1)\n  .noSuchFilter()\n", options=options)
        assert pipy.wait() == 1
        errors = [line.partition("[ERR] ")[2] for line in pipy.log.splitlines() if "[ERR]" in line]
        assert errors[:2] == ["[pjs] Line 3:  .noSuchFilter()", "[pjs]           ^"]
        assert "noSuchFilter is not a function" in errors[2]
        assert errors[3] == "[pjs]     in /main.js at line 3 column 4"
        assert "Traceback" not in pipy.log

    def test_a_port_that_is_taken(self, start_pipy):
        taken, free = free_ports(2)
        with socket.create_server(("0.0.0.0", taken)):
            pipy = start_pipy(f"pipy().listen({free}).listen({taken})")
            assert pipy.wait() == 1
        pipy.wait_for_log(rf"\[ERR\] \[listener\] Cannot start listening on port {taken} at 0\.0\.0\.0: Address already in use")
        pipy.wait_for_log(f"Stopped listening on port {free}")
        assert "Traceback" not in pipy.log

    def test_a_good_script_is_verified_without_listening(self, start_pipy):
        port = free_port()
        with socket.create_server(("0.0.0.0", port)):
            script = HELLO.format(port, "hi") + ".task().handleMessageStart(() => console.log('has run'))"
            pipy = start_pipy(script, options=["--verify"])
            assert pipy.wait() == 0
        assert "Listening" not in pipy.log
        assert "has run" not in pipy.log

    def test_a_broken_plugin_is_named_and_left_out(self, start_pipy, tmp_path):
        plugins = tmp_path / "plugins"
        info = plugins / "breakable-2.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: breakable\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text("[pipy]\nbroken = breakable_plugin\n")
        (plugins / "breakable_plugin.py").write_text("raise RuntimeError('out of order')\n")
        port = free_port()
        root = __file__.rpartition("/tests/")[0]
        pipy = start_pipy(HELLO.format(port, "hi"), ports=[port], environment={"PYTHONPATH": f"{root}:{plugins}"})
        pipy.wait_for_log(r"\[WRN\] .*plugin broken \(breakable 2\.1\): RuntimeError: out of order \(the plugin is left out\)")
        assert ask(port) == ("200 OK", b"hi")


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_in_order_while_connections_are_open(self, start_pipy, number):
        port = free_port()
        pipy = start_pipy(RELAY.format(port, "new Message('hi')"), ports=[port])
        idle, used = connect(port), connect(port)
        with idle, used:
            assert get(used) == ("200 OK", b"hi")
            pipy.signal(number)
            assert pipy.wait() == 0
            assert read_all(used) == read_all(idle) == b""
        pipy.wait_for_log(r"\[INF\] \[shutdown\] Shutting down\.\.\.")
        pipy.wait_for_log(r"\[INF\] \[shutdown\] Stopped\.")
        assert "Traceback" not in pipy.log

    def test_a_signal_right_after_the_start_is_an_orderly_end(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", ports=[port])
        assert pipy.stop() == 0

    def test_a_request_in_progress_is_answered_before_the_end(self, start_pipy):
        port = free_port()
        pipy = start_pipy(RELAY.format(port, "msg => new Message(msg.body)"), ports=[port])
        with connect(port) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nbef")
            assert ask(port) == ("200 OK", b"")  # so the head above has been read
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 1 connections")
            client.sendall(b"ore")
            assert read_response(client) == ("200 OK", b"before")
            assert read_all(client) == b""
        assert pipy.wait() == 0

    def test_a_second_signal_does_not_wait(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port})", ports=[port])
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            pipy.signal(signal.SIGTERM)
            pipy.wait_for_log("Waiting for remaining 1 connections")
            pipy.signal(signal.SIGTERM)
            assert pipy.wait() == 1  # not a clean end: a connection was cut
        assert pipy.log.count("Forcing to shut down") == 1

    def test_a_script_can_end_it_with_a_code(self, start_pipy):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port}).serveHTTP(() => (pipy.exit(3), new Message('bye')))", ports=[port])
        assert ask(port) == ("200 OK", b"bye")
        assert pipy.wait() == 3

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_a_task_on_a_signal_replaces_what_it_does(self, start_pipy, name):
        port = free_port()
        task = f".task('{name}').handleMessageStart(() => console.log('instead')).replaceMessage(new StreamEnd)"
        pipy = start_pipy(HELLO.format(port, "hi") + task, ports=[port])
        for count in (1, 2):
            pipy.signal(getattr(signal, name))
            pipy.wait_for_log("instead", times=count)
        assert ask(port) == ("200 OK", b"hi")
        assert "Shutting down" not in pipy.log
        assert "Reloading" not in pipy.log


class TestReloading:
    def test_new_connections_get_the_new_script_and_others_end_with_their_next_answer(self, start_pipy, tmp_path):
        port, other = free_ports(2)
        pipy = start_pipy(RELAY.format(port, "() => new Message('old')"), ports=[port], environment=patient(tmp_path))
        with connect(port) as idle:
            assert get(idle) == ("200 OK", b"old")
            (tmp_path / "main.js").write_text(f"{HELLO.format(port, 'new')}.listen({other})")
            pipy.signal(signal.SIGHUP)
            pipy.wait_for_log(r"\[INF\] \[restart\] Codebase reloaded")
            assert get(idle) == ("200 OK", b"old")
            assert read_all(idle) == b""
        assert ask(port) == ("200 OK", b"new")
        pipy.wait_listening(other)
        (tmp_path / "main.js").write_text(HELLO.format(port, "third"))
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log(f"Stopped listening on port {other}")
        assert ask(port) == ("200 OK", b"third")
        assert pipy.stop() == 0

    def test_a_connection_that_is_in_use_keeps_its_script(self, start_pipy, tmp_path):
        port = free_port()
        script = "pipy({{ _n: 0 }}).listen({}).replaceData(data => new Data(`{} ${{++_n}} ${{data}}`))"
        pipy = start_pipy(script.format(port, "old"), ports=[port])
        with connect(port) as old:
            old.sendall(b"a")
            assert old.recv(100) == b"old 1 a"
            (tmp_path / "main.js").write_text(script.format(port, "new"))
            pipy.signal(signal.SIGHUP)
            pipy.wait_for_log("Codebase reloaded")
            old.sendall(b"b")
            assert old.recv(100) == b"old 2 b"
            with connect(port) as new:
                new.sendall(b"c")
                assert new.recv(100) == b"new 1 c"

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ("pipy().listen(", r"SyntaxError: .* in /main\.js"),
            ("pipy().noSuchFilter()", "noSuchFilter is not a function"),
            ("pipy().listen({taken})", "Cannot start listening on port {taken}"),
        ],
        ids=["syntax", "filter", "port"],
    )
    def test_a_broken_script_changes_nothing(self, start_pipy, tmp_path, script, reason):
        port, taken = free_ports(2)
        pipy = start_pipy(HELLO.format(port, "old"), ports=[port])
        with socket.create_server(("0.0.0.0", taken)):
            (tmp_path / "main.js").write_text(script.replace("{taken}", str(taken)))
            pipy.signal(signal.SIGHUP)
            pipy.wait_for_log(r"\[ERR\] \[restart\] Failed reloading codebase")
        pipy.wait_for_log(reason.replace("{taken}", str(taken)))
        assert ask(port) == ("200 OK", b"old")
        (tmp_path / "main.js").write_text(HELLO.format(port, "new"))
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("Codebase reloaded")
        assert ask(port) == ("200 OK", b"new")

    def test_a_script_can_ask_for_it(self, start_pipy, tmp_path):
        port = free_port()
        pipy = start_pipy(f"pipy().listen({port}).serveHTTP(() => (pipy.restart(), new Message('again')))", ports=[port])
        (tmp_path / "main.js").write_text(HELLO.format(port, "new"))
        assert ask(port) == ("200 OK", b"again")
        pipy.wait_for_log("Codebase reloaded")
        assert ask(port) == ("200 OK", b"new")
