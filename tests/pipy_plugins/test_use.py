"""use: chains of stages, turned down or not, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, ArgumentError, Data, Failure, Filter, Function, MessageStart, ScriptError, ScriptList, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, target, throws
from pipy_plugins import use
from pipy_plugins.handle.message_start import HandleMessageStart
from pipy_plugins.replace.data import ReplaceData
from pipy_plugins.use import Use
from tests.strategies import streams

START = MessageStart()


def trail(log, *names):
    """Targets that write their name into *log* when a message starts."""
    return [None if name is None else target(name, [(HandleMessageStart, lambda _, name=name: log.append(name))]) for name in names]


def test_one_stage():
    tape = Tape(Use, [(target("a"), None)], None)
    tape.play(START, END).expect()
    tape.child("a").expect(START, END)
    assert tape.child("a").shares_context
    tape.child("a").reply(Data(b"answer")).expect(Data(b"answer"))
    tape.close().expect()
    assert tape.child("a").closed


def test_no_stages_pass_everything():
    Tape(Use, [], lambda: True).play(START, END, EOS).expect(START, END, EOS)


def test_turned_down_by_the_second_of_three():
    log = []
    a, b, c, a_down, b_down, c_down = trail(log, "A.request", "B.request", "C.request", "A.response", "B.response", "C.response")
    tape = Tape(Use, [(a, a_down), (b, b_down), (c, c_down)], lambda: (log.append("when"), "B.request" in log)[1])
    tape.play(START, END, EOS).expect(START, END, EOS)
    assert log == ["when", "A.request", "when", "B.request", "when", "B.response", "A.response"]


def test_not_turned_down_goes_all_the_way_and_back():
    log = []
    a, b, a_down, b_down = trail(log, "a>", "b>", "<a", "<b")
    tape = Tape(Use, [(a, a_down), (b, b_down)], lambda: False)
    tape.play(START, END).expect(START, END)
    assert log == ["a>", "b>", "<b", "<a"]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([("a>", None), (None, "<b")], ["a>", "<b"]),
        ([(None, "<a"), ("b>", None)], ["b>", "<a"]),
        ([("a>", None), ("b>", None)], ["a>", "b>"]),
    ],
)
def test_modules_may_lack_one_of_the_two(stages, expected):
    log = []
    Tape(Use, [tuple(trail(log, *stage)) for stage in stages], None).play(START).expect(START)
    assert log == expected


def test_turned_down_before_the_first_stage():
    log = []
    Tape(Use, [tuple(trail(log, "a>", "<a"))], lambda: True).play(START, END).expect(START, END)
    assert log == []


def test_the_decision_is_kept():
    answers = iter([False])
    tape = Tape(Use, [(target("a"), None)], lambda: next(answers))
    tape.play(START).expect()
    tape.play(END).expect()
    tape.child("a").expect(START, END)


def test_a_stage_may_answer_later():
    tape = Tape(
        Use, [(target("a"), target("a-down")), (target("b"), None)], lambda: tape.variables["stop"], variables={"stop": False}
    )
    tape.play(START).expect()
    tape.variables["stop"] = True
    tape.child("a").reply(Data(b"1")).expect()
    assert not tape.children("b")
    tape.child("a-down").expect(Data(b"1"))
    tape.child("a-down").reply(Data(b"2")).expect(Data(b"2"))


def test_an_exception_in_when_ends_the_stream():
    tape = Tape(Use, [(target("a", []), None), (target("b"), None)], throws())
    tape.play(START).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    tape.play(END, EOS).expect()


def test_an_exception_in_a_stage_goes_on_as_an_end():
    tape = Tape(Use, [(target("a", [(ReplaceData, throws())]), None), (target("b"), None)], None)
    tape.play(Data(b"x")).fails(ScriptError).expect()
    tape.child("b").expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(events=streams(), layout=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=4), turned_down=st.booleans())
def test_keeps_the_filter_contract(events, layout, turned_down):
    stages = [
        (target(f"{number}>", []) if up else None, target(f"<{number}", []) if down else None)
        for number, (up, down) in enumerate(layout)
    ]
    assert check_filter((Use, stages, lambda: turned_down), events) == events


def test_busy_while_a_stage_is():
    tape = Tape(Use, [(target("idle", []), None)], None)
    tape.play(START).expect(START)
    assert not tape.pipeline.busy()
    tape = Tape(Use, [(target("idle", []), None), (target("busy", [Busy]), None)], None)
    assert not tape.pipeline.busy()
    tape.play(START).expect(START)
    assert tape.pipeline.busy()


class Busy(Filter):
    """Passes everything, and may always say more."""

    def process(self, event):
        self.emit(event)

    def busy(self):
        return True


def test_draining_is_for_every_stage_that_was_reached():
    tape = Tape(Use, [(target("a"), target("a-down")), (target("b", []), None), (target("c"), None)], None)
    tape.drain().expect()
    tape.play(START).expect()
    tape.child("a").reply(START).expect()
    tape.drain().expect()
    assert [child.drained for child in tape.children()] == [True, True]
    tape.child("c").reply(EOS).expect()
    assert [(child.fed, child.drained) for child in tape.children("a-down")] == [([EOS], False)]


MODULES = ScriptList(["a.js", "b.js", "c.js"])
WHEN = Function(1)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        (["a.js", "p"], ["a.js", "p"]),
        ([MODULES, "p"], [MODULES, "p", None]),
        ([MODULES, "p", WHEN], [MODULES, "p", WHEN]),
        ([MODULES, "p", "down"], [MODULES, "p", "down", None]),
        ([MODULES, "p", "down", WHEN], [MODULES, "p", "down", WHEN]),
    ],
)
def test_forms_of_a_call(args, bound):
    spec = declared(use, "use")
    assert bind(spec.forms, args) == bound
    assert spec.loads_modules


@pytest.mark.parametrize(
    ("args", "message"),
    [([], "requires 2"), ([5, "p"], "expects an array, given the number 5"), ([MODULES, 5], "argument #2 expects a string")],
)
def test_wrong_arguments(args, message):
    with pytest.raises(ArgumentError, match=message):
        bind(declared(use, "use").forms, args)


@pytest.mark.parametrize(
    ("args", "label"),
    [
        (["a.js", "p"], "use a.js [p]"),
        ([MODULES, "p", "q"], "use a.js (plus 2 more) [p]"),
        ([ScriptList(["a.js"]), "p"], "use a.js [p]"),
        ([ScriptList(), "p"], "use (0 modules)"),
    ],
)
def test_how_it_is_drawn(args, label):
    assert Use.label("use", args) == label
