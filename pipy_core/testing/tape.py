"""``Tape``: one run of one or more filters as a transcript of what went in and what came out."""

from collections.abc import Callable, Sequence
from typing import Any

from pipy_core.context import Function
from pipy_core.events import Event, StreamEnd
from pipy_core.limits import Limits
from pipy_core.pipeline import Pipeline
from pipy_core.testing.far import Child, Fed, Outbound, Process
from pipy_core.testing.played import Played
from pipy_core.testing.world import Stage, World


class Tape:
    """Filters in a pipeline of their own, driven by a test.

    :param stage: a Filter class (followed by its arguments), a function that makes instances, or a list of stages: these, or tuples
        of a class and its arguments.
    :param args: what ``Filter.prepare`` gets; Python functions and ``target``s are replaced as the package says.
    :param variables: the script variables of its context.
    :param inbound: what ``context.inbound`` is.
    :param world: that of another tape, to share its clock and functions.
    :param limits: those of the port, and of the others of this world from now on.
    """

    def __init__(
        self,
        stage: Stage | Sequence[Stage],
        *args: Any,
        variables: dict[str, Any] | None = None,
        inbound: Any = None,
        world: World | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.world = world or World()
        if limits is not None:
            self.world.limits = limits
        if isinstance(stage, list):
            stages: Sequence[Stage] = stage
        else:
            stages = [(stage, *args)] if isinstance(stage, type) else [stage]  # type: ignore[list-item]
        self._layout = self.world.layout(stages)
        self.forgotten = False
        self._start(variables, inbound)

    def _start(self, variables: dict[str, Any] | None, inbound: Any) -> None:
        self._events: list[Event] = []
        self.context = self.world.context(variables, inbound)
        self.pipeline = Pipeline(self._layout, self.context, self._events.append)
        self.world.main = self.world.main or self.pipeline

    def again(self, variables: dict[str, Any] | None = None, inbound: Any = None) -> "Tape":
        """The next stream through the same pipeline: new instances, a new context, the same world."""
        tape = Tape.__new__(Tape)
        tape.world, tape._layout, tape.forgotten = self.world, self._layout, False
        tape._start(variables, inbound)
        return tape

    # -- what happens -----------------------------------------------------------------------------------------------

    def play(self, *events: Event) -> Played:
        """Feed *events*, all in one turn."""
        self._check()
        for event in events:
            self.pipeline.feed(event)
        self.world.finish()
        return self._played()

    def advance(self, seconds: float) -> Played:
        """Let time pass on the fake clock."""
        self._check()
        self.world.advance(seconds)
        return self._played()

    def notify(self) -> Played:
        """Something happened in the context group (see ``Group.notify``)."""
        self._check()
        self.context.group.notify()
        self.world.finish()
        return self._played()

    def reply(self, source: Fed, events: Sequence[Event]) -> Played:
        """*source*, which a filter of this tape feeds, answers with *events*, in one turn."""
        self._check()
        source.give(*events)
        return self._played()

    def drain(self) -> Played:
        """The program is about to end (see ``Filter.drain``)."""
        self._check()
        self.pipeline.drain()
        self.world.finish()
        return self._played()

    def close(self) -> Played:
        """The connection is gone: the pipeline is closed."""
        self._check()
        self.pipeline.close()
        self.world.finish()
        return self._played()

    # -- what there is ----------------------------------------------------------------------------------------------

    @property
    def variables(self) -> dict[str, Any]:
        """The script variables of its context."""
        return self.world.variables[self.context.number]

    @property
    def held(self) -> bool:
        """Whether the reader that brought the last input waits."""
        return any(valve.closed for valve in self.world.valves)

    def function(self, function: Callable[..., Any]) -> Function:
        """*function* as filters get a function of the script."""
        return self.world.function(function)

    def children(self, name: str | None = None) -> "list[ChildTape]":
        """The sub-pipelines joined so far, of all names or one, in order."""
        return [ChildTape(self, child) for child in self.world.children if name is None or child.name == name]

    def child(self, name: str, number: int = 0) -> "ChildTape":
        """The sub-pipeline *name* that was joined as the first one (or *number*, from 0) of that name."""
        children = self.children(name)
        assert len(children) > number, f"{name} was joined {len(children)} times"
        return children[number]

    def outbound(self, number: int) -> "OutboundTape":
        """The connection that was asked for as the first (0), second (1), ... one."""
        assert len(self.world.outbounds) > number, f"{len(self.world.outbounds)} connections were asked for"
        return OutboundTape(self, self.world.outbounds[number])

    def process(self, number: int = 0) -> "ProcessTape":
        """The child process that was asked for as the first (0), second (1), ... one."""
        assert len(self.world.processes) > number, f"{len(self.world.processes)} child processes were asked for"
        return ProcessTape(self, self.world.processes[number])

    # -- inner ------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        assert not self.forgotten, "nobody asserted what came out before"

    def _played(self) -> Played:
        events, self._events[:] = list(self._events), []
        reports, self.world.reports = self.world.reports, []
        return Played(self, events, reports)


class FarEnd:
    """What the filter under test feeds, as the test plays it."""

    def __init__(self, tape: Tape, fed: Fed) -> None:
        self._tape = tape
        self._fed = fed

    @property
    def fed(self) -> list[Event]:
        """Every event that was fed into it."""
        return self._fed.fed

    @property
    def drained(self) -> bool:
        """Whether the filter passed on that the program is about to end."""
        return self._fed.drained

    @property
    def closed(self) -> bool:
        """Whether the filter let go of it."""
        return self._fed.closed

    def expect(self, *events: Event) -> None:
        """Exactly *events* were fed into it since this was last asked."""
        self._fed.expect(*events)

    def reply(self, *events: Event) -> Played:
        """It answers with *events*, in one turn."""
        return self._tape.reply(self._fed, events)


class ChildTape(FarEnd):
    """A sub-pipeline that the filter under test has joined."""

    def __init__(self, tape: Tape, child: Child) -> None:
        super().__init__(tape, child)
        self.host = child.host

    @property
    def variables(self) -> dict[str, Any]:
        """The script variables of its context."""
        return self._tape.world.variables[self.host.context.number]

    @property
    def shares_context(self) -> bool:
        """Whether its context is that of the tape itself."""
        return self.host.context is self._tape.context


class OutboundTape(FarEnd):
    """A connection that the filter under test has asked for."""

    def __init__(self, tape: Tape, outbound: Outbound) -> None:
        super().__init__(tape, outbound)
        self.address = outbound.address
        self.options = outbound.options


class ProcessTape(FarEnd):
    """A child process that the filter under test has asked for."""

    def __init__(self, tape: Tape, process: Process) -> None:
        super().__init__(tape, process)
        self._process = process
        self.arguments = process.arguments
        self.options = process.options

    def exit(self, code: int = 0) -> Played:
        """It ends with *code*, or by a signal if that is negative."""
        self._process.exited(code)
        return self.reply(StreamEnd())
