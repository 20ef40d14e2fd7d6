"""The test kit itself: that transcripts fail when they should, and that wrong filters are caught."""

import sys
from functools import partial
from typing import Any

import pytest
import structlog

from pipy_core.api import (
    END,
    EOS,
    Data,
    Emit,
    Event,
    Failure,
    Filter,
    Message,
    MessageEnd,
    MessageStart,
    ScriptError,
    StreamEnd,
    get_logger,
)
from pipy_core.testing import GrammarError, Tape, check_filter, declared, logged, merged, target, throws

START = MessageStart()
STREAM = [START, Data(b"one"), Data(b"two"), END, Data(b"beside"), EOS]


class Upper(Filter):
    """A right filter."""

    def process(self, event: Event) -> None:
        if type(event) is Data:
            event = Data(event.payload.upper())
        self.emit(event)


class Joined(Filter):
    """A filter with a sub-pipeline, a script function and a setting."""

    def __init__(self, pipeline: Any, function: Any = None) -> None:
        self._pipeline = pipeline
        self._function = function
        self._branch: Any = None

    def process(self, event: Event) -> None:
        if self._branch is None:
            self._branch = self.host.join(self._pipeline, self.emit)
        if self._function is not None:
            self.host.call(self._function, event)
        self._branch.feed(event)

    def drain(self) -> None:
        if self._branch is not None:
            self._branch.drain()

    def close(self) -> None:
        if self._branch is not None:
            self._branch.close()


class TestWrongFilters:
    """Each breaks the contract in its own way; ``check_filter`` says so."""

    def test_the_right_one_passes(self) -> None:
        assert check_filter(Upper, STREAM) == [START, Data(b"ONE"), Data(b"TWO"), END, Data(b"BESIDE"), EOS]

    def test_state_shared_by_instances(self) -> None:
        class Shared(Filter):
            seen: list[Event] = []  # noqa: RUF012  # the mistake under test

            def process(self, event: Event) -> None:
                self.seen.append(event)
                if len(self.seen) % 2:
                    self.emit(event)

        with pytest.raises(AssertionError, match="share state"):
            check_filter(Shared, [Data(b"a"), Data(b"b"), Data(b"c")])

    def test_state_left_by_the_stream_before(self) -> None:
        class Stale(Filter):
            started = False

            def process(self, event: Event) -> None:
                if not Stale.started:
                    Stale.started = True
                    self.emit(Data(b"first"))
                self.emit(event)

        with pytest.raises(AssertionError, match="share state"):
            check_filter(Stale, STREAM)

    def test_swallowed_end(self) -> None:
        class Swallows(Filter):
            def process(self, event: Event) -> None:
                if type(event) is not StreamEnd:
                    self.emit(event)

        with pytest.raises(AssertionError, match="swallowed the end"):
            check_filter(Swallows, STREAM)
        check_filter(Swallows, STREAM, ends=False)

    def test_ends_twice(self) -> None:
        class Twice(Upper):
            def process(self, event: Event) -> None:
                super().process(event)
                if type(event) is StreamEnd:
                    self.emit(event)

        with pytest.raises(AssertionError, match="ended 2 times"):
            check_filter(Twice, STREAM)

    def test_looks_at_chunks(self) -> None:
        class Numbers(Filter):
            def process(self, event: Event) -> None:
                self.emit(Data(b"." + event.payload) if type(event) is Data else event)

        with pytest.raises(AssertionError, match="chunking matters"):
            check_filter(Numbers, STREAM)
        check_filter(Numbers, STREAM, chunking=False)

    def test_loses_the_start(self) -> None:
        class Loses(Filter):
            def process(self, event: Event) -> None:
                if type(event) is not MessageStart:
                    self.emit(event)

        with pytest.raises(GrammarError, match="MessageEnd outside of a message"):
            check_filter(Loses, STREAM)
        check_filter(Loses, STREAM, legal=False)

    def test_talks_behind_the_end(self) -> None:
        class Talks(Filter):
            def process(self, event: Event) -> None:
                self.emit(event)
                if type(event) is StreamEnd:
                    self.emit(Data(b"and another thing"))

        with pytest.raises(AssertionError, match="talked behind its end"):
            check_filter(Talks, STREAM)

    def test_talks_when_closed(self) -> None:
        class Parts(Upper):
            def close(self) -> None:
                self.host.call(None)  # type: ignore[arg-type]  # fails, as it is meant to

        with pytest.raises(AttributeError):
            check_filter(Parts, STREAM)

    def test_an_error_is_not_hidden(self) -> None:
        class Breaks(Filter):
            def process(self, event: Event) -> None:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            check_filter(Breaks, STREAM)

    def test_takes_a_function_that_gives_tapes(self) -> None:
        assert check_filter(lambda: Tape(Joined, target("inner", [Upper])), [Data(b"a")]) == [Data(b"A")]

    def test_takes_a_class_with_arguments(self) -> None:
        assert check_filter((Joined, target("inner", [])), [Data(b"a")]) == [Data(b"a")]


