"""The corpus, on a proxy of three filters: what reaches the upstream is asserted byte for byte."""

import collections
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.security import clients
from tests.security.corpus import Case, load
from tests.security.recorder import Upstream
from tests.system.pipy_process import PipyProcess, free_port

CASES = load()
REQUESTS = pytest.mark.parametrize(
    "case", [case for case in CASES if case.send and case.client is None], ids=lambda case: case.name
)
RESPONSES = pytest.mark.parametrize("case", [case for case in CASES if case.client is not None], ids=lambda case: case.name)
DOWNGRADES = pytest.mark.parametrize("case", [case for case in CASES if case.fields], ids=lambda case: case.name)
#: Pieces that a message is sent in, at most.
PIECES = 1000


@dataclass(frozen=True)
class Proxy:
    """A port of Pipy, and what is behind it."""

    port: int
    upstream: Upstream


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    port = free_port()
    with Upstream() as upstream:
        script = f"""pipy()
            .listen({port}).demuxHTTP('request')
            .pipeline('request').muxHTTP('upstream', '')
            .pipeline('upstream').connect('127.0.0.1:{upstream.port}')"""
        with PipyProcess(script, directory=tmp_path_factory.mktemp("proxy"), ports=[port]):
            yield Proxy(port, upstream)


def seen(proxy: Proxy, case: Case) -> tuple[bytes, list[bytes]]:
    """What the upstream got: the bytes, and the targets of complete requests. The next request, anybody's, is answered as it should be."""
    proxy.upstream.respond = None
    assert clients.canary(proxy.port) == b"ok"
    received, targets, faults = proxy.upstream.take()
    assert bool(faults) == case.disputed, faults
    return received, targets


@REQUESTS
def test_what_goes_upstream(proxy: Proxy, case: Case) -> None:
    answers, _ = clients.http1(proxy.port, case.send)
    assert seen(proxy, case)[0] == case.upstream
    assert answers == case.answers


@REQUESTS
def test_in_pieces_no_other_request_is_made_of_it(proxy: Proxy, case: Case) -> None:
    """However much of it arrives together: a refused message never goes on whole, nor what is hidden in it."""
    clients.http1(proxy.port, case.send)
    _, whole = seen(proxy, case)
    clients.http1(proxy.port, case.send, step=-(-len(case.send) // PIECES))
    _, pieces = seen(proxy, case)
    assert pieces == whole


@RESPONSES
def test_what_comes_back(proxy: Proxy, case: Case) -> None:
    proxy.upstream.respond = case.respond
    _, received = clients.http1(proxy.port, case.send)
    assert received == case.client
    assert seen(proxy, case)[0] == case.upstream


@DOWNGRADES
def test_what_goes_upstream_of_http2(proxy: Proxy, case: Case) -> None:
    assert clients.http2(proxy.port, case.fields, case.body) == case.answers
    assert seen(proxy, case)[0] == case.upstream


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(CASES) >= 290
    assert [name for name, count in collections.Counter(case.name for case in CASES).items() if count > 1] == []
    refused = [case.name for case in CASES if not case.upstream]
    assert len(refused) >= 150
