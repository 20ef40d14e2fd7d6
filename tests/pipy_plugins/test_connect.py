"""connect: when and where to, and what becomes of the answer."""

import pytest
from hypothesis import given

from pipy_core.api import END, EOS, Data, Failure, Filter, MessageStart, ScriptError, StreamEnd
from pipy_core.context import UNDEFINED
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins import connect as plugin
from pipy_plugins.connect import Connect
from tests.strategies import streams

GO = Data(b"go")
((_, DEFAULTS),) = [bind(declared(plugin, "connect").forms, ["a:1"])]


def tape(target="localhost:80"):
    return Tape(Connect, target, DEFAULTS)


def test_a_story():
    story = tape(lambda: "example.com:8080")
    story.play(GO).expect()
    server = story.outbound(0)
    assert server.address == ("example.com", 8080)
    assert server.options == DEFAULTS
    server.expect(GO)
    server.reply(Data(b"came")).expect(Data(b"came"))
    story.play(END, EOS).expect()
    server.expect(END, EOS)
    assert story.pipeline.busy()
    server.reply(EOS).expect(EOS)
    story.close().expect()


def test_a_stream_that_ends_before_it_began_connects_nowhere():
    story = tape()
    story.play(EOS).expect()
    assert story.world.outbounds == []


def test_a_fault_of_a_script_in_front_is_passed_on():
    story = tape()
    story.play(StreamEnd(Failure.RUNTIME_ERROR)).expect(StreamEnd(Failure.RUNTIME_ERROR))
    assert story.world.outbounds == []


@pytest.mark.parametrize("target", ["localhost", "localhost:", ":80", "a:0", "a:65536", "a:b", "::1:80", "", 80, UNDEFINED])
def test_targets_that_are_none(target):
    story = tape(lambda: target)
    with logged() as log:
        story.play(GO).expect(StreamEnd(Failure.RUNTIME_ERROR))
        story.play(GO, EOS).expect()
    assert [line.partition(": ")[0] for line in log] == ["[ERR] [connect] invalid target"]
    assert story.world.outbounds == []


def test_an_error_in_the_target_ends_the_stream():
    story = tape(throws("TypeError", "no idea"))
    story.play(GO).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


def test_an_error_behind_it_ends_the_stream_as_an_error():
    class Picky(Filter):
        def process(self, event):
            if event == Data(b"came"):
                raise ScriptError("TypeError", "not this")
            self.emit(event)

    story = Tape([(Connect, "localhost:80", DEFAULTS), Picky])
    story.play(MessageStart(), GO).expect()
    story.outbound(0).reply(Data(b"came")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))


@given(streams())
def test_keeps_the_contract(events):
    check_filter((Connect, "localhost:80", DEFAULTS), events, ends=False)
