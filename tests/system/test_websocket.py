"""WebSocket through the proxy: a client and a server of others at its ends, which notice every byte that is not as it was sent."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.system.pipy_process import PATIENCE, PipyProcess, free_port

PROXY = """
pipy()
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('connection', '')
  .pipeline('connection')
    .connect('127.0.0.1:{server}')
"""
#: The same where a script looks at everything.
LOOKING = """
pipy({{ _seen: 0 }})
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .handleMessageStart(msg => msg.head.headers['x-via'] = msg.head.headers['upgrade'] || 'none')
    .muxHTTP('connection', '')
    .handleMessageStart(msg => msg.head.headers['x-status'] = '' + msg.head.status)
  .pipeline('connection')
    .connect('127.0.0.1:{server}')
"""


def answer(socket: ServerConnection) -> None:
    """Say everything again; ``close`` and ``vanish`` are orders."""
    for message in socket:
        if message == "close":
            socket.close(4001, "as you wish")
        elif message == "vanish":
            socket.socket.close()
        elif message == "ping":
            socket.ping(b"are you there").wait(PATIENCE)
            socket.send("ponged")
        elif message == "who":
            socket.send(f"{socket.subprotocol} {socket.request.headers.get('x-via')}")
        else:
            socket.send(message)


def admit(socket: ServerConnection, request: Any) -> Any:
    """Refuse the handshake where it asks for that."""
    return socket.respond(HTTPStatus.FORBIDDEN, "not here\n") if request.path == "/forbidden" else None


def choose(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The only subprotocol there is."""
    return Subprotocol("superchat") if "superchat" in offered else None


