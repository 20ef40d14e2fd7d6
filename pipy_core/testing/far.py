"""The far ends of what a filter feeds: sub-pipelines, outbound connections and child processes, whose parts a test plays."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from pipy_core.events import Event
from pipy_core.filter import Emit, Filter
from pipy_core.pipeline import deliver


class Fed:
    """A far end.

    :ivar name: of the target, or the address.
    :ivar fed: every event that was fed into it.
    :ivar drained: whether the filter passed on that the program is about to end.
    :ivar closed: whether the filter let go of it.
    """

    def __init__(self, name: str, finish: Callable[[], None]) -> None:
        self.name = name
        self.fed: list[Event] = []
        self.drained = False
        self.closed = False
        self._finish = finish  # ends a turn
        self._seen = 0

    def expect(self, *events: Event) -> None:
        """Exactly *events* were fed into it since this was last asked."""
        fed, self._seen = self.fed[self._seen :], len(self.fed)
        assert fed == list(events), f"\nfed into {self.name}: {fed}\n     expected: {list(events)}"

    def give(self, *events: Event) -> None:
        """Answer with *events*, in one turn."""
        for event in events:
            if not self.closed:
                self.answer(event)
        self._finish()

    def busy(self) -> bool:
        """See ``Branch``."""
        return not self.closed

    def drain(self) -> None:
        """Remember that."""
        self.drained = True

    def close(self) -> None:
        """Remember that."""
        self.closed = True

    @abstractmethod
    def answer(self, event: Event) -> None:
        """Hand *event* to the filter that feeds this."""


class Child(Fed, Filter):
    """A sub-pipeline that a filter under test has joined."""

    def process(self, event: Event) -> None:
        """Remember it."""
        self.fed.append(event)

    def answer(self, event: Event) -> None:
        """See ``Fed``."""
        deliver(self.emit, event, self.host)


class Outside(Fed):
    """What is no part of the program: a ``Branch`` that a host lends."""

    def __init__(self, name: str, reply: Emit, pipeline: Any, finish: Callable[[], None]) -> None:
        super().__init__(name, finish)
        self._reply = reply
        self._pipeline = pipeline

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        if not self.closed:
            self.fed.append(event)

    def answer(self, event: Event) -> None:
        """See ``Fed``."""
        deliver(self._reply, event, self._pipeline)


class Outbound(Outside):
    """A connection that a filter under test asked for.

    :ivar address: host and port.
    :ivar options: as the filter gave them.
    """

    def __init__(self, address: tuple[str, int], options: Any, reply: Emit, pipeline: Any, finish: Callable[[], None]) -> None:
        super().__init__(f"{address[0]}:{address[1]}", reply, pipeline, finish)
        self.address = address
        self.options = options


class Process(Outside):
    """A child process that a filter under test asked for.

    :ivar arguments: the program and its arguments. :ivar options: as the filter gave them.
    :ivar exited: takes the exit code.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        options: Any,
        reply: Emit,
        exited: Callable[[int], None],
        pipeline: Any,
        finish: Callable[[], None],
    ) -> None:
        super().__init__(arguments[0], reply, pipeline, finish)
        self.arguments = arguments
        self.options = options
        self.exited = exited
