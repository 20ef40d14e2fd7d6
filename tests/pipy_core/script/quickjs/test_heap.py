"""When the memory of a QuickJS is full."""

import pytest

from pipy_core.script.quickjs import heap as module
from pipy_core.script.quickjs.binding import Context
from pipy_core.script.quickjs.heap import Heap

FULL = b'!{"kind":"InternalError","message":"out of memory","stack":""}'
NULL = b'!{"kind":"Error","message":"thrown: null","stack":""}'
OTHER = b'!{"kind":"Error","message":"out of memory","stack":""}'


@pytest.fixture(params=["meter", "count"])
def made(request, monkeypatch):
    """A context and its heap of 8 MB, with and without a meter."""
    if request.param == "count":
        monkeypatch.setattr(module, "memory_meter", lambda _context, _limit: None)
    context = Context()
    return context, Heap(context, 8 << 20)


def fill(context, size):
    context.eval(f"globalThis.held = new ArrayBuffer({size}); 0")


def test_what_is_held_beyond_the_limit(made):
    context, heap = made
    assert not heap.is_full()
    fill(context, 7 << 20)
    assert not heap.is_full()
    fill(context, 0)
    fill(context, 8 << 20)
    assert heap.is_full()


def test_garbage_is_not_held(made):
    context, heap = made
    context.eval("(() => { const a = { b: new ArrayBuffer(9e6) }; a.a = a })()")
    assert not heap.is_full()


@pytest.mark.parametrize(
    ("fault", "held", "failed"), [(FULL, 0, True), (NULL, 0, False), (NULL, 7 << 20, True), (OTHER, 7 << 20, False)]
)
def test_what_a_fault_means(made, fault, held, failed):
    context, heap = made
    fill(context, held)
    assert heap.has_failed(fault, 1) is failed


def test_any_fault_when_it_is_full(made):
    context, heap = made
    fill(context, 9 << 20)
    assert heap.has_failed(OTHER, 1)


def test_the_call_that_was_seen_to_use_too_much():
    context = Context()
    heap = Heap(context, 8 << 20)
    heap.watch(1)
    fill(context, 9 << 20)
    heap.watch(2)
    fill(context, 0)
    heap.watch(3)
    assert [heap.has_failed(NULL, number) for number in (1, 2, 3)] == [False, True, False]


def test_a_call_is_not_watched_where_only_counting_helps(made, monkeypatch):
    context, heap = made
    fill(context, 9 << 20)
    monkeypatch.setattr(heap, "_in_use", lambda: 1 // 0)  # which may not be done while a script runs
    heap.watch(1)
