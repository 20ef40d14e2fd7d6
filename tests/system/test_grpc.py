"""gRPC through the proxy, over HTTP/2 on both sides: a real client and a real server, which depend on streams and trailers."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.system.pipy_process import PATIENCE, PipyProcess, free_port

grpc = pytest.importorskip("grpc", reason="grpcio is not installed: there is none for FreeBSD")

SERVICE = "test.Echo"
PROXY = """
pipy()
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .muxHTTP('connection', '', {{ version: 2 }})
  .pipeline('connection')
    .connect('127.0.0.1:{server}')
"""
#: The same where a script looks at everything.
LOOKING = """
pipy({{ _path: '' }})
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .handleMessageStart(msg => (_path = msg.head.path, msg.head.headers['x-via'] = 'pipy'))
    .muxHTTP('connection', '', {{ version: 2 }})
    .handleMessageStart(msg => msg.head.headers['x-path'] = _path)
  .pipeline('connection')
    .connect('127.0.0.1:{server}')
"""
#: Messages of any size.
ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Service:
    """What the server does.

    :ivar cancelled: set when a call that waits has been cancelled. :ivar deadlines: seconds that calls of ``wait`` had left.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.deadlines: list[float] = []

    def echo(self, message: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        if "x-token" in metadata:
            context.send_initial_metadata((("x-initial", str(metadata["x-token"])), ("x-raw-bin", b"\0\xff")))
            context.set_trailing_metadata((("x-trailing", "t"), ("x-more-bin", bytes(range(256)))))
        return message

    def fail(self, message: bytes, context: Any) -> bytes:
        context.set_trailing_metadata((("x-reason", "because"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, message.decode())
        return b""

    def split(self, message: bytes, context: Any) -> Iterator[bytes]:
        for number in range(len(message)):
            yield message[number : number + 1]
        if message == b"fail":
            context.abort(grpc.StatusCode.DATA_LOSS, "in the middle")

    def join(self, messages: Iterator[bytes], _context: Any) -> bytes:
        return b"".join(messages)

    def talk(self, messages: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for message in messages:
            yield b"re: " + message

    def wait(self, _message: bytes, context: Any) -> bytes:
        self.deadlines.append(context.time_remaining())
        if not context.add_callback(self.cancelled.set):  # whoever sees the deadline may cancel before this line
            self.cancelled.set()
        self.cancelled.wait(PATIENCE)
        return b""

    def handler(self) -> Any:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "echo": grpc.unary_unary_rpc_method_handler(self.echo),
                "fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "split": grpc.unary_stream_rpc_method_handler(self.split),
                "join": grpc.stream_unary_rpc_method_handler(self.join),
                "talk": grpc.stream_stream_rpc_method_handler(self.talk),
                "wait": grpc.unary_unary_rpc_method_handler(self.wait),
            },
        )


class Site:
    """Server, proxy and client."""

    def __init__(self, directory: Path, script: str, workers: int = 40) -> None:
        self.service = Service()
        self.server = grpc.server(ThreadPoolExecutor(workers), options=ANY_SIZE)
        self.server.add_generic_rpc_handlers((self.service.handler(),))
        server_port = self.server.add_insecure_port(f"127.0.0.1:{free_port()}")
        self.server.start()
        port = free_port()
        self.pipy = PipyProcess(script.format(port=port, server=server_port), directory=directory, ports=[port])
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[*ANY_SIZE, ("grpc.enable_http_proxy", 0)])

    def call(self, name: str) -> Any:
        kind = {"split": "unary_stream", "join": "stream_unary", "talk": "stream_stream"}.get(name, "unary_unary")
        return getattr(self.channel, kind)(f"/{SERVICE}/{name}")

    def close(self) -> None:
        self.channel.close()
        self.server.stop(None).wait(PATIENCE)
        self.pipy.kill()


@pytest.fixture(params=[PROXY, LOOKING], ids=["plain", "script"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, request.param)
    yield site
    site.close()
    assert "Traceback" not in site.pipy.log
    assert "[ERR]" not in site.pipy.log


def test_unary(site: Site) -> None:
    echo = site.call("echo")
    for message in (b"hello", b"", bytes(range(256)), b"x" * 100_000):
        assert echo(message, timeout=PATIENCE) == message


def test_large_messages(site: Site) -> None:
    message = bytes(range(256)) * 16384  # 4 MiB
    assert site.call("echo")(message, timeout=PATIENCE) == message
    assert site.call("join")(iter([message, message]), timeout=PATIENCE) == message * 2


def test_metadata(site: Site) -> None:
    metadata = (("x-token", "a b;c"), ("x-list", "1"), ("x-list", "2"))
    message, call = site.call("echo").with_call(b"m", timeout=PATIENCE, metadata=metadata)
    assert message == b"m"
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert initial["x-initial"] == "a b;c"
    assert initial["x-raw-bin"] == b"\0\xff"
    assert trailing == {"x-trailing": "t", "x-more-bin": bytes(range(256))}


def test_an_error_with_trailers(site: Site) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        site.call("fail")("schlecht \N{SNOWMAN}".encode(), timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == "schlecht \N{SNOWMAN}"
    assert dict(caught.value.trailing_metadata())["x-reason"] == "because"


def test_an_unknown_method(site: Site) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        site.channel.unary_unary(f"/{SERVICE}/nothing")(b"", timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_streams(site: Site) -> None:
    assert list(site.call("split")(b"abc", timeout=PATIENCE)) == [b"a", b"b", b"c"]
    assert list(site.call("split")(b"", timeout=PATIENCE)) == []
    assert site.call("join")(iter([b"1", b"", b"2"]), timeout=PATIENCE) == b"12"
    assert list(site.call("talk")(iter([b"x", b"y"]), timeout=PATIENCE)) == [b"re: x", b"re: y"]


def test_an_error_in_the_middle(site: Site) -> None:
    answers = site.call("split")(b"fail", timeout=PATIENCE)
    seen = []
    with pytest.raises(grpc.RpcError) as caught:
        for answer in answers:
            seen.append(answer)  # noqa: PERF402  # what came before the error counts
    assert seen == [b"f", b"a", b"i", b"l"]
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS
    assert caught.value.details() == "in the middle"


def test_ping_pong(site: Site) -> None:
    """No message waits for the next one."""
    queue: SimpleQueue[bytes | None] = SimpleQueue()
    answers = site.call("talk")(iter(queue.get, None), timeout=PATIENCE)
    for number in range(50):
        message = b"%d" % number * (1 + number % 3 * 20_000)
        queue.put(message)
        assert next(answers) == b"re: " + message
    queue.put(None)
    assert list(answers) == []
    assert answers.code() is grpc.StatusCode.OK


def test_a_deadline(site: Site) -> None:
    assert site.call("echo")(b"", timeout=PATIENCE) == b""  # all connections are there
    with pytest.raises(grpc.RpcError) as caught:
        site.call("wait")(b"", timeout=3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert site.service.cancelled.wait(PATIENCE)
    assert 0 < site.service.deadlines[0] < 3.1  # it is rounded up on its way


def test_a_call_is_cancelled(site: Site) -> None:
    call = site.call("wait").future(b"", timeout=PATIENCE)
    other = site.call("talk")
    while not site.service.deadlines:
        assert list(other(iter([b"x"]), timeout=PATIENCE)) == [b"re: x"]
    call.cancel()
    assert site.service.cancelled.wait(PATIENCE)
    assert site.call("echo")(b"still here", timeout=PATIENCE) == b"still here"


def test_hundreds_at_the_same_time(site: Site) -> None:
    echo = site.call("echo")
    messages = [b"%d" % number * (number % 50) for number in range(400)]
    calls = [echo.future(message, timeout=PATIENCE) for message in messages]
    assert [call.result(PATIENCE) for call in calls] == messages


def test_streams_beside_each_other(site: Site) -> None:
    """More of them are open than the server has ever got messages from at once."""
    queues: list[SimpleQueue[bytes | None]] = [SimpleQueue() for _ in range(20)]
    calls = [site.call("talk")(iter(queue.get, None), timeout=PATIENCE) for queue in queues]
    for turn in range(5):
        for number, queue in enumerate(queues):
            queue.put(b"%d/%d" % (number, turn))
        for number, answers in enumerate(calls):
            assert next(answers) == b"re: %d/%d" % (number, turn)
    for queue in queues:
        queue.put(None)
    assert [list(answers) for answers in calls] == [[]] * 20


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    site = Site(tmp_path, PROXY)
    site.server.stop(None).wait(PATIENCE)
    with pytest.raises(grpc.RpcError) as caught:
        site.call("echo")(b"x", timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    site.close()