class TestTranscripts:
    def test_what_comes_out_must_be_what_is_expected(self) -> None:
        tape = Tape(Upper)
        tape.play(Data(b"a")).expect(Data(b"A"))
        with pytest.raises(AssertionError, match="expected"):
            tape.play(Data(b"a")).expect(Data(b"a"))

    def test_an_unasserted_transcript_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raised: list[Any] = []
        monkeypatch.setattr(sys, "unraisablehook", raised.append)
        tape = Tape(Upper)
        tape.play(Data(b"a"))
        assert "nobody asserted" in str(raised[0].exc_value)
        with pytest.raises(AssertionError, match="nobody asserted"):
            tape.play(Data(b"b"))

    def test_a_named_failure_must_still_be_followed_by_expect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raised: list[Any] = []
        monkeypatch.setattr(sys, "unraisablehook", raised.append)
        Tape(Joined, target("x"), throws()).play(Data(b"a")).fails(ScriptError)
        assert len(raised) == 1

    def test_an_error_ends_the_stream_and_must_be_named(self) -> None:
        tape = Tape(Joined, target("x"), throws("RangeError", "too far"))
        tape.play(Data(b"a")).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
        tape.play(Data(b"b")).expect()
        with pytest.raises(ScriptError, match="RangeError: too far"):
            Tape(Joined, target("x"), throws("RangeError", "too far")).play(Data(b"a")).expect(StreamEnd(Failure.RUNTIME_ERROR))

    def test_a_failure_that_does_not_happen_fails(self) -> None:
        with pytest.raises(AssertionError, match="no ScriptError"):
            Tape(Upper).play(EOS).fails(ScriptError)

    def test_several_filters(self) -> None:
        Tape([Upper, (Joined, target("x", [Upper]))]).play(Data(b"a")).expect(Data(b"A"))

    def test_a_function_that_makes_instances(self) -> None:
        Tape(partial(Upper)).play(Data(b"a")).expect(Data(b"A"))


