"""Layouts and pipelines: the order of things, what an exception ends, and what closing lets go of."""

from functools import partial

import pytest

from pipy_core.events import END, EOS, Data, Failure, MessageStart, StreamEnd
from pipy_core.filter import Filter, ignore
from pipy_core.layout import Layout, Use
from pipy_core.pipeline import Pipeline, deliver, fail
from pipy_core.testing import Tape, World

START = MessageStart()
FAILED = StreamEnd(Failure.RUNTIME_ERROR)


class Tag(Filter):
    """Appends its name to Data; raises on ``!`` with its name."""

    def __init__(self, name, log=None):
        self.name = name
        self.log = [] if log is None else log

    def process(self, event):
        if type(event) is Data:
            if event.payload == b"!" + self.name:
                raise ZeroDivisionError(self.name)
            if not event.payload.startswith(b"!"):
                event = Data(event.payload + self.name)
        self.emit(event)

    def close(self):
        self.log.append(self.name)
        if self.name == b"broken":
            raise ZeroDivisionError(self.name)


class Later(Filter):
    """Repeats each event one second later."""

    def process(self, event):
        self.host.after(1, partial(self._again, event))

    def _again(self, event):
        self.emit(event)


class Joins(Filter):
    """Sends events through a sub-pipeline."""

    def __init__(self, target):
        self.target = target
        self.branch = None

    def process(self, event):
        if self.branch is None:
            self.branch = self.host.join(self.target, self.answer)
        self.branch.feed(event)

    def answer(self, event):
        self.emit(event)


def tagged(*names, log=None):
    return [partial(Tag, name, log) for name in names]


def test_filters_stand_in_the_order_of_the_script():
    Tape(tagged(b"1", b"2", b"3")).play(Data(b"x"), EOS).expect(Data(b"x123"), EOS)


def test_an_empty_layout_passes_everything():
    Tape([]).play(START, Data(b"x"), END, EOS).expect(START, Data(b"x"), END, EOS)


def test_a_layout_keeps_what_it_is_made_of():
    layout = Layout("main", "/a.js", "listen")
    use = Use("tag", partial(Tag, b"1"))
    layout.complete((use,), World())
    assert (layout.name, layout.module, layout.kind, layout.uses, layout.makes) == ("main", "/a.js", "listen", (use,), (use.make,))
    assert (use.label, use.joins, use.targets, use.place.line) == ("tag", "", (), 0)


