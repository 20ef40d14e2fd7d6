"""wait: what opens it, and that it stays open."""

from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, Data, Failure, MessageStart, ScriptError, StreamEnd
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins import wait
from pipy_plugins.wait import Wait
from tests.strategies import streams

START = MessageStart()


def waiting(**variables):
    tape = Tape(Wait, lambda: tape.variables["go"], variables={"go": False, **variables})
    return tape


def test_opened_by_an_event():
    tape = waiting()
    tape.play(START, Data(b"a"), FLUSH).expect()
    tape.variables["go"] = True
    tape.play(FLUSH).expect(START, Data(b"a"), FLUSH, FLUSH)
    tape.variables["go"] = False
    tape.play(END, EOS).expect(END, EOS)


def test_opened_by_something_in_its_context_group():
    tape = waiting()
    tape.play(START, END, EOS).expect()
    tape.notify().expect()
    tape.advance(0).expect()
    tape.notify().expect()
    tape.variables["go"] = True
    tape.notify().expect()
    tape.advance(0).expect(START, END, EOS)
    tape.notify().expect()
    tape.advance(0).expect()


def test_many_notifications_in_one_turn_are_one_look():
    looks = []
    tape = Tape(Wait, lambda: looks.append(1))
    tape.play(START).expect()
    for _ in range(3):
        tape.notify().expect()
    tape.advance(0).expect()
    assert len(looks) == 2


def test_opened_by_an_event_before_the_look():
    tape = waiting()
    tape.play(START).expect()
    tape.notify().expect()
    tape.variables["go"] = True
    tape.play(END).expect(START, END)
    tape.advance(0).expect()


def test_a_closed_pipeline_is_not_notified():
    tape = waiting()
    tape.play(START).expect()
    tape.close().expect()
    tape.variables["go"] = True
    tape.notify().expect()
    tape.advance(0).expect()


def test_a_fault_of_a_script_in_front_is_not_held_back():
    fault = StreamEnd(Failure.RUNTIME_ERROR)
    tape = waiting()
    tape.play(START, fault).expect(fault)
    tape.variables["go"] = True
    tape.play(END).expect()
    tape = waiting()
    tape.play(START).expect()
    tape.variables["go"] = True
    tape.play(fault).expect(START, fault)


def test_an_exception_ends_the_stream():
    Tape(Wait, throws()).play(START).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_an_exception_at_a_notification_ends_its_own_stream():
    tape = Tape(Wait, lambda: tape.variables["go"] and throws()(), variables={"go": False})
    tape.play(START).expect()
    tape.variables["go"] = True
    tape.notify().expect()
    tape.advance(0).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_it_never_holds_the_reader_but_has_a_limit():
    tape = waiting()
    tape.play(*[Data(bytes(1024 * 1024))] * 15).expect()
    assert not tape.held
    with logged() as lines:
        tape.play(*[Data(bytes(1024 * 1024))] * 2).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [wait] more than 16 MiB came before the condition was true"]
    tape.variables["go"] = True
    tape.play(Data(b"late"), EOS).expect()
    tape.notify().expect()
    tape.advance(0).expect()


@given(events=streams(), opens=st.integers(1, 10))
def test_keeps_the_filter_contract(events, opens):
    def tape():
        def ready():
            made.world.current["n"] = made.world.current.get("n", 0) + 1
            return made.world.current["n"] >= opens

        made = Tape(Wait, ready)
        return made

    output = check_filter(tape, events, ends=False, chunking=False)
    failed = [end for end in events[-1:] if end == StreamEnd(Failure.RUNTIME_ERROR)]  # it does not wait for what cannot come
    assert output == (events if len(events) >= opens else failed)


def test_it_is_declared():
    assert declared(wait, "wait").filter is Wait
