"""The package for traces, installed with pip beside Pipy, with a collector of the test's own."""

import os
import queue
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "contrib" / "opentelemetry"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process needs to see the package. It goes to a directory of its own, so that the tests leave no trace of it."""
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "opentelemetry")
    target = tmp_path_factory.mktemp("site-packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=300)
    paths = [str(target), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@pytest.fixture
def collector() -> Iterator[tuple[int, "queue.Queue[ExportTraceServiceRequest]"]]:
    """The port of a server that takes traces, and what it was sent."""
    received: queue.Queue[ExportTraceServiceRequest] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, received
        server.shutdown()
        thread.join()


def run(words: list[str], environment: dict[str, str], directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_own_tests_pass(environment: dict[str, str]) -> None:
    run(["pytest", "-q", "-p", "no:cacheprovider"], environment, PACKAGE)


def test_its_example_passes(environment: dict[str, str]) -> None:
    run(["pipy_core", "test", "src"], environment, PACKAGE)


def test_spans_reach_the_collector(
    environment: dict[str, str], collector: tuple[int, "queue.Queue[ExportTraceServiceRequest]"], tmp_path: Path
) -> None:
    front, back = free_ports(2)
    collecting, received = collector
    script = f"""pipy()
        .listen({front}).demuxHTTP('request')
        .listen({back}).serveHTTP(msg => new Message(msg.head.headers.traceparent))
        .pipeline('request').traceHTTP('answer')
        .pipeline('answer').muxHTTP('upstream', '')
        .pipeline('upstream').connect('127.0.0.1:{back}')"""
    variables = {
        "PYTHONPATH": environment["PYTHONPATH"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collecting}",
        "OTEL_SERVICE_NAME": "edge",
    }
    with PipyProcess(script, directory=tmp_path, ports=[front, back], environment=variables) as pipy:
        request = Request(f"http://127.0.0.1:{front}/a", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
        with urlopen(request, timeout=PATIENCE) as response:
            passed_on = response.read().decode().split("-")
        assert pipy.stop() == 0, pipy.log  # the end flushes what is not exported yet
    (resource,) = received.get(timeout=PATIENCE).resource_spans
    names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert names["service.name"] == "edge"
    (span,) = resource.scope_spans[0].spans
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == SPAN
    assert passed_on == ["00", TRACE, span.span_id.hex(), "01"]


def test_a_collector_that_says_nothing_does_not_hold_up_the_end(environment: dict[str, str], tmp_path: Path) -> None:
    (front,) = free_ports(1)
    script = f"""pipy()
        .listen({front}).demuxHTTP('request')
        .pipeline('request').traceHTTP('answer')
        .pipeline('answer').replaceMessage(new Message('hi'))"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # Its exporter would wait for five minutes.
        variables = {
            "OTEL_EXPORTER_OTLP_TIMEOUT": "300",
            "PYTHONPATH": environment["PYTHONPATH"],
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        with PipyProcess(script, directory=tmp_path, ports=[front], environment=variables) as pipy:
            with urlopen(f"http://127.0.0.1:{front}/", timeout=PATIENCE) as response:
                assert response.read() == b"hi"
            began = time.monotonic()
            assert pipy.stop() == 0, pipy.log
            took = time.monotonic() - began
    assert 3 <= took < 100
    assert "the collector does not take the last spans" in pipy.log
