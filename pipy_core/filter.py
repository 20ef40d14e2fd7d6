"""What a filter is, and what it may ask of the pipeline it is in. Knows no filter by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol, TypeAlias

from pipy_core.context import Context, Function
from pipy_core.counters import Book
from pipy_core.events import Event
from pipy_core.limits import Limits

Emit: TypeAlias = Callable[[Event], None]
Make: TypeAlias = "Callable[[], Filter]"


def ignore(_event: Event) -> None:
    """Where the events of a closed filter go."""


class Target(Protocol):
    """A sub-pipeline that a filter may join, resolved when the script was loaded. Opaque to filters."""

    @property
    def name(self) -> str:
        """As the script calls it."""


class Branch(Protocol):
    """A running sub-pipeline or an outbound connection, as seen by the filter that asked for it.

    What comes out of it goes to the ``reply`` function given when it was made. An exception inside a branch ends the
    branch's stream; it never reaches the caller of ``feed``.
    """

    def feed(self, event: Event) -> None:
        """Hand *event* to it. After ``close`` events are dropped."""

    def drain(self) -> None:
        """See ``Filter.drain``; a filter whose stream goes through it passes this on to it."""

    def busy(self) -> bool:
        """Whether something may still be replied although its input has ended."""

    def close(self) -> None:
        """Let go of it: its filters are closed, nothing is replied any more. May be called twice."""


class Timer(Protocol):
    """A timer that was started."""

    def cancel(self) -> None:
        """Forget it; harmless when it has already fired."""


class Clock(Protocol):
    """The worker's clock, for what outlives the pipeline it began in (see ``Host.clock``).

    :ivar retired: a newer generation of the program has taken over; this one only finishes what it has begun.
    :ivar book: see ``Host.book``.
    """

    retired: bool
    book: Book

    def now(self) -> float:
        """See ``Host.now``."""

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """Run *then* in a turn of its own, *seconds* from now. An exception in it is nobody's stream's: it must not raise."""


class Valve(Protocol):
    """What a filter closes while its own buffer is too full (see ``turn.Valve``)."""

    closed: bool

    def open(self) -> None:
        """Let the readers that wait for it go on."""

    def close(self) -> None:
        """Make every reader that feeds this valve wait after its turn."""

    def when_open(self, resume: Callable[[], None]) -> None:
        """Call *resume* once, at the next ``open``, which may be in the middle of anything: it may only start a timer."""


class Host(Protocol):
    """What a pipeline lends to its filters. Filters reach the world only through it."""

    @property
    def context(self) -> Context:
        """The script variables of this pipeline."""

    @property
    def limits(self) -> Limits:
        """What applies to the connection that this pipeline serves."""

    def join(self, target: Target, reply: Emit, context: Context | None = None) -> Branch:
        """Start a sub-pipeline. It shares this pipeline's context unless another one is given."""

    def clone_context(self) -> Context:
        """A copy of this pipeline's context as it is now."""

    def fork_contexts(self, initializers: Any) -> list[Context]:
        """Copies of the context, one per element of *initializers* (spec: ``fork``), each with that element's properties assigned.

        :param initializers: a Function that gives an array, or the array or object itself as it was given at load.
        :raises ScriptError: the function threw.
        :raises TypeError: the function gave something that is not an array.
        """

    def call(self, function: Function, *args: Any, ahead: tuple[Function, ...] = (), plain: bool = False) -> Any:
        """Call a script function in this pipeline's context and give its result.

        With *ahead* (see ``Filter.ahead``) the result is not given: the functions named there are called in the same crossing, and
        the calls that follow get their results.

        Results: ``UNDEFINED``, ``None``, ``bool``, ``int`` or ``float``, ``str``, an event, a ``Message``, a list of such, or an
        ``Identity`` for any other object. With *plain* an object or array comes by value instead, as ``ScriptDict`` or
        ``ScriptList``: for functions that give settings. A ``Native`` comes as it is, alone or as a member.

        :raises ScriptError: let it pass: it ends this stream.
        """

    def value(self, setting: Any) -> Any:
        """*setting* itself, or what it gives if it is a script function."""

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Branch:
        """Open an outbound TCP connection; see ``net.outbound``. Failures are replied as a StreamEnd."""

    def spawn(self, arguments: Sequence[str], options: Any, reply: Emit, exited: Callable[[int], None]) -> Branch:
        """Run a child process: what is fed is its standard input, its standard output is replied; see ``net.child``.

        :raises OSError: it cannot be run. :raises ValueError: an argument cannot be one.
        """

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """Run *then* in a turn of its own, *seconds* from now, unless this pipeline is closed by then."""

    def now(self) -> float:
        """Seconds on the clock that ``after`` goes by; only differences mean something."""

    @property
    def clock(self) -> Clock:
        """Timers for what is shared among pipelines, such as idle sessions: closing this pipeline does not cancel them."""

    def report(self, error: BaseException) -> None:
        """Log *error*, which a filter has dealt with itself; one that it raises is logged anyway."""

    @property
    def book(self) -> Book:
        """Where the worker counts: ``host.book.counter(FIGURE).add(1)``. Keep what ``counter`` gives if you count often."""

    def hold(self, valve: Valve) -> None:
        """The reader that brought this turn's input waits while *valve* is closed."""

    def new_valve(self) -> Valve:
        """An open valve."""

    def full(self) -> bool:
        """Whether this turn has filled a buffer, so that its reader is going to wait. For filters that make much out of little."""

    def when_relieved(self, then: Callable[[], None]) -> None:
        """Run *then* in a turn of its own: soon, or, if this turn has filled a buffer, when there is room in it again.

        It is not run when this pipeline is closed by then.
        """

    def held_by(self, feed: Emit, event: Event) -> Sequence[Valve]:
        """Call *feed* with *event*; give the closed valves that this turn's reader would have to wait for because of it.

        For filters that carry many streams over one connection and must not stop all of them for one: they see to it in their own
        way that no more comes for this stream until the valves are open.
        """


