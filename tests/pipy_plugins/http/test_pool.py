"""What sessions with servers count."""

from types import SimpleNamespace

import pytest

from pipy_core.counters import Book
from pipy_plugins.http.pool import REQUESTS, SESSIONS, WAITS, Pool, failed


def host(upstream="server:1"):
    return SimpleNamespace(book=Book(), context=SimpleNamespace(upstream=upstream), clock=SimpleNamespace(now=lambda: 7.0))


def test_sessions():
    here = host()
    one, two = Pool(here, SimpleNamespace(context=None), "1"), Pool(here, SimpleNamespace(context=None), "1")
    Pool(here, SimpleNamespace(context=None), "2")
    assert here.book.gauge(SESSIONS).values == {("1",): 2, ("2",): 1}
    one.ended()
    two.ended()
    assert here.book.gauge(SESSIONS).values == {("1",): 0, ("2",): 1}


def test_responses():
    here = host()
    pool = Pool(here, SimpleNamespace(context=here.context), "1")
    pool.answered(200, 6.98)
    pool.answered(503, 7.0)
    pool.answered(204, 7.0)
    assert here.book.counter(REQUESTS).values == {("server:1", "2xx"): 2, ("server:1", "5xx"): 1}
    cell = here.book.histogram(WAITS).cells["server:1",]
    assert sum(cell[:-1]) == 3
    assert cell[-1] == pytest.approx(0.02)


@pytest.mark.parametrize("context", [None, SimpleNamespace(upstream="")])
def test_a_server_without_a_name(context):
    here = host()
    Pool(here, SimpleNamespace(context=context), "1").answered(200, 7.0)
    assert here.book.counter(REQUESTS).values == {("unknown", "2xx"): 1}


def test_no_response():
    here = host()
    failed(SimpleNamespace(host=here))
    failed(None)
    empty = host("")
    failed(SimpleNamespace(host=empty))
    assert here.book.counter(REQUESTS).values == {("server:1", "failed"): 1}
    assert empty.book.counter(REQUESTS).values == {("unknown", "failed"): 1}
