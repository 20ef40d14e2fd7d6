"""``link(target [, condition, target2, ...])``: events go through one of several sub-pipelines of the same context, chosen once.

Conditions are looked at with each event until one is true, and like those of ``wait`` when something else happens in the context
group: a detection that gave up waiting for more, for instance. Holds all events back until then, 16 MiB of them; it cannot make the
reader wait meanwhile, because it is the next event that may decide. Empty Data, which only asks for a flush, decides nothing.
"""

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from pipy_core.api import (
    FUNCTION,
    Backlog,
    Data,
    Emit,
    Event,
    Failure,
    Function,
    Joint,
    Make,
    Param,
    Pipeline,
    Registry,
    StreamEnd,
    Target,
    Timer,
    get_logger,
    hookimpl,
    ignore,
)


class Link(Joint):
    """Joins the first target whose condition is true when it is asked; asked again with each event until one is.

    :param ways: targets with their conditions; no target passes events on as they are, no condition is always true.
    """

    joins = "link"

    def __init__(self, ways: list[tuple[Target | None, Function | None]]) -> None:
        self._ways = ways
        self._backlog = Backlog()
        self._feed: Emit | None = None  # None: not decided
        self._stop_watching: Callable[[], None] | None = None
        self._look: Timer | None = None

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``. Targets and conditions take turns; the last condition may be left out."""
        ways = list(zip_longest(args[::2], args[1::2]))
        return lambda: cls(ways)

    @classmethod
    def foresight(cls, *args: Any) -> tuple[Function | Target, ...]:
        """See ``Filter``: the first condition, then what the first target does."""
        return tuple(each for each in (args[1] if len(args) > 1 else None, args[0]) if each is not None)

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._feed is not None and not self._backlog:
            self._feed(event)
        elif type(event) is not Data or event.payload:
            deciding = self._feed is None
            if deciding:
                self._choose()
            if deciding and self._feed is not None and not self._backlog:
                self._feed(event)  # decided at once, as usual: nothing has had to wait
            elif not self._backlog.add(event):
                get_logger("link").error("more than 16 MiB came before a condition was true")
                self._give_up(StreamEnd(Failure.BUFFER_OVERFLOW))
            elif self._feed is None:
                self._wait(event)
            elif deciding:
                self._backlog.drain(self._feed)

    def close(self) -> None:
        """See ``Filter``."""
        self._feed = ignore  # it may be a method of this very link
        if self._stop_watching is not None:
            self._stop_watching()
        super().close()

    def _wait(self, event: Event) -> None:
        if type(event) is StreamEnd and event.error is Failure.RUNTIME_ERROR:
            self._give_up(event)  # a function of the script has failed, maybe the one that was to decide: nobody must wait for it
        elif self._stop_watching is None:
            self._stop_watching = self.host.context.group.watch(self._notified)

    def _notified(self) -> None:
        # In a turn of its own: what is true at the end of the notifier's turn counts, and an error in a condition is not its own.
        if self._look is None and self._feed is None:
            self._look = self.host.after(0, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        deciding = self._feed is None
        if deciding:
            self._choose()
        if deciding and self._feed is not None:
            self._backlog.drain(self._feed)

    def _choose(self) -> None:
        for target, condition in self._ways:
            if condition is None or self.host.call(condition):
                if target is None:
                    self._feed = self._pass
                else:
                    self._branch = self.host.join(target, self._pass)
                    self._feed = self._branch.feed
                return

    def _pass(self, event: Event) -> None:
        self.emit(event)

    def _give_up(self, end: StreamEnd) -> None:
        self._backlog.clear()
        self._feed = ignore
        self.emit(end)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "link",
        Link,
        [
            Param("target", Pipeline(or_empty=True), "a sub-pipeline, or '' to pass events on as they are", variadic=True),
            Param("condition", FUNCTION, "chooses the target before it if it returns true", default=None, variadic=True),
        ],
        help="Sends the stream through the first sub-pipeline whose condition is true, in the same context. Conditions are looked "
        "at with each event until one is true; events are held back until then. The choice is kept for the stream.",
        group="joint",
    )