@contextmanager
def serving(handle: Callable[[ServerConnection], None] = answer) -> Iterator[int]:
    """A WebSocket server on a free port."""
    server = serve(handle, "127.0.0.1", 0, process_request=admit, select_subprotocol=choose, max_size=2**24, compression=None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        thread.join(PATIENCE)


@pytest.fixture(params=[PROXY, LOOKING], ids=["plain", "script"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with serving() as server, PipyProcess(request.param.format(port=port, server=server), directory=tmp_path, ports=[port]) as pipy:
        yield port
        assert "Traceback" not in pipy.log
        assert "[ERR]" not in pipy.log


def client(port: int, path: str = "/", **options: Any) -> ClientConnection:
    """A client that has shaken hands."""
    return connect(
        f"ws://127.0.0.1:{port}{path}", open_timeout=PATIENCE, close_timeout=PATIENCE, max_size=2**24, compression=None, **options
    )


def test_messages(proxy: int) -> None:
    with client(proxy) as socket:
        for message in ("text", b"\0binary\xff", "", b"", "\N{SNOWMAN}" * 1000, b"x" * 2**20, "y" * 2**20):
            socket.send(message)
            assert socket.recv(PATIENCE) == message
    assert socket.close_code == 1000


def test_fragments(proxy: int) -> None:
    with client(proxy) as socket:
        socket.send(["a", "bc", "", "d" * 70000])
        assert socket.recv(PATIENCE) == "abc" + "d" * 70000
        socket.send(iter([b"1", b"2"]))
        assert socket.recv(PATIENCE) == b"12"


def test_pings_both_ways(proxy: int) -> None:
    with client(proxy) as socket:
        assert socket.ping(b"hello").wait(PATIENCE)
        socket.send("ping")
        assert socket.recv(PATIENCE) == "ponged"


def test_the_client_closes(proxy: int) -> None:
    with client(proxy) as socket:
        socket.send("x")
        assert socket.recv(PATIENCE) == "x"
        socket.close(4002, "enough")
    assert socket.close_code == 4002


def test_the_server_closes_first(proxy: int) -> None:
    with client(proxy) as socket:
        socket.send("close")
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv(PATIENCE)
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "as you wish")


def test_the_server_vanishes(proxy: int) -> None:
    with client(proxy) as socket:
        socket.send("vanish")
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv(PATIENCE)
    assert caught.value.rcvd is None


def test_close_codes_reach_the_server(tmp_path: Path) -> None:
    port = free_port()
    closed: list[tuple[int, str]] = []
    done = threading.Event()

    def watch(socket: ServerConnection) -> None:
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv(PATIENCE)
        if caught.value.rcvd is not None:
            closed.append((caught.value.rcvd.code, caught.value.rcvd.reason))
        done.set()

    with serving(watch) as server, PipyProcess(PROXY.format(port=port, server=server), directory=tmp_path, ports=[port]):
        with client(port) as socket:
            socket.close(4002, "enough")
        assert done.wait(PATIENCE)
    assert closed == [(4002, "enough")]


def test_a_rejected_handshake(proxy: int) -> None:
    with pytest.raises(InvalidStatus) as caught:
        client(proxy, "/forbidden")
    assert caught.value.response.status_code == 403
    assert caught.value.response.body == b"not here\n"


def test_subprotocols(proxy: int) -> None:
    with client(proxy, subprotocols=[Subprotocol("none"), Subprotocol("superchat")]) as socket:
        assert socket.subprotocol == "superchat"
        socket.send("who")
        assert str(socket.recv(PATIENCE)).startswith("superchat ")


def test_many_at_the_same_time(proxy: int) -> None:
    """Each has a connection of its own, although all requests have the same key."""

    def talk(number: int) -> None:
        with client(proxy) as socket:
            for turn in range(20):
                message = f"{number}: {turn} " + "x" * (1000 * (number % 5))
                socket.send(message)
                assert socket.recv(PATIENCE) == message

    with ThreadPoolExecutor(16) as pool:
        for result in [pool.submit(talk, number) for number in range(48)]:
            result.result(PATIENCE)


def test_a_server_that_talks_at_once(tmp_path: Path) -> None:
    """What comes together with the handshake belongs to the new protocol."""
    port = free_port()

    def greet(socket: ServerConnection) -> None:
        for number in range(100):
            socket.send(f"{number}")
        socket.close()

    with serving(greet) as server, PipyProcess(PROXY.format(port=port, server=server), directory=tmp_path, ports=[port]):
        for _ in range(10):
            with client(port) as socket:
                assert list(socket) == [f"{number}" for number in range(100)]


def test_a_slow_reader_is_waited_for(tmp_path: Path) -> None:
    """More than all buffers hold: nothing is lost."""
    port = free_port()
    size, count = 2**20, 24

    def pour(socket: ServerConnection) -> None:
        for number in range(count):
            socket.send(bytes([number]) * size)

    with (
        serving(pour) as server,
        PipyProcess(PROXY.format(port=port, server=server), directory=tmp_path, ports=[port]),
        client(port, max_queue=1) as socket,
    ):
        for number in range(count):
            assert socket.recv(PATIENCE) == bytes([number]) * size


VERSIONED = PROXY.replace("    .muxHTTP", "    .handleMessageStart(msg => msg.head.headers['x-via'] = '{version}')\n    .muxHTTP")
WORKERS = pytest.mark.parametrize("workers", [1, 2])


@WORKERS
def test_a_conversation_goes_on_when_the_script_is_loaded_again(tmp_path: Path, workers: int) -> None:
    """The older script keeps it, however often there is a newer one; who comes later gets that."""
    port = free_port()
    options = [f"--threads={workers}"]
    with serving() as server:
        script = VERSIONED.replace("{port}", f"{port}").replace("{server}", f"{server}")
        with (
            PipyProcess(script.replace("{version}", "one"), directory=tmp_path, ports=[port], options=options) as pipy,
            client(port) as early,
        ):
            for number, version in enumerate(("two", "three"), 1):
                (tmp_path / "main.js").write_text(script.replace("{version}", version))
                pipy.signal(signal.SIGHUP)
                pipy.wait_for_log("Codebase reloaded", times=number)
                for message in ("text", b"x" * 2**20):
                    early.send(message)
                    assert early.recv(PATIENCE) == message
                early.send("who")
                assert early.recv(PATIENCE) == "None one"
                with client(port) as late:
                    late.send("who")
                    assert late.recv(PATIENCE) == f"None {version}"
            early.send("close")
            with pytest.raises(ConnectionClosedError) as caught:
                early.recv(PATIENCE)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 4001
            assert "had to be cut" not in pipy.log
            assert "[ERR]" not in pipy.log


@WORKERS
def test_a_conversation_with_an_older_script_is_cut_in_the_end(tmp_path: Path, workers: int) -> None:
    port = free_port()
    options = [f"--threads={workers}", "--drain-timeout=0.5"]
    with (
        serving() as server,
        PipyProcess(PROXY.format(port=port, server=server), directory=tmp_path, ports=[port], options=options) as pipy,
        client(port) as early,
    ):
        early.send("before")
        assert early.recv(PATIENCE) == "before"
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log(r"\[WRN\] \[listener\].* 1 connections of generation 1 had to be cut")
        with pytest.raises(ConnectionClosedError):
            early.recv(PATIENCE)
        with client(port) as late:
            late.send("after")
            assert late.recv(PATIENCE) == "after"
