"""Driving a script from a test written in Python: what the pytest fixture ``pipy_script`` gives.

Everything is done on the reactor's thread, and when a call returns all that can happen without time has happened.
"""

from collections.abc import Callable, Mapping
from contextlib import chdir
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipy_core import faults
from pipy_core.errors import LoadError
from pipy_core.trial import streams, upstreams
from pipy_core.trial.bench import ASSIGN
from pipy_core.trial.capture import Captured, capture
from pipy_core.trial.children import Command, Run
from pipy_core.trial.exchange import Exchange
from pipy_core.trial.handles import PipelineRun, Port, Task, Upstream
from pipy_core.trial.manner import manner
from pipy_core.trial.messages import Answer, payload, request_from, to_message
from pipy_core.trial.thread import BenchThread
from pipy_core.trial.trial import Trial

T = TypeVar("T")


class Script:
    """A script under test: loaded when it is first needed, afresh for each test.

    :param path: of the script.
    :param files: content by path from the directory of the script, instead of files on the disk; None: there is no such file.
    :ivar trial: the machinery; ``trial.exit_code`` is what the script has said to ``pipy.exit``.
    """

    def __init__(self, thread: BenchThread, path: Path, files: Mapping[str, bytes | str | None] | None = None) -> None:
        self._thread = thread
        self._path = path
        self._captured = Captured()
        self._raised: list[Exception] = []  # by functions that answer
        given = {f"/{name.lstrip('/')}": None if content is None else payload(content) for name, content in (files or {}).items()}
        self.trial = thread.do(Trial, thread.bench, path, given)

    def _do(self, work: Callable[..., T], *args: Any) -> T:
        """Do *work* on the reactor's thread, and let everything happen that follows from it without time."""
        __tracebackhide__ = True
        result: T = self._thread.do(self._step, work, args)
        if self._raised:
            raise self._raised.pop(0)
        problems, self.trial.surroundings.problems = self.trial.surroundings.problems, []
        assert not problems, "\n".join(dict.fromkeys(problems))
        return result

    def _step(self, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        __tracebackhide__ = True
        with chdir(self._path.parent), capture(self._captured):
            self.trial.surroundings.extend()  # who debugs a test may take a while between its steps
            try:
                result = work(*args)
            except LoadError as error:
                error.add_note("\n".join(faults.render(error)))
                raise
            self.trial.surroundings.settle()
            return result

    # -- what is driven ---------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Load the script now. :raises LoadError: it cannot be loaded."""
        self._do(lambda: self.trial.program)

    def port(self, address: int | str | None = None) -> Port:
        """A port that the script listens on, as it says itself: ``8000``, ``"127.0.0.1:8000"``; None: the only one there is."""
        return Port(self._do, self.trial, address)

    def pipeline(
        self, name: str, variables: Mapping[str, Any] | None = None, *, module: str | None = None, **inbound: Any
    ) -> PipelineRun:
        """Run a named pipeline.

        :param variables: values of script variables in it; JSON-like ones.
        :param module: the file that declares it, unless that is the script itself.
        :param inbound: ``remoteAddress``, ``remotePort``, ``localAddress``: what scripts see in ``__inbound``.
        :raises NotThere: there is none. :raises ScriptError: there is no such variable.
        """
        options = inbound if module is None else {**inbound, "module": module}
        return PipelineRun(self._do, self.trial, self._do(self._start, name, dict(variables or {}), options))

    def _start(self, name: str, variables: dict[str, Any], options: dict[str, Any]) -> streams.Stream:
        stream = self.trial.stream(name, options)
        if variables:
            self._thread.bench.tell(ASSIGN, stream.context.number, self.trial.program.number, stream.module, variables)
        return stream

    def task(self, which: str | int | None = None) -> Task:
        """A task of the script: by what the script says to ``task``, or by its number from 1; None: the only one there is."""
        return Task(self._do, self.trial, self._do(self.trial.task, which))

    def advance(self, seconds: float) -> None:
        """Let time pass, for timers and for ``Date``."""
        self._do(self.trial.advance, seconds)

    def set_date(self, date: datetime | float) -> None:
        """Set what ``Date`` says from now on, without letting time pass; every test begins at 2025-01-01T00:00:00Z.

        :param date: or seconds since 1970.
        """
        self.trial.surroundings.date = date.timestamp() if isinstance(date, datetime) else date

    # -- what is played ---------------------------------------------------------------------------------------------

    def upstream(
        self,
        address: str,
        answer: Answer | Port = None,
        *,
        tcp: bool = False,
        refuse: bool | str = False,
        connect_delay: float = 0.0,
        delay: float = 0.0,
        close_after: int | None = None,
        greeting: bytes | str = b"",
    ) -> Upstream:
        """Describe a server that the script may connect to; a second time, another one in its place.

        :param address: as the script says it: ``localhost:8080``.
        :param answer: what it answers every request with, or a function that is given the ``Request``. It cannot drive the script.
            A port of the script: the connection is passed on to that.
        :param tcp: it does not speak HTTP: it answers bytes, as they come, with bytes.
        :param refuse: connecting fails, with ``ConnectionRefused`` or with the error that is named, such as ``CannotResolve``.
        :param connect_delay: seconds that connecting takes; ``math.inf``: it never works.
        :param delay: seconds before each answer.
        :param close_after: bytes after which it closes the connection, whatever is left to be sent.
        :param greeting: what it sends as soon as it is connected.
        """
        options = {"refuse": refuse, "connectDelay": connect_delay, "delay": delay, "closeAfter": close_after, "greeting": greeting}
        relay = partial(self.trial.relay, answer.address) if isinstance(answer, Port) else None
        upstream = upstreams.Upstream(address, self._answering(answer), manner(options, raw=tcp), relay)
        self.trial.upstreams[address] = upstream
        return Upstream(self._do, upstream)

    def _answering(self, answer: Answer | Port) -> upstreams.Answer:
        def respond(exchange: Exchange) -> None:
            asked = exchange.asked if isinstance(exchange.asked, bytes) else request_from(exchange.asked)
            try:
                exchange.answer(to_message(answer(asked) if callable(answer) else answer))
            except Exception as error:  # noqa: BLE001  # raised again where the test has made this happen
                self._raised.append(error)

        return upstreams.silent if answer is None or isinstance(answer, Port) else respond

    def program(self, name: str, output: bytes | str | Callable[[bytes], bytes | str] = b"", *, exit_code: int = 0) -> Command:
        """Describe a program that the script may run with ``exec``.

        :param name: of the program, or the whole command line.
        :param output: what it prints when its input has ended, or a function that is given that input.
        """

        def play(run: Run) -> None:
            try:
                run.answer(payload(output(run.input) if callable(output) else output))
            except Exception as error:  # noqa: BLE001  # as above
                self._raised.append(error)

        command = self.trial.commands[name] = Command(name, play, exit_code)
        return command

    # -- what came of it --------------------------------------------------------------------------------------------

    @property
    def log(self) -> list[str]:
        """What was logged so far, without the time: ``[INF] hello``."""
        return list(self._captured.lines)

    def logged(self, text: str) -> int:
        """How many lines with *text* in them were logged; none fails the test. Errors of the script among them are expected."""
        found = {number for number, line in enumerate(self._captured.lines) if text in line}
        assert found, f"{text!r} was not logged, but this was:\n" + "\n".join(self._captured.lines)
        self._captured.expected |= found
        return len(found)

    def check(self) -> None:
        """Nothing has gone wrong besides what the test has looked at. The fixture does this when the test is over."""
        __tracebackhide__ = True
        failures = [f"the script failed, and no logged() expects it:\n{text}" for text in self._captured.unexpected()]
        assert not failures, "\n".join(failures)

    def close(self) -> None:
        """End everything that still runs."""
        self._do(self.trial.close)