class TestFarEnds:
    def test_a_sub_pipeline_is_played_by_the_test(self) -> None:
        tape = Tape(Joined, target("x"))
        with pytest.raises(AssertionError, match="joined 0 times"):
            tape.child("x")
        tape.play(Data(b"in")).expect()
        child = tape.child("x")
        child.expect(Data(b"in"))
        child.expect()
        with pytest.raises(AssertionError, match="fed into x"):
            child.expect(Data(b"in"))
        child.reply(Data(b"out"), EOS).expect(Data(b"out"), EOS)
        assert child.shares_context
        assert not child.closed
        assert not child.drained
        tape.drain().expect()
        assert child.drained
        tape.close().expect()
        assert child.closed
        child.reply(Data(b"late")).expect()

    def test_an_outbound_is_played_by_the_test(self) -> None:
        class Connects(Filter):
            def process(self, event: Event) -> None:
                branch = self.host.connect(("localhost", 80), {"retries": 1}, self.emit)
                branch.feed(event)
                branch.drain()

        tape = Tape(Connects)
        tape.play(Data(b"in")).expect()
        peer = tape.outbound(0)
        peer.expect(Data(b"in"))
        assert (peer.address, peer.options, peer.fed) == (("localhost", 80), {"retries": 1}, [Data(b"in")])
        assert peer.drained
        peer.reply(Data(b"out")).expect(Data(b"out"))
        with pytest.raises(AssertionError, match="1 connections"):
            tape.outbound(1)

    def test_a_child_process_is_played_by_the_test(self) -> None:
        codes: list[int] = []

        class Runs(Filter):
            def process(self, event: Event) -> None:
                branch = self.host.spawn(["cat", "-n"], {"cwd": ""}, self.emit, codes.append)
                branch.feed(event)
                branch.drain()

        tape = Tape(Runs)
        tape.play(Data(b"in")).expect()
        child = tape.process()
        child.expect(Data(b"in"))
        assert (child.arguments, child.options, child.drained) == (["cat", "-n"], {"cwd": ""}, True)
        child.reply(Data(b"out")).expect(Data(b"out"))
        child.exit(3).expect(EOS)
        assert codes == [3]
        with pytest.raises(AssertionError, match="1 child processes"):
            tape.process(1)
        tape.world.cannot_spawn = OSError("none left")
        tape.play(Data(b"in")).fails(OSError).expect(StreamEnd(Failure.RUNTIME_ERROR))

    def test_functions_see_the_variables_of_their_context(self) -> None:
        seen = []
        tape = Tape(Joined, target("x"), lambda event: seen.append((event, tape.world.current["name"])), variables={"name": "one"})
        tape.play(EOS).expect()
        assert seen == [(EOS, "one")]
        assert tape.child("x").variables is tape.variables

    def test_contexts_are_cloned_as_they_are(self) -> None:
        class Clones(Filter):
            def __init__(self, inner: Any) -> None:
                self._inner = inner

            def process(self, event: Event) -> None:
                self.host.join(self._inner, self.emit, self.host.clone_context()).feed(event)

        tape = Tape(Clones, target("x"), variables={"n": 1}, inbound="connection")
        tape.play(EOS).expect()
        tape.variables["n"] = 2
        child = tape.child("x")
        assert child.variables == {"n": 1}
        assert not child.shares_context
        assert (child.host.context.inbound, child.host.context.group) == ("connection", tape.context.group)


class TestClock:
    class Late(Filter):
        """Repeats what it gets a second later, and holds the reader until then."""

        def process(self, event: Event) -> None:
            valve = self.host.new_valve()
            valve.close()
            self.host.hold(valve)
            self.host.after(1, lambda: (self.emit(Data(str(self.host.now()).encode())), valve.open()))

    def test_timers_fire_when_the_test_says_so(self) -> None:
        tape = Tape(self.Late)
        tape.play(Data(b"a")).expect()
        assert tape.held
        tape.advance(0.5).expect()
        assert tape.held
        tape.advance(5).expect(Data(b"1001.0"))
        assert not tape.held

    def test_timers_of_a_closed_pipeline_do_not_fire(self) -> None:
        tape = Tape(self.Late)
        tape.play(Data(b"a")).expect()
        tape.close().expect()
        tape.advance(5).expect()

    def test_a_second_stream_shares_the_clock(self) -> None:
        tape = Tape(self.Late)
        tape.advance(10).expect()
        second = tape.again()
        second.play(Data(b"a")).expect()
        second.advance(1).expect(Data(b"1011.0"))


def test_lines_are_seen_whatever_level_an_earlier_test_has_set() -> None:
    strict = structlog.make_filtering_bound_logger(40)
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=strict)
    try:
        with logged() as lines:
            get_logger("x").warning("seen")
        assert structlog.get_config()["wrapper_class"] is strict
    finally:
        structlog.configure(wrapper_class=before)
    assert lines == ["[WRN] [x] seen"]


def test_lines_logged_meanwhile() -> None:
    with logged() as lines:
        get_logger("filter").error("broken")
        get_logger("x").info("fine")
    assert lines == ["[ERR] [filter] broken", "[INF] [x] fine"]


def test_what_a_plugin_declares() -> None:
    class Plugin:
        @staticmethod
        def pipy_register_filters(registry: Any) -> None:
            registry.add_filter("upper", Upper, help="upper case")

    assert declared(Plugin, "upper").filter is Upper


def test_merged_joins_adjacent_data() -> None:
    assert merged([Data(b"a"), Data(), Data(b"b"), END, Data(b"c")]) == [Data(b"ab"), END, Data(b"c")]
    assert merged([Data()]) == []


def test_helpers_do_not_change_what_they_are_given() -> None:
    first = Data(b"a")
    merged([first, Data(b"b")])
    assert first == Data(b"a")
    emit: Emit = [].append
    emit(first)
    assert Message(None, first).events() == [MessageStart(), first, MessageEnd()]
