"""The flow of decompressed bodies: pauses, limits, and what is no compressed body."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, Data, Failure, MessageStart, StreamEnd
from pipy_core.counters import Tally
from pipy_core.testing import Tape, check_filter, logged
from pipy_core.testing.check import merged
from pipy_plugins.compression.decompress import DecompressMessage
from pipy_plugins.compression.flow import KEPT
from pipy_plugins.compression.paced import BURST
from tests.strategies import streams

MIB = 1024 * 1024
OPEN = {"sizeLimit": 0, "ratioLimit": 0}
START = MessageStart()
HELLO = gzip.compress(b"hello", mtime=0)


def tape(**limits):
    return Tape(DecompressMessage, "gzip", {**OPEN, **limits})


def test_a_large_body_comes_a_burst_a_turn():
    run = tape()
    bomb = gzip.compress(bytes(3 * BURST + 5), mtime=0)
    events = run.play(START, Data(bomb), END).events
    assert merged(events) == [START, Data(bytes(BURST))]
    assert run.held
    assert run.pipeline.busy()
    pieces = run.advance(0).events  # all turns that follow
    assert merged(pieces) == [Data(bytes(2 * BURST + 5)), END]
    assert max(len(event.payload) for event in pieces[:-1]) <= 64 * 1024
    assert not run.held
    assert not run.pipeline.busy()
    run.advance(1).expect()


def test_it_waits_for_a_receiver_that_is_full():
    run = tape()
    valve = run.world.turn.held
    full = run.pipeline.new_valve()
    full.close()
    valve.append(full)
    run.play(START, Data(gzip.compress(bytes(2 * BURST), mtime=0)), END).anything()
    run.advance(10).expect()
    full.open()
    assert merged(run.advance(0).events) == [Data(bytes(BURST)), END]


def test_what_comes_during_a_pause_waits_in_order():
    run = tape()
    run.play(START, Data(gzip.compress(bytes(BURST + 1), mtime=0))).anything()
    run.play(END, START, Data(HELLO), END, EOS).expect()
    assert run.held
    assert merged(run.advance(0).events) == [Data(b"\0"), END, START, Data(b"hello"), END, EOS]


def test_the_reader_goes_on_when_all_is_given():
    run = tape()
    run.play(START, Data(gzip.compress(bytes(BURST + 1), mtime=0))).anything()
    (valve,) = run.world.valves
    assert valve.closed
    run.advance(0).anything()
    assert not valve.closed


def test_a_stream_that_is_closed_in_a_pause():
    run = tape()
    run.play(START, Data(gzip.compress(bytes(3 * MIB), mtime=0))).anything()
    (valve,) = run.world.valves
    run.close().expect()
    assert not valve.closed
    run.advance(1).expect()


def test_too_much_in_a_pause_ends_the_stream():
    run = tape()
    run.play(START, Data(gzip.compress(bytes(3 * MIB), mtime=0))).anything()
    with logged() as lines:
        run.play(Data(bytes(17 * MIB))).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [decompress] more than 16 MiB wait for their turn"]
    run.advance(1).expect()
    run.play(END, EOS).expect()


def test_a_size_limit():
    run = tape(sizeLimit=4)
    with logged() as lines:
        run.context.group.tally = Tally("port")
        run.play(START, Data(HELLO), END).expect(START, StreamEnd(Failure.BUFFER_OVERFLOW))
    assert run.context.group.tally.refused == {"decompression": 1}
    assert lines == [f"[ERR] [decompress] {len(HELLO)} bytes have expanded to 5 or more: the stream is ended"]
    run.play(START, EOS).expect()
    tape(sizeLimit=5).play(START, Data(HELLO), END).expect(START, Data(b"hello"), END)


def test_a_ratio_counts_beyond_what_is_free():
    run = tape(ratioLimit=200)
    events = run.play(START, Data(gzip.compress(bytes(80 * MIB), mtime=0)), END).events
    with logged() as lines:
        events += run.advance(0).events
    assert events[-1] == StreamEnd(Failure.BUFFER_OVERFLOW)
    assert 63 * MIB < sum(len(event.payload) for event in events[1:-1]) <= 64 * MIB
    assert len(lines) == 1


@pytest.mark.parametrize("pieces", [[b"not gzip"], [b"not", b" gzip"], [b"n"], [b"\x1f"], [b"\x1f\x8b\x08\x00"]])
def test_what_cannot_be_decoded_at_all_passes_as_it_is(pieces):
    with logged() as lines:
        output = tape().play(START, *map(Data, pieces), END).events
    assert merged(output) == [START, Data(b"".join(pieces)), END]
    assert len(lines) == 1
    assert lines[0].startswith("[WRN] [decompress] decompression error: ")


def test_what_cannot_be_decoded_is_kept_up_to_a_limit():
    header = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\x03"  # with a name that does not end
    with logged():
        output = tape().play(START, Data(header), Data(b"n" * KEPT), Data(b"n"), END).events
    assert merged(output) == [START, Data(header), END]


def test_behind_a_break_the_rest_passes():
    stored, no_block = b"\x78\x01\x00\x05\x00\xfa\xffhello", b"\x07"
    run = Tape(DecompressMessage, "deflate", OPEN)
    with logged() as lines:
        run.play(START, Data(stored), Data(no_block), Data(b" rest"), END).expect(START, Data(b"hello"), Data(b" rest"), END)
    assert lines == ["[WRN] [decompress] decompression error: Error -3 while decompressing data: invalid block type"]
    run.play(START, Data(zlib.compress(b"next")), END).expect(START, Data(b"next"), END)


def test_a_body_that_is_cut_off_is_told_about():
    whole = gzip.compress(bytes(range(256)) * 500, mtime=0)
    with logged() as lines:
        tape().play(START, Data(whole[:-4]), END).anything()
    assert lines == ["[WRN] [decompress] decompression error: the data is cut off"]


def test_no_body_is_no_error():
    with logged() as lines:
        tape().play(START, END, START, FLUSH, END).expect(START, END, START, FLUSH, END)
    assert lines == []


def test_data_outside_of_messages_is_dropped():
    tape().play(Data(b"x"), END, START, END, Data(b"x"), EOS).expect(START, END, EOS)


def test_the_end_within_a_message():
    tape().play(START, Data(HELLO[:8]), EOS).expect(START, EOS)


@given(events=streams())
def test_keeps_the_filter_contract(events):
    check_filter((DecompressMessage, "gzip", OPEN), events, chunking=False)


@given(bodies=st.lists(st.binary(max_size=300), max_size=3))
def test_pieces_do_not_matter(bodies):
    events = [event for body in bodies for event in (START, Data(gzip.compress(body, mtime=0)), END)]
    expected = [event for body in bodies for event in (START, Data(body), END)]
    assert merged(check_filter((DecompressMessage, "gzip", OPEN), [*events, EOS])) == merged([*expected, EOS])
