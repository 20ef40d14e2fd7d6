"""The test kit: drive filters as transcripts, without sockets, clocks or V8.

A story about one filter::

    def test_upper():
        tape = Tape(Upper)
        tape.play(Data(b"a")).expect(Data(b"A"))
        tape.play(EOS).expect(EOS)

What stands behind the filter class are its arguments, as ``Filter.prepare`` gets them: checked values, except that a plain Python
function stands for a script function and ``target("name")`` for a sub-pipeline that the test plays itself::

    tape = Tape(Link, target("a"), lambda: tape.variables["go"], target("b"), variables={"go": False})
    tape.play(Data(b"1")).expect()
    tape.child("b").expect(Data(b"1"))  # what was fed into it
    tape.child("b").reply(Data(b"2")).expect(Data(b"2"))  # what it answers comes out of the filter

Every ``play``, ``advance`` and ``reply`` gives a ``Played``, and each of these must be asserted with ``expect`` (or looked at with
``events``): a transcript that nobody asserts fails. An error that a filter raises ends its stream as it does in the program, by the
engine's own code; say ``.fails(ScriptError)`` where one is meant to happen.

``check_filter`` checks what must be true of every filter, ``Grammar`` which event may follow which.
"""

from pipy_core.grammar import Grammar, GrammarError
from pipy_core.testing.check import check_filter, merged
from pipy_core.testing.played import Played
from pipy_core.testing.tape import ChildTape, OutboundTape, ProcessTape, Tape
from pipy_core.testing.world import Stage, World, declared, logged, target, throws

__all__ = [
    "ChildTape",
    "Grammar",
    "GrammarError",
    "OutboundTape",
    "Played",
    "ProcessTape",
    "Stage",
    "Tape",
    "World",
    "check_filter",
    "declared",
    "logged",
    "merged",
    "target",
    "throws",
]
