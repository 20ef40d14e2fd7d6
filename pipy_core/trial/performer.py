"""Runs a test written in JavaScript: what it asks for is done between its steps, and it is told what came of it.

A host function must not call the isolate. So a test leaves commands, and is told the results by calls of their own.
"""

from typing import Any, Final

from pipy_core import faults
from pipy_core.errors import LoadError, PipyError, Place, ScriptError
from pipy_core.script.fault import place_of
from pipy_core.script.isolate import HeapExhausted
from pipy_core.trial.bench import BEGIN, DONE, FAILED, Bench
from pipy_core.trial.children import Run
from pipy_core.trial.commands import Commands
from pipy_core.trial.desk import Desk
from pipy_core.trial.questions import questions
from pipy_core.trial.results import Problem
from pipy_core.trial.surroundings import Stuck

#: What is wrong when a test asks for something that cannot be done; anything else is a bug of ours.
MISTAKES: Final = (PipyError, TypeError, ValueError, OSError)


class Performer:
    """One run of one test."""

    def __init__(self, bench: Bench, desk: Desk) -> None:
        self._bench = bench
        self._desk = desk
        self._commands = Commands(bench, desk)

    def run(self, index: int) -> None:
        """Run the test number *index* of the loaded file to its end; what is wrong goes to the desk.

        :raises HeapExhausted: the isolate cannot be used any more.
        """
        desk = self._desk
        self._bench.add_host_functions(questions(desk))
        try:
            self._bench.tell(BEGIN, index)
            self._settle()
            while not desk.finished or desk.commands or desk.news:
                if not self._step():
                    desk.problems.append(self._stuck())
                    return
        except Stuck as error:
            desk.problems.append(Problem(str(error)))
        except ScriptError as error:  # it was stopped
            desk.problems.append(Problem(error.message.replace("the script was", "the test was", 1)))

    def _step(self) -> bool:
        """Tell one piece of news, or do one command; false if there is nothing to do."""
        desk = self._desk
        desk.trial.surroundings.check_deadline()
        if desk.news:
            self._bench.tell(*desk.news.popleft())
        elif desk.commands:
            self._do(*desk.commands.popleft())
        else:
            return False
        self._settle()
        return True

    def _do(self, number: int, name: str, at: str, args: tuple[Any, ...]) -> None:
        desk = self._desk
        try:
            waits_for = self._commands.perform(number, name, args)
        except HeapExhausted:
            raise
        except MISTAKES as error:
            desk.news.append((FAILED, number, *_words(error)))
            return
        if waits_for is not None:
            desk.waiting[number] = (waits_for, at)
        self._settle()
        if waits_for is None:
            desk.news.append((DONE, number, None))

    def _settle(self) -> None:
        """Let everything happen that needs no time, and have the test's own upstreams answer."""
        desk = self._desk
        desk.trial.surroundings.settle()
        while desk.asks or desk.answers:
            if desk.asks:
                self._bench.tell(*desk.asks.popleft())
            else:
                self._answer(*desk.answers.popleft())
            desk.trial.surroundings.settle()

    def _answer(self, number: int, answer: Any) -> None:
        exchange = self._desk.exchanges.pop(number)
        try:
            if isinstance(exchange, Run):
                exchange.answer(_output(answer))
            else:
                exchange.answer(answer)
        except (PipyError, TypeError, ValueError) as error:
            self._desk.problems.append(Problem(str(error)))

    def _stuck(self) -> Problem:
        desk = self._desk
        if not desk.waiting:
            return Problem("the test waits for something that never comes, and that is not of the test kit")
        left = desk.trial.surroundings.until_next()
        clock = "no timer is running" if left is None else f"the next timer goes off in {left:g} s: await t.advance({left:g})"
        whats, places = zip(*desk.waiting.values(), strict=True)
        text = f"the test waits for {' and '.join(whats)}, and nothing more happens; {clock}"
        return Problem(text, place_of(places[0], desk.codebase) or Place())


def _words(error: Exception) -> tuple[str, str]:
    """The name and the text of an error, for the test."""
    if isinstance(error, LoadError):
        return "LoadError", "the script cannot be loaded\n" + "\n".join(faults.render(error))
    if isinstance(error, ScriptError):
        return error.kind, error.message
    return ("TypeError" if isinstance(error, TypeError) else "Error"), str(error)


def _output(answer: Any) -> bytes:
    if isinstance(answer, bytes):
        return answer
    if isinstance(answer, str):
        return answer.encode()
    if not answer:
        return b""
    raise TypeError(f"a program gives text or Data, not {answer!r}")
