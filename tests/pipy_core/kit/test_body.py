"""Bodies and backlogs: what they hold, and where they stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.events import END, EOS, Data, Failure, Head, StreamEnd
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


def test_a_body_is_a_copy():
    body, piece = Body(), Data(b"one")
    body.add(piece)
    body.data().payload = b"changed by a script"
    assert body.data() == Data(b"one")
    piece.payload = b"changed further down"
    assert body.data() == Data(b"one")


def test_a_body_in_one_piece_is_known_to_scripts_that_have_seen_it():
    body, piece = Body(), Data(b"one")
    body.add(piece)
    piece.script = 7
    assert body.data().script == 7
    piece.payload = b"another"
    assert body.data().script == 0


def test_without_a_limit_there_is_one_all_the_same():
    body = Body()
    assert body.add(Data(bytes(LIMIT)))
    assert body.add(Data())
    assert not body.add(Data(b"x"))


RESET, FAILED = StreamEnd(Failure.CONNECTION_RESET), StreamEnd(Failure.RUNTIME_ERROR)
TOO_LARGE = StreamEnd(Failure.BUFFER_OVERFLOW)


@pytest.mark.parametrize(
    ("payload", "head", "end", "cut"),
    [
        (b"part", None, END, False),
        (b"part", None, EOS, False),
        (b"part", None, RESET, True),
        (b"part", Head({"status": 200}), FAILED, True),
        (b"", None, RESET, False),
        (b"", Head({"status": 502}), RESET, False),
        (b"", Head({"status": 502}), FAILED, False),
        (b"", Head({"method": "GET"}), FAILED, True),
        (b"", None, FAILED, True),
        (b"", Head({"method": "POST"}), TOO_LARGE, True),
        (b"", Head({"status": 502}), TOO_LARGE, False),
    ],
)
def test_what_an_error_leaves_of_a_message(payload, head, end, cut):
    body = Body()
    body.add(Data(payload))
    assert body.cut_off(head, end) is cut


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
