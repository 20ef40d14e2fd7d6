"""Work in turns, whatever the work is. What decompression makes of it is in test_flow.py."""

from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, Data, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter
from pipy_plugins.compression.compress import CompressMessage
from pipy_plugins.compression.paced import BURST, Paced
from tests.strategies import streams

START = MessageStart()


class Repeat(Paced):
    """Emits Data as often as its payload says, a burst each time."""

    component = "repeat"

    def work(self, event):
        if type(event) is Data:
            for _ in range(int(event.payload or b"0")):
                self.emit(event)
                yield BURST
        elif isinstance(event, StreamEnd):
            self.end(event)
        else:
            self.emit(event)


def test_one_burst_a_turn():
    tape = Tape(Repeat)
    tape.play(Data(b"2")).expect(Data(b"2"))
    assert tape.held
    assert tape.pipeline.busy()
    tape.play(Data(b"1"), END).expect()
    tape.advance(0).expect(Data(b"2"), Data(b"1"), END)
    assert not tape.pipeline.busy()


def test_nothing_is_done_behind_the_end():
    tape = Tape(Repeat)
    tape.play(Data(b"1"), EOS).expect(Data(b"1"))
    tape.play(Data(b"1")).expect()
    tape.advance(0).expect(EOS)
    tape.play(Data(b"1"), EOS).expect()
    tape.advance(0).expect()


@given(numbers=st.lists(st.integers(0, 3), max_size=6))
def test_everything_in_order(numbers):
    tape = Tape(Repeat)
    events = tape.play(*(Data(b"%d" % number) for number in numbers), EOS).events
    events += tape.advance(0).events
    assert events == [Data(b"%d" % number) for number in numbers for _ in range(number)] + [EOS]


@given(events=streams())
def test_keeps_the_filter_contract(events):
    plain = [Data(b"1") if isinstance(event, Data) and event.payload else event for event in events]

    class Short(Repeat):
        def work(self, event):
            yield from (0 for _ in super().work(event))

    check_filter((Short,), plain, chunking=False)


def test_a_large_body_is_compressed_in_turns():
    tape = Tape(CompressMessage, "gzip", {"level": 1, "minSize": 0})
    tape.play(START, Data(bytes(BURST)), END, START, END).anything()
    assert tape.held
    assert tape.pipeline.busy()
    events = tape.advance(0).events
    assert events[-3:] == [END, START, END]
    assert not tape.held or not tape.pipeline.busy()
