"""Layouts: the immutable recipes of pipelines, what they ask of the worker, and what one filter may know of the next.

Knows filters only by their interface, and the outside world only as ``Services``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from pipy_core.context import Context, Function
from pipy_core.counters import Book
from pipy_core.errors import Place
from pipy_core.filter import Branch, Emit, Filter, Make, Target, Timer
from pipy_core.turn import Turn

#: Logs an error that ended one stream, and where it was noticed.
Report: TypeAlias = Callable[[BaseException, str], None]


class Services(Protocol):
    """What a worker lends to all pipelines of a program.

    :ivar book: where the worker counts.
    """

    turn: Turn
    book: Book
    retired: bool  # see ``filter.Clock``

    def call(
        self, context: Context, function: Function, args: tuple[Any, ...], ahead: tuple[Function, ...] = (), plain: bool = False
    ) -> Any:
        """Call a script function in *context*; *ahead* and *plain*: see ``Host.call``."""

    def clone_context(self, context: Context) -> Context:
        """A copy of *context* as it is now."""

    def fork_contexts(self, context: Context, module: str, initializers: Any) -> list[Context]:
        """See ``Host.fork_contexts``; *module* is the one whose variables are assigned."""

    def connect(self, address: tuple[str, int], options: Any, reply: Emit) -> Branch:
        """Open an outbound connection; see ``Host.connect``."""

    def spawn(self, arguments: Sequence[str], options: Any, reply: Emit, exited: Callable[[int], None]) -> Branch:
        """Run a child process; see ``Host.spawn``."""

    def after(self, seconds: float, then: Callable[[], None]) -> Timer:
        """Run *then* in a turn of its own."""

    def now(self) -> float:
        """See ``Host.now``."""

    def report(self, error: BaseException, where: str) -> None:
        """Log an error that ended one stream: a script's with its place, our own with a traceback."""


class Use:
    """One filter of a layout: its name, how it is drawn, and what makes its instances. None among the targets: the empty one."""

    __slots__ = ("foresight", "joins", "label", "make", "name", "place", "targets")

    def __init__(
        self,
        name: str,
        make: Make,
        label: str = "",
        joins: str = "",
        targets: tuple[Target | None, ...] = (),
        place: Place | None = None,
    ) -> None:
        self.name = name
        self.make = make
        self.foresight: tuple[Function | Target, ...] = ()  # see Filter.foresight
        self.label = label or name
        self.joins = joins
        self.targets = targets
        self.place = place or Place()


class Layout:
    """The recipe of a pipeline. Immutable once its program has been loaded.

    :ivar kind: ``listen``, ``task`` or ``pipeline``.
    :ivar module: path of the module that declares it, such as ``/proxy.js``.
    :ivar running: how many pipelines there are of it.
    """

    __slots__ = ("kind", "makes", "module", "name", "running", "services", "uses")

    def __init__(self, name: str, module: str, kind: str = "pipeline") -> None:
        self.name = name
        self.module = module
        self.kind = kind
        self.uses: tuple[Use, ...] = ()
        self.makes: tuple[Make, ...] = ()
        self.running = 0
        self.services: Services

    def complete(self, uses: tuple[Use, ...], services: Services) -> None:
        """Fill the recipe in; layouts refer to each other, so they exist before their filters do."""
        self.uses = uses
        self.makes = tuple(use.make for use in uses)
        self.services = services

    def look_ahead(self) -> None:
        """Tell each filter what the next one is known to do first; when all layouts of the program are complete."""
        for number, following in enumerate(self.uses[1:]):
            ahead = functions_of(following.foresight)
            if ahead:
                self.makes = (*self.makes[:number], _with_ahead(self.makes[number], ahead), *self.makes[number + 1 :])


def functions_of(foresight: Sequence[Function | Target]) -> tuple[Function, ...]:
    """The script functions of a foresight, those of the sub-pipeline at its end included."""
    functions: tuple[Function, ...] = ()
    for step in foresight:
        if isinstance(step, Function):
            functions += (step,)
        elif isinstance(step, Layout) and step.uses:
            functions += functions_of(step.uses[0].foresight)
    return functions


def _with_ahead(make: Make, ahead: tuple[Function, ...]) -> Make:
    def made() -> Filter:
        stage = make()
        stage.ahead = ahead
        return stage

    return made