class TestExceptions:
    def test_the_stream_ends_behind_the_filter_that_failed(self):
        tape = Tape(tagged(b"1", b"2", b"3"))
        tape.play(Data(b"!2")).fails(ZeroDivisionError).expect(FAILED)
        tape.play(Data(b"x"), EOS).expect()

    def test_filters_behind_it_see_the_end(self):
        seen = []

        class Sees(Filter):
            def process(self, event):
                seen.append(event)

        Tape([*tagged(b"1"), Sees]).play(Data(b"!1")).fails(ZeroDivisionError).expect()
        assert seen == [FAILED]

    def test_filters_before_it_are_cut_off(self):
        tape = Tape([Later, *tagged(b"1")])
        tape.play(Data(b"!1"), Data(b"x")).expect()
        tape.advance(1).fails(ZeroDivisionError).expect(FAILED)
        tape.play(Data(b"y")).expect()
        tape.advance(5).expect()

    def test_an_exception_in_a_timer_ends_the_stream_of_its_pipeline(self):
        class Bursts(Filter):
            def process(self, event):
                self.host.after(1, self.burst)

            def burst(self):
                raise ZeroDivisionError

        tape = Tape(Bursts)
        tape.play(START).expect()
        tape.advance(1).fails(ZeroDivisionError).expect(FAILED)

    def test_an_exception_in_a_sub_pipeline_ends_that_one(self):
        world = World()
        inner = world.layout(tagged(b"in"), "inner")
        tape = Tape([partial(Joins, inner), *tagged(b"out")], world=world)
        tape.play(Data(b"x")).expect(Data(b"xinout"))
        tape.play(Data(b"!in")).fails(ZeroDivisionError).expect(FAILED)
        tape.play(Data(b"y")).expect()

    def test_an_exception_behind_the_join_ends_the_outer_one(self):
        world = World()
        inner = world.layout(tagged(b"in"), "inner")
        tape = Tape([partial(Joins, inner), *tagged(b"out")], world=world)
        tape.play(Data(b"!out")).fails(ZeroDivisionError).expect(FAILED)
        tape.play(Data(b"y")).expect()

    def test_an_exception_while_the_end_is_delivered_is_reported_too(self):
        class Fails(Filter):
            def process(self, event):
                raise ZeroDivisionError

        tape = Tape([Fails, Fails])
        tape.play(START).fails(ZeroDivisionError).fails(ZeroDivisionError).expect(FAILED)

    def test_what_no_filter_raised_ends_the_pipeline_at_its_output(self):
        output, world = [], World()
        pipeline = Pipeline(world.layout(tagged(b"1")), world.context(), output.append)
        fail(ZeroDivisionError("from outside"), pipeline)
        pipeline.feed(Data(b"x"))
        assert output == [FAILED]
        assert len(world.reports) == 1

    def test_deliver_keeps_the_errors_of_other_streams_away(self):
        world, output = World(), []
        other = Pipeline(world.layout(tagged(b"1")), world.context(), output.append)
        mine = Pipeline(world.layout([]), world.context(), ignore)
        deliver(other._filters[0].process, Data(b"!1"), mine)
        assert output == [FAILED]
        mine.feed(START)
        assert [type(error) for error in world.reports] == [ZeroDivisionError]


class TestClosing:
    def test_every_filter_is_closed_once_and_nothing_comes_out_any_more(self):
        log = []
        tape = Tape(tagged(b"1", b"2", log=log))
        tape.close().expect()
        tape.play(Data(b"x")).expect()
        tape.close().expect()
        assert sorted(log) == [b"1", b"2"]

    def test_a_filter_that_cannot_close_keeps_nobody_from_it(self):
        log = []
        tape = Tape(tagged(b"1", b"broken", b"2", log=log))
        tape.close().fails(ZeroDivisionError).expect()
        assert sorted(log) == [b"1", b"2", b"broken"]

    def test_timers_are_forgotten(self):
        tape = Tape(Later)
        tape.play(START).expect()
        tape.close().expect()
        tape.advance(2).expect()

    def test_a_cancelled_timer_does_not_fire(self):
        class Cancels(Filter):
            def process(self, event):
                timer = self.host.after(1, partial(self.emit, event))
                timer.cancel()
                timer.cancel()

        tape = Tape(Cancels)
        tape.play(START).expect()
        tape.advance(2).expect()


class TestDraining:
    def test_every_filter_is_asked_in_the_order_of_the_script(self):
        class Ends(Tag):
            def drain(self):
                self.log.append(self.name)
                self.emit(Data(b"bye "))

        log = []
        tape = Tape([partial(Ends, name, log) for name in (b"1", b"2")])
        tape.drain().expect(Data(b"bye 2"), Data(b"bye "))
        assert log == [b"1", b"2"]
        tape.close().expect()
        tape.drain().expect()

    def test_an_exception_ends_the_stream_behind_the_filter(self):
        class Breaks(Tag):
            def drain(self):
                raise ZeroDivisionError

        tape = Tape([*tagged(b"1"), partial(Breaks, b"2"), *tagged(b"3")])
        tape.drain().fails(ZeroDivisionError).expect(FAILED)
        tape.play(Data(b"x")).expect()


