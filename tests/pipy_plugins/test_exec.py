"""exec: what is run, what becomes of its output and of its end."""

import errno
import signal

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, FLUSH, ArgumentError, Data, Failure, Function, MessageStart, ScriptError, StreamEnd
from pipy_core.context import UNDEFINED, ScriptDict, ScriptList
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins import exec as plugin
from pipy_plugins.exec import Exec
from tests.strategies import streams

DEFAULTS = {"env": None, "cwd": "", "stderr": "inherit", "onExit": None}
GO = Data(b"go")


def tape(command="cat", **settings):
    return Tape(Exec, command, {**DEFAULTS, **settings})


def test_a_story():
    story = tape("tr a-z  A-Z")
    story.play(MessageStart(), GO, FLUSH, END).expect()
    child = story.process()
    assert child.arguments == ["tr", "a-z", "A-Z"]
    assert child.options == {"env": {}, "cwd": "", "merge": False}
    child.expect(MessageStart(), GO, FLUSH, END)
    child.reply(Data(b"GO")).expect(Data(b"GO"))
    story.play(EOS).expect()
    child.expect(EOS)
    assert story.pipeline.busy()
    child.exit().expect(EOS)
    story.close().expect()
    assert child.closed


@pytest.mark.parametrize(("command", "arguments"), [
    (ScriptList(["a b", 5, True]), ["a b", "5", "true"]),
    (lambda: ScriptList(["a", "b"]), ["a", "b"]),
    (lambda: "a b", ["a", "b"]),
])  # fmt: skip
def test_commands(command, arguments):
    story = tape(command)
    story.play(GO).expect()
    assert story.process().arguments == arguments


@pytest.mark.parametrize(("command", "words"), [
    ("", "command is empty"),
    ("  ", "command is empty"),
    (lambda: UNDEFINED, "command is empty"),
    (ScriptList([]), "command is empty"),
    (lambda: 5, "command is not a string or an array of strings"),
    (ScriptList(["a", None]), "command is not a string or an array of strings"),
])  # fmt: skip
def test_commands_that_are_none(command, words):
    story = tape(command)
    with logged() as lines:
        story.play(GO, GO, EOS).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert lines == [f"[ERR] [exec] {words}"]
    assert not story.world.processes


@pytest.mark.parametrize(("error", "words"), [
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "cat"), "cat: No such file or directory"),
    (OSError(errno.EMFILE, "Too many open files"), "cat: Too many open files"),
    (ValueError("embedded null byte"), "'cat': embedded null byte"),
])  # fmt: skip
def test_programs_that_cannot_be_run(error, words):
    story = tape()
    story.world.cannot_spawn = error
    with logged() as lines:
        story.play(GO, GO, EOS).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert lines == [f"[ERR] [exec] unable to exec: {words}"]


def test_where_and_with_what_it_runs():
    story = tape(env=lambda: {"A": "b", "N": 5, "NONE": None}, cwd=lambda: "/tmp", stderr="merge")
    story.play(GO).expect()
    assert story.process().options == {"env": {"A": "b", "N": "5", "NONE": ""}, "cwd": "/tmp", "merge": True}


def test_it_runs_for_a_stream_that_only_ends():
    story = tape()
    story.play(EOS).expect()
    story.process().expect(EOS)
    story.process().exit().expect(EOS)


def test_it_does_not_run_for_a_stream_that_has_failed():
    story = tape()
    story.play(StreamEnd(Failure.READ_ERROR), EOS).expect(StreamEnd(Failure.READ_ERROR))
    assert not story.world.processes


@pytest.mark.parametrize(
    ("code", "told"), [(0, (0, None)), (7, (7, None)), (-signal.SIGTERM, (None, "SIGTERM")), (-40, (None, "SIG40"))]
)
def test_the_script_is_told_how_it_ended(code, told):
    heard = []
    story = tape(onExit=lambda *args: heard.append(args))
    story.play(GO).expect()
    assert heard == []
    story.process().exit(code).expect(EOS)
    assert heard == [told]


def test_an_exception_in_that():
    story = tape(onExit=throws())
    story.play(GO).expect()
    story.process().exit().fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_those_who_wait_look_again():
    story = tape()
    looks = []
    story.context.group.watch(lambda: looks.append(1))
    story.play(GO).expect()
    story.process().reply(GO).expect(GO)
    assert looks == [1]


def test_errors_behind_it_end_the_stream():
    def fail(_event):
        raise ZeroDivisionError

    class Broken(Exec):
        process = staticmethod(fail)

    story = Tape([(Exec, "cat", DEFAULTS), (Broken, "x", DEFAULTS)])
    story.play(GO).expect()
    story.process().reply(GO).fails(ZeroDivisionError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(streams())
def test_keeps_the_filter_contract(events):
    check_filter((Exec, "cat", DEFAULTS), events, ends=False)


def test_where_standard_error_cannot_go():
    with pytest.raises(ArgumentError, match="expects 'inherit' or 'merge', given 'nowhere'"):
        Exec.prepare("cat", {**DEFAULTS, "stderr": "nowhere"})


def test_forms_of_a_call():
    forms = declared(plugin, "exec").forms
    assert bind(forms, ["cat"]) == ["cat", DEFAULTS]
    options = ScriptDict({"onExit": Function(1)})
    assert str(bind(forms, ["cat", options])[1]["onExit"]) == "Function(1)"
    for args in ([], [5]):
        with pytest.raises(ArgumentError):
            bind(forms, args)
