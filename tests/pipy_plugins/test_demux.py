"""demux: every message in a sub-pipeline of its own; the test plays them."""

from pipy_core.events import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter, logged, target
from pipy_plugins.demux import MAX_KEPT, Demux

START = MessageStart(Head({"n": 1}))
REPLY = MessageStart(Head({"n": 2}))


def tape_of() -> Tape:
    """A stream."""
    return Tape(Demux, target("m"))


def test_messages_go_apart() -> None:
    """Each with a context of its own; what is outside of messages is dropped."""
    tape = tape_of()
    tape.play(Data(b"lost"), END, START, Data(b"a"), Data(b"b"), END, Data(b"lost"), START, END).expect()
    one, two = tape.children()
    one.expect(START, Data(b"a"), Data(b"b"), END)
    two.expect(START, END)
    assert not one.shares_context


def test_answers_in_order() -> None:
    """The first message of each; it is let go of then."""
    tape = tape_of()
    tape.play(START, END, START, END).expect()
    one, two = tape.children()
    two.reply(REPLY, Data(b"2"), END, REPLY, END).expect()
    assert not two.closed
    one.reply(Data(b"lost"), END, REPLY, Data(b"1")).expect(REPLY, Data(b"1"))
    one.reply(END).expect(END, REPLY, Data(b"2"), END)
    assert one.closed
    assert two.closed


def test_the_end_of_a_sub_pipeline_completes_its_answer() -> None:
    """With an empty head if there was none."""
    tape = tape_of()
    tape.play(START, END, START, END).expect()
    tape.child("m").reply(REPLY, EOS).expect(REPLY, END)
    tape.child("m", 1).reply(EOS).expect(MessageStart(), END)


def test_the_end_of_the_stream() -> None:
    """It completes a message and goes no further."""
    tape = tape_of()
    tape.play(START, Data(b"a"), EOS, START).expect()
    tape.child("m").expect(START, Data(b"a"), END)
    assert len(tape.children()) == 1


def test_many_answers_at_once() -> None:
    """Their number is not limited by the depth of the stack."""
    tape = tape_of()
    tape.play(*[START, END] * 3000).expect()
    children = tape.children()
    for child in reversed(children[1:]):
        child.reply(REPLY, END).expect()
    assert len(children[0].reply(REPLY, END).events) == 6000


def test_busy_while_an_answer_may_come() -> None:
    """Whatever has become of the stream itself."""
    tape = tape_of()
    assert not tape.pipeline.busy()
    tape.play(START, END, EOS).expect()
    assert tape.pipeline.busy()
    tape.child("m").reply(REPLY, END).anything()
    assert not tape.pipeline.busy()


def test_early_answers_are_bounded() -> None:
    """Nobody is held, but beyond the limit the stream ends. What was answered in its turn does not count."""
    tape = tape_of()
    tape.play(START, END, START, END, START, END).expect()
    one, two, three = tape.children()
    two.reply(REPLY, Data(b"x" * MAX_KEPT)).expect()
    assert not tape.held
    assert len(one.reply(REPLY, END).events) == 4
    three.reply(REPLY, Data(b"x" * MAX_KEPT)).expect()
    with logged() as lines:
        three.reply(Data(b"x")).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [demux] answers that came before their turn are too large to be kept"]
    assert all(child.closed for child in tape.children())
    tape.play(START, END).expect()


def test_a_fault_of_a_script_in_front_is_passed_on_behind_the_answers() -> None:
    """Whoever waits must not wait for ever."""
    fault = StreamEnd(Failure.RUNTIME_ERROR)
    tape_of().play(fault).expect(fault)
    tape = tape_of()
    tape.play(START, END, START, fault).expect()
    one, two = tape.children()
    one.reply(REPLY, END).expect(REPLY, END)
    two.expect(START, END)
    two.reply(REPLY, END).expect(REPLY, END, fault)
    assert not tape.pipeline.busy()


def test_an_answer_that_a_fault_of_a_script_cuts_off_ends_the_stream() -> None:
    """In its turn; neither is it completed, nor does an empty one take its place."""
    fault = StreamEnd(Failure.RUNTIME_ERROR)
    tape = tape_of()
    tape.play(START, END, START, END, START, END).expect()
    one, two, three = tape.children()
    two.reply(REPLY, fault).expect()
    one.reply(REPLY, END).expect(REPLY, END, REPLY, fault)
    assert three.closed
    tape.play(START, END).expect()


def test_keeps_the_filter_contract() -> None:
    """With sub-pipelines that pass everything."""
    events: list[Event] = [START, Data(b"abc"), END, START, END, EOS]
    assert check_filter((Demux, target("m", [])), events, ends=False) == events[:-1]


def test_closing_lets_go_of_everything() -> None:
    """Whatever is still waited for."""
    tape = tape_of()
    tape.play(START, END, START).expect()
    tape.close().expect()
    assert all(child.closed for child in tape.children())