class TestHost:
    def test_settings_are_values_or_functions(self):
        tape = Tape([], variables={"a": 1})
        assert tape.pipeline.value("text") == "text"
        assert tape.pipeline.value(tape.function(lambda: tape.world.current["a"])) == 1
        assert tape.pipeline.call(tape.function(lambda *given: given), 1, 2) == (1, 2)

    def test_contexts_are_cloned_and_forked(self):
        tape = Tape([], variables={"a": 1})
        clone = tape.pipeline.clone_context()
        assert tape.world.variables[clone.number] == {"a": 1}
        assert clone.group is tape.context.group
        [one, two] = tape.pipeline.fork_contexts([{"a": 2}, {}])
        assert [tape.world.variables[context.number] for context in (one, two)] == [{"a": 2}, {"a": 1}]

    @pytest.mark.parametrize("closed", [True, False])
    def test_only_closed_valves_hold(self, closed):
        tape = Tape([])
        valve = tape.pipeline.new_valve()
        if closed:
            valve.close()
        tape.pipeline.hold(valve)
        assert tape.world.turn.finish() == ([valve] if closed else [])

    def test_held_by(self):
        """Valves that one event closes hold nobody else."""
        tape = Tape([])
        before, mine, opened = [tape.pipeline.new_valve() for _ in range(3)]
        before.close()
        tape.pipeline.hold(before)

        def feed(event):
            assert event is EOS
            for valve in (mine, opened):
                valve.close()
                tape.pipeline.hold(valve)
            opened.open()

        assert tape.pipeline.held_by(feed, EOS) == [mine]
        assert tape.world.turn.finish() == [before]

    def test_held_by_with_an_error(self):
        """It is the caller's; the turn is as it was."""
        tape = Tape([])
        with pytest.raises(ZeroDivisionError):
            tape.pipeline.held_by(lambda _event: 1 / 0, EOS)
        assert tape.world.turn.held == []

    def test_the_clock_is_that_of_the_services(self):
        tape = Tape([])
        before = tape.pipeline.now()
        tape.advance(5).expect()
        assert tape.pipeline.now() - before == 5


class Maker(Filter):
    """Makes three pieces of each event, one when it gets it, the others when there is room."""

    def process(self, event):
        self._event, self._left = event, 2
        self.emit(event)
        self.host.when_relieved(self._more)

    def _more(self):
        self._left -= 1
        self.emit(self._event)
        if self._left:
            self.host.when_relieved(self._more)


def test_work_that_waits_for_room_goes_on_soon_if_there_is_room():
    tape = Tape(Maker)
    tape.play(Data(b"x")).expect(Data(b"x"))
    assert tape.pipeline.busy()
    tape.advance(0).expect(Data(b"x"), Data(b"x"))
    assert not tape.pipeline.busy()


def test_work_that_waits_for_room_goes_on_when_there_is():
    class Full(Filter):
        """A sink without room."""

        def process(self, event):
            valve.close()
            self.host.hold(valve)
            self.emit(event)

    tape = Tape([Maker, Full])
    valve = tape.pipeline.new_valve()
    tape.play(Data(b"x")).expect(Data(b"x"))
    tape.advance(60).expect()
    valve.open()
    tape.advance(0).expect(Data(b"x"))
    valve.open()
    tape.advance(0).expect(Data(b"x"))


def test_work_that_waits_for_room_is_forgotten_with_its_pipeline():
    tape = Tape(Maker)
    valve = tape.pipeline.new_valve()
    valve.close()
    tape.world.turn.held.append(valve)
    tape.play(Data(b"x")).expect(Data(b"x"))
    tape.close().expect()
    valve.open()
    tape.advance(60).expect()


def test_a_layout_knows_how_many_run():
    world = World()
    layout = world.layout([Maker])
    first, second = (Pipeline(layout, world.context(), ignore) for _ in range(2))
    assert layout.running == 2
    first.close()
    first.close()
    assert layout.running == 1
    second.abandon(None)
    second.close()
    assert layout.running == 0
    empty = world.layout([])
    third = Pipeline(empty, world.context(), ignore)
    assert empty.running == 1
    third.close()
    assert empty.running == 0
