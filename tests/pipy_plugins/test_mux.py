"""mux: messages of several streams over one session; the test plays the session."""

from typing import Any

from pipy_core.events import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.limits import Limits
from pipy_core.testing import Tape, check_filter, target
from pipy_plugins.mux import Mux

START = MessageStart(Head({"n": 1}))
REPLY = MessageStart(Head({"n": 2}))


def first_tape(key: Any = "k") -> Tape:
    """One stream; others with the same sessions are its ``again()``."""
    return Tape(Mux, target("s"), key, {"maxIdle": 10})


def test_a_message_is_sent_as_one_piece() -> None:
    """Once it is complete; what follows it is ignored."""
    tape = first_tape()
    tape.play(START, Data(b"a"), Data(), Data(b"b")).expect()
    assert tape.child("s").fed == []
    tape.play(END, START, END, EOS).expect()
    tape.child("s").expect(START, Data(b"ab"), END)
    tape.child("s").reply(REPLY, Data(b"x"), END).expect(REPLY, Data(b"x"), END)
    tape.child("s").reply(REPLY, END).expect()


def test_the_end_completes_a_message() -> None:
    """A message that the stream cuts off in order is sent as it is."""
    tape = first_tape()
    tape.play(START, EOS).expect()
    tape.child("s").expect(START, END)


def test_a_stream_without_a_whole_message_ends() -> None:
    """Nothing is sent, and whoever waits for an answer hears that there is none."""
    tape = first_tape()
    tape.play(Data(b"x"), EOS).expect(EOS)
    assert tape.children() == []
    tape = first_tape()
    tape.play(START, Data(b"ab"), StreamEnd(Failure.RUNTIME_ERROR)).expect(StreamEnd(Failure.RUNTIME_ERROR))
    tape.child("s").expect()


def test_replies_come_in_order() -> None:
    """Also past a stream that is gone."""
    one = first_tape()
    two, three = one.again(), one.again()
    for tape in (one, two, three):
        tape.play(START, END).expect()
    two.close().expect()
    assert len(one.children("s")) == 1
    one.child("s").reply(REPLY, END, MessageStart(), END, REPLY, Data(b"3"), END).expect(REPLY, END)
    three.play().expect(REPLY, Data(b"3"), END)


def test_the_end_of_a_session_ends_all_that_wait() -> None:
    """The next stream gets a new one."""
    one = first_tape()
    two = one.again()
    one.play(START, END).expect()
    two.play(START, END).expect()
    failed = StreamEnd(Failure.READ_ERROR)
    one.child("s").reply(REPLY, failed).expect(REPLY, failed)
    two.play().expect(MessageStart(), failed)
    assert one.child("s").closed
    one.again().play(START, END).expect()
    assert len(one.children("s")) == 2


def test_a_session_has_a_copy_of_the_context() -> None:
    """Of its first user."""
    tape = first_tape()
    tape.play(START).expect()
    assert not tape.child("s").shares_context


def test_idle_sessions_end() -> None:
    """After maxIdle seconds."""
    tape = first_tape(lambda: 1)
    tape.play(START, END).expect()
    tape.child("s").reply(END).expect(END)
    tape.close().expect()
    tape.advance(9).expect()
    assert not tape.child("s").closed
    tape.advance(1).expect()
    assert tape.child("s").closed
    assert tape.child("s").fed[-1] == EOS


def test_a_message_that_is_too_large() -> None:
    """It is not sent."""
    tape = Tape(Mux, target("s"), "k", {"maxIdle": 10}, limits=Limits(max_body_buffer=5))
    tape.play(START, Data(b"xxxxx")).expect()
    tape.play(Data(b"x")).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    tape.play(END).expect()
    assert tape.child("s").fed == []


def test_keeps_the_filter_contract() -> None:
    """With a session that echoes, streams do not know of each other but for its order."""
    check_filter(lambda: Tape(Mux, target("s", []), "k", {"maxIdle": 10}), [START, Data(b"abc"), END])