class Filter(ABC):
    """One stage of one pipeline, for the life of one stream.

    A filter

    * keeps its state on ``self`` and shares none of it: the next stream gets a new instance;
    * emits zero or more events per event;
    * emits at most one ``StreamEnd``, and nothing after it;
    * never touches a socket, a clock or a thread. It asks ``self.host``.

    ``emit`` never yields: a turn runs to completion. Update your own state *before* you emit: the event may come back round and
    enter you again before ``emit`` returns.
    """

    emit: Emit = staticmethod(ignore)
    host: Host

    #: Sub-pipelines this filter sends events to, for the drawing of the configuration: "link" (their output is the
    #: filter's output), "fork" (their output goes nowhere) or "" (it has none).
    joins: ClassVar[str] = ""

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """Called once per use in a script, with checked arguments; gives what makes the instances.

        Override it to check arguments further (raise ``ArgumentError``) or to hold state that all streams share.
        """
        return partial(cls, *args)

    #: What the next filter is known to call first (its ``foresight``), if this use is the first to get the event that starts it.
    #: Hand it to ``host.call`` once, for the first event, if that event is passed on right afterwards.
    ahead: tuple[Function, ...] = ()

    @classmethod
    def foresight(cls, *_args: Any) -> tuple[Function | Target, ...]:
        """What an instance made with these arguments (see ``prepare``) does first with its first event, if it is a MessageStart.

        Script functions that it calls without arguments, in this order, each only if the one before gave something true; a Target
        at the end gets the event then. So one crossing can serve several filters. Nothing by default: then nothing is foreseen.
        """
        return ()

    @classmethod
    def label(cls, name: str, args: Sequence[Any]) -> str:
        """How the drawing of the configuration calls a use of this filter."""
        return name

    #: Whether ``begin`` is to be called.
    begins: ClassVar[bool] = False

    def begin(self) -> None:
        """The filter has its host, and nothing has come yet. Only for those that set ``begins``: most await their first event."""

    @abstractmethod
    def process(self, event: Event) -> None:
        """Handle one event. An exception raised here ends the stream with ``RuntimeError``."""

    def busy(self) -> bool:
        """Whether something may still come out although the input has ended: an answer that is awaited, events that wait.

        Timers started with ``host.after`` need not be mentioned, the pipeline knows of them.
        """
        return False

    def drain(self) -> None:
        """The program is about to end or to be replaced: finish what was begun, then emit a StreamEnd. Most have nothing to do.

        It is called again, seconds later and as long as the stream lasts, so that a filter needs no timer to see that its peer has
        done nothing all that time: closing a connection at once would cut off a request that is on its way.
        """

    def close(self) -> None:
        """Let go of resources. Called exactly once, also when the stream failed."""
