"""link: the choice, what waits for it, and that it is kept."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Failure, Function, MessageStart, ScriptError, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, merged, target, throws
from pipy_plugins import link
from pipy_plugins.link import Link
from pipy_plugins.replace.data import ReplaceData
from tests.strategies import streams

START = MessageStart()
UPPER = (ReplaceData, lambda data: Data(data.payload.upper()))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(True, True, "a", id="first-that-is-true"),
        pytest.param(False, 1, "b", id="any-true-value"),
        pytest.param("", None, "c", id="no-condition-is-true"),
    ],
)
def test_takes_the_first_way_whose_condition_is_true(a, b, expected):
    tape = Tape(Link, target("a"), lambda: a, target("b"), lambda: b, target("c"))
    tape.play(START).expect()
    assert [name for name in "abc" if tape.children(name)] == [expected]
    tape.child(expected).expect(START)
    assert tape.child(expected).shares_context


def test_a_story():
    tape = Tape(Link, target("go"), lambda: tape.variables["go"], variables={"go": False})
    tape.play(START, Data(b"a")).expect()
    assert not tape.children()
    tape.variables["go"] = True
    tape.play(FLUSH).expect()
    assert not tape.children(), "empty data decides nothing"
    tape.play(Data(b"b"), FLUSH).expect()
    tape.child("go").expect(START, Data(b"a"), Data(b"b"), FLUSH)
    tape.variables["go"] = False
    tape.play(END, EOS).expect()
    tape.child("go").expect(END, EOS)
    tape.child("go").reply(Data(b"answer"), EOS).expect(Data(b"answer"), EOS)
    tape.close().expect()
    assert tape.child("go").closed


def test_no_target_passes_events_on():
    Tape(Link, target("a"), lambda: False, None).play(START, Data(b"a"), END, EOS).expect(START, Data(b"a"), END, EOS)


def test_if_nothing_is_ever_true_everything_stays():
    Tape(Link, target("a"), lambda: False).play(START, Data(b"a"), END, EOS).expect()


def test_a_fault_of_a_script_in_front_does_not_stay():
    fault = StreamEnd(Failure.RUNTIME_ERROR)
    tape = Tape(Link, target("a"), lambda: False)
    tape.play(START, Data(b"a"), fault).expect(fault)
    assert not tape.children()
    Tape(Link, target("a", []), lambda: True).play(fault).expect(fault)


def test_an_exception_in_a_condition_ends_the_stream():
    tape = Tape(Link, target("a"), throws(), target("b"))
    tape.play(START).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    tape.play(END).expect()
    assert not tape.children()


def test_an_exception_in_the_sub_pipeline_ends_the_stream():
    tape = Tape(Link, target("a", [(ReplaceData, throws())]))
    tape.play(Data(b"a")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
    tape.play(Data(b"b"), EOS).expect()


def test_undecided_it_never_holds_the_reader_but_has_a_limit():
    tape = Tape(Link, target("a"), lambda: False)
    tape.play(*[Data(bytes(1024 * 1024))] * 15).expect()
    assert not tape.held
    with logged() as lines:
        tape.play(*[Data(bytes(1024 * 1024))] * 2).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
    assert lines == ["[ERR] [link] more than 16 MiB came before a condition was true"]
    tape.play(Data(b"late"), EOS).expect()


def test_draining_is_for_the_way_it_has_taken():
    undecided = Tape(Link, target("a"), lambda: False)
    undecided.play(START).expect()
    undecided.drain().expect()
    tape = Tape(Link, target("a"))
    tape.play(START).expect()
    assert not tape.child("a").drained
    tape.drain().expect()
    assert tape.child("a").drained
    tape.child("a").reply(EOS).expect(EOS)


@given(events=streams(), decides=st.integers(0, 20))
def test_keeps_the_filter_contract(events, decides):
    def tape():
        count = {}

        def ready():
            key = id(made.world.current)
            count[key] = count.get(key, 0) + 1
            return count[key] > decides

        made = Tape(Link, target("upper", [UPPER]), ready)
        return made

    check_filter(tape, events, ends=False, chunking=False)


@given(events=streams())
def test_a_link_is_what_it_links_to(events):
    direct = check_filter(UPPER, events)
    assert merged(check_filter((Link, target("upper", [UPPER])), events)) == merged(direct)
    assert merged(check_filter((Link, target("empty", [])), events)) == merged(events)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        (["a"], ["a", None]),
        (["a", Function(1)], ["a", Function(1)]),
        (["a", Function(1), "b"], ["a", Function(1), "b"]),
        (["a", Function(1), "b", Function(2), ""], ["a", Function(1), "b", Function(2), ""]),
    ],
)
def test_forms_of_a_call(args, bound):
    assert str(bind(declared(link, "link").forms, args)) == str(bound)


@pytest.mark.parametrize(("args", "message"), [([], "requires 1"), ([5], "name of a pipeline"), (["a", "b"], "expects a function")])
def test_wrong_arguments(args, message):
    with pytest.raises(ArgumentError, match=message):
        bind(declared(link, "link").forms, args)


def test_a_closed_link_leaves_nothing_to_the_collector():
    link = Link([(None, None)])
    link.process(Data(b"x"))
    seen = weakref.ref(link)
    gc.disable()
    try:
        link.close()
        del link
        assert seen() is None
    finally:
        gc.enable()


def test_it_looks_again_when_something_else_has_happened():
    tape = Tape(Link, target("go"), lambda: tape.variables["go"], variables={"go": False})
    tape.play(Data(b"a")).expect()
    tape.notify().expect()
    tape.variables["go"] = True
    tape.notify().expect()
    tape.advance(0).expect()
    tape.child("go").expect(Data(b"a"))
    tape.variables["go"] = False
    tape.notify().expect()
    tape.play(Data(b"b")).expect()
    tape.child("go").expect(Data(b"b"))


def test_closed_it_looks_no_more():
    looks = []
    tape = Tape(Link, target("go"), lambda: looks.append(1))
    tape.play(Data(b"a")).expect()
    tape.close().expect()
    tape.notify().expect()
    assert len(looks) == 1
