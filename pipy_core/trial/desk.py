"""What a test written in JavaScript and the harness have in common while it runs: what it asked for, and what it is to be told."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipy_core.errors import PipyError
from pipy_core.script.host import Codebase
from pipy_core.trial.capture import Captured
from pipy_core.trial.children import Run
from pipy_core.trial.exchange import Exchange
from pipy_core.trial.results import Problem
from pipy_core.trial.streams import Client, Stream
from pipy_core.trial.trial import Trial


class NotYet(PipyError):
    """A test asks for something that has not been done yet, or that failed."""


@dataclass
class Desk:
    """One run of a test.

    :ivar codebase: the files of the test, for the places of errors.
    :ivar commands: what is to be done: number, name, where in the test, arguments.
    :ivar asks: what functions of the test are to be asked: arguments of ``Bench.tell``.
    :ivar answers: what they said: number of the exchange, answer.
    :ivar exchanges: what waits for such an answer.
    :ivar news: what the test is to be told: arguments of ``Bench.tell``.
    :ivar waiting: commands that take their time: what for, and where in the test.
    :ivar handles: connections, streams, upstreams and programs, as the test numbers them.
    """

    trial: Trial
    captured: Captured
    codebase: Codebase
    commands: deque[tuple[int, str, str, tuple[Any, ...]]] = field(default_factory=deque)
    asks: deque[tuple[Any, ...]] = field(default_factory=deque)
    answers: deque[tuple[int, Any]] = field(default_factory=deque)
    exchanges: dict[int, Exchange | Run] = field(default_factory=dict)
    keys: Iterator[int] = field(default_factory=itertools.count)  # of exchanges
    news: deque[tuple[Any, ...]] = field(default_factory=deque)
    waiting: dict[int, tuple[str, str]] = field(default_factory=dict)
    handles: dict[int, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    finished: bool = False

    def client(self, handle: int) -> Client:
        """A connection. :raises NotYet: it is not open."""
        found = self.handles.get(handle)
        if not isinstance(found, Client):
            raise NotYet("the connection is not open: await something first")
        return found

    def stream(self, handle: int) -> Stream:
        """A run of a pipeline. :raises NotYet: it does not run."""
        found = self.handles.get(handle)
        if not isinstance(found, Stream):
            raise NotYet("the pipeline does not run: await something first")
        return found
