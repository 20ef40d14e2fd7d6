"""dump: the lines, the table, and that everything passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, UNDEFINED, Data, Failure, MessageStart, ScriptError, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins import dump
from pipy_plugins.dump import Dump, table
from tests.strategies import streams

START = MessageStart()
RULE = "-" * 68


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (START, "MessageStart"),
        (END, "MessageEnd"),
        (EOS, "StreamEnd"),
        (StreamEnd(Failure.CONNECTION_REFUSED), "StreamEnd [8] connection refused"),
        (FLUSH, "Data Flush"),
    ],
)
def test_a_line_for_each_event(event, words):
    with logged() as lines:
        Tape(Dump).play(event).expect(event)
    assert lines == [f"[INF] [dump] [context=1] {words}"]


def test_data_is_shown():
    with logged() as lines:
        Tape(Dump, "tag").play(Data(b"Hello, World 123")).expect(Data(b"Hello, World 123"))
    assert lines == [
        "[INF] [dump] [context=1] [tag] Data [size=16]",
        f"[INF] [dump] {RULE}\n48 65 6C 6C 6F 2C 20 57 6F 72 6C 64 20 31 32 33  | Hello, World 123\n{RULE}",
    ]


@pytest.mark.parametrize(
    ("payload", "row"),
    [
        (b"\x00\x1f \x7e\x7f\x80\xff", "00 1F 20 7E 7F 80 FF " + " - " * 9 + " | ?? ~???........."),
        (bytes(range(0x41, 0x51)), "41 42 43 44 45 46 47 48 49 4A 4B 4C 4D 4E 4F 50  | ABCDEFGHIJKLMNOP"),
    ],
)
def test_a_row(payload, row):
    assert table(payload).split("\n") == [RULE, row, RULE]


@given(st.binary(max_size=100))
def test_rows_are_equally_wide_and_hold_every_byte(payload):
    rows = table(payload).split("\n")[1:-1]
    assert len({len(row) for row in rows}) <= 1
    assert bytes.fromhex("".join(row[:48].replace(" - ", "") for row in rows)) == payload


@pytest.mark.parametrize(("tag", "shown"), [(UNDEFINED, ""), (None, ""), ("x", "[x] "), (5, "[5] "), (lambda: "f", "[f] ")])
def test_tags(tag, shown):
    with logged() as lines:
        Tape(Dump, tag).play(END).expect(END)
    assert lines == [f"[INF] [dump] [context=1] {shown}MessageEnd"]


def test_an_exception_ends_the_stream():
    Tape(Dump, throws()).play(END).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(events=streams())
def test_keeps_the_filter_contract(events):
    with logged():
        assert check_filter(Dump, events) == events


def test_the_tag_may_be_left_out():
    assert bind(declared(dump, "dump").forms, []) == [UNDEFINED]
