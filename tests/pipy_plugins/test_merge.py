"""merge: copies of messages of several streams into one session."""

from typing import Any

from pipy_core.events import END, EOS, Data, Event, Head, MessageStart
from pipy_core.limits import Limits
from pipy_core.testing import Tape, check_filter, logged, target
from pipy_plugins.merge import LINGER, Merge


def start(name: str) -> MessageStart:
    """The start of a message."""
    return MessageStart(Head({"name": name}))


def first_tape(key: Any = "k") -> Tape:
    """One stream; others with the same sessions are its ``again()``."""
    return Tape(Merge, target("s"), key, {"maxIdle": 10})


def test_messages_pass_and_are_copied_whole() -> None:
    """Each once, with its own head; those of two streams do not mix."""
    one = first_tape()
    two = one.again()
    events: list[Event] = [start("1"), Data(b"a"), Data(b"b")]
    one.play(*events).expect(*events)
    two.play(start("2"), END).expect(start("2"), END)
    one.play(END, Data(b"outside"), start("3"), END, EOS).expect(END, Data(b"outside"), start("3"), END, EOS)
    assert len(one.children("s")) == 1
    one.child("s").expect(start("2"), END, start("1"), Data(b"ab"), END, start("3"), END)


def test_replies_are_dropped() -> None:
    """It is one way."""
    tape = first_tape()
    tape.play(start("1"), END).expect(start("1"), END)
    tape.child("s").reply(start("2"), Data(b"x"), END).expect()


def test_a_session_that_has_ended_is_replaced() -> None:
    """Also for a stream that has used it."""
    tape = first_tape()
    tape.play(start("1"), END).expect(start("1"), END)
    tape.child("s").reply(EOS).expect()
    assert tape.child("s").closed
    tape.play(start("2"), END).expect(start("2"), END)
    tape.child("s", 1).expect(start("2"), END)


def test_an_idle_session_may_finish() -> None:
    """It gets the end of its stream, and some time."""
    tape = first_tape()
    tape.play(start("1"), END).expect(start("1"), END)
    tape.close().expect()
    tape.advance(10).expect()
    assert tape.child("s").fed[-1] == EOS
    assert not tape.child("s").closed
    tape.advance(LINGER).expect()
    assert tape.child("s").closed


def test_a_message_that_is_too_large() -> None:
    """It passes, and is not copied."""
    tape = Tape(Merge, target("s"), "k", {"maxIdle": 10}, limits=Limits(max_body_buffer=5))
    big = Data(b"xxxxxx")
    with logged() as lines:
        tape.play(start("1"), big, END).expect(start("1"), big, END)
    assert lines == ["[ERR] [merge] a message of more than 5 bytes was not copied"]
    assert tape.children() == []


def test_the_key_is_asked_once_a_stream() -> None:
    """At its first event."""
    asked: list[int] = []
    tape = first_tape(lambda: asked.append(1))
    tape.play(Data(b"x"), start("1"), END).expect(Data(b"x"), start("1"), END)
    assert asked == [1]


def test_keeps_the_filter_contract() -> None:
    """Everything passes as it is."""
    check_filter(first_tape, [start("1"), Data(b"abc"), END, Data(b"x"), EOS])
