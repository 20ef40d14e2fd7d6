"""Bodies and backlogs: what they hold, and where they stop."""

from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import END, Data
from pipy_core.kit.body import LIMIT, Backlog, Body

PAYLOADS = st.lists(st.binary(max_size=10), max_size=8)


@given(PAYLOADS)
def test_a_body_is_all_that_was_added(payloads):
    body = Body()
    assert all(body.add(Data(payload)) for payload in payloads)
    assert body.data() == Data(b"".join(payloads))
    assert body.size == len(body.data().payload)
    assert body.complaint() == ""


@given(payloads=PAYLOADS, limit=st.integers(0, 40))
def test_a_limit_keeps_the_beginning_and_counts_the_rest(payloads, limit):
    body, whole = Body(limit), b"".join(payloads)
    assert all(body.add(Data(payload)) for payload in payloads)
    assert body.data() == Data(whole[:limit])
    assert body.discarded == max(0, len(whole) - limit)
    assert bool(body.complaint()) == bool(body.discarded and limit)


def test_without_a_limit_there_is_one_all_the_same():
    body = Body()
    assert body.add(Data(bytes(LIMIT)))
    assert body.add(Data())
    assert not body.add(Data(b"x"))


@given(PAYLOADS)
def test_a_backlog_is_a_queue(payloads):
    backlog, events = Backlog(), [*map(Data, payloads), END]
    assert not backlog
    assert all(backlog.add(event) for event in events)
    assert backlog
    first = backlog.take()
    backlog.put_back(first)
    drained = []
    backlog.drain(drained.append)
    assert drained == events
    assert backlog.size == 0


def test_what_is_added_while_draining_is_drained_last():
    backlog, drained = Backlog(), []
    backlog.add(Data(b"a"))
    backlog.add(Data(b"b"))

    def feed(event):
        drained.append(event)
        if event == Data(b"a"):
            backlog.add(Data(b"c"))

    backlog.drain(feed)
    assert drained == [Data(b"a"), Data(b"b"), Data(b"c")]


def test_a_backlog_is_bounded_in_bytes_and_in_events():
    backlog = Backlog()
    assert not backlog.add(Data(bytes(LIMIT)))
    backlog.clear()
    assert backlog.size == 0
    count = 0
    while backlog.add(END):
        count += 1
    assert count < LIMIT
