"""Programs that a script runs (``exec``), played by a test: no process is started."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pipy_core.events import Data, Event, StreamEnd
from pipy_core.filter import Emit, ignore
from pipy_core.trial.surroundings import Inlet, Surroundings


@dataclass
class Run:
    """One run of a program, to be answered once its input has ended."""

    arguments: Sequence[str]
    input: bytes
    answer: Callable[[bytes], None]


Play: TypeAlias = Callable[[Run], None]


class Command:
    """A program that the script may run.

    :param name: of the program, or the whole command line.
    :param play: called when the input of a run has ended; calls ``Run.answer`` with its output.
    :param exit_code: what each run ends with.
    :ivar runs: all runs whose input has ended, oldest first.
    """

    def __init__(self, name: str, play: Play, exit_code: int = 0) -> None:
        self.name = name
        self.play = play
        self.exit_code = exit_code
        self.runs: list[Run] = []


class Child:
    """One child process that is none: the ``Branch`` of the filter that asked for it. See ``net.child`` for the parameters."""

    def __init__(
        self, surroundings: Surroundings, command: Command, arguments: Sequence[str], reply: Emit, exited: Callable[[int], None]
    ) -> None:
        self._surroundings = surroundings
        self._command = command
        self._arguments = arguments
        self._reply = reply
        self._exited = exited
        self._input = bytearray()
        self._ended = False
        self._inlet = Inlet(surroundings, self._receive)

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        if self._ended:
            return
        if isinstance(event, Data):
            self._input += event.payload
        elif isinstance(event, StreamEnd):
            self._ended = True
            self._surroundings.later(0.0, self._play)

    def drain(self) -> None:
        """See ``Branch``."""

    def busy(self) -> bool:
        """See ``Branch``."""
        return self._reply is not ignore

    def close(self) -> None:
        """See ``Branch``."""
        self._reply = ignore
        self._ended = True
        self._inlet.stop()

    def _play(self) -> None:
        run = Run(self._arguments, bytes(self._input), self._answer)
        self._command.runs.append(run)
        self._command.play(run)

    def _answer(self, output: bytes) -> None:
        if output:
            self._inlet.put(Data(output))
        self._inlet.put(StreamEnd())

    def _receive(self, event: Event) -> None:
        reply = self._reply
        if isinstance(event, StreamEnd):
            self._reply = ignore
            if reply is not ignore:
                self._exited(self._command.exit_code)
        reply(event)
