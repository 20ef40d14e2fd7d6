"""The commands of a test written in JavaScript: what each of them does to the trial."""

from collections.abc import Callable
from typing import Any

from pipy_core.events import Failure, Message
from pipy_core.trial.bench import ASSIGN_GIVEN, DONE, FAILED, Bench
from pipy_core.trial.desk import Desk


class Commands:
    """Each method does one command, whose number and arguments it gets.

    It gives None if that is all, or what it waits for, in words; then the test is told later.
    """

    def __init__(self, bench: Bench, desk: Desk) -> None:
        self._bench = bench
        self._desk = desk
        self._trial = desk.trial
        self._by_name: dict[str, Callable[..., str | None]] = {
            "load": self._load,
            "advance": self._advance,
            "open": self._open,
            "pipeline": self._pipeline,
            "send": lambda _, handle, payload: desk.client(handle).send(payload),
            "end": lambda _, handle: desk.client(handle).end(),
            "abort": lambda _, handle: desk.client(handle).abort(),
            "request": self._request,
            "request_once": self._request_once,
            "feed": lambda _, handle, events: desk.stream(handle).feed(events),
            "feed_end": lambda _, handle: desk.stream(handle).end(),
            "ask": self._ask,
            "upstream_send": lambda _, handle, payload: desk.handles[handle].send(payload),
            "upstream_close": self._close_upstream,
            "run_task": self._run_task,
            "start_task": self._start_task,
        }

    def perform(self, number: int, name: str, args: tuple[Any, ...]) -> str | None:
        """Do the command *name*; see the class.

        :raises PipyError, TypeError, ValueError, OSError: it cannot be done.
        """
        return self._by_name[name](number, *args)

    def _load(self, _number: int) -> None:
        self._trial.program  # noqa: B018  # loads it

    def _advance(self, _number: int, seconds: Any) -> None:
        self._trial.program  # noqa: B018  # nothing happens to a script that is not there
        self._trial.advance(seconds)

    def _open(self, _number: int, handle: int, address: Any, options: Any) -> None:
        self._desk.handles[handle] = self._trial.open(address, options)

    def _pipeline(self, _number: int, handle: int, name: str, options: Any) -> None:
        stream = self._trial.stream(name, options)
        program = self._trial.program
        if program.has_functions:
            self._bench.tell(ASSIGN_GIVEN, handle, stream.context.number, program.number, stream.module)
        self._desk.handles[handle] = stream

    def _request(self, number: int, handle: int, message: Message) -> str:
        self._desk.client(handle).request(message, lambda response: self._responded(number, response))
        return f"the response to {_words(message)}"

    def _request_once(self, number: int, address: Any, message: Message) -> str:
        client = self._trial.open(address)

        def done(response: Message | str) -> None:
            self._responded(number, response)
            client.end()

        client.request(message, done)
        return f"the response to {_words(message)}"

    def _ask(self, number: int, handle: int, message: Message) -> str:
        self._desk.stream(handle).request(message, lambda response: self._responded(number, response))
        return "a message to come out of the pipeline"

    def _close_upstream(self, _number: int, handle: int, reset: bool) -> None:
        self._desk.handles[handle].close(Failure.READ_ERROR if reset else Failure.NONE)

    def _run_task(self, _number: int, which: Any) -> None:
        self._trial.surroundings.run(self._trial.task(which).run)

    def _start_task(self, _number: int, which: Any) -> None:
        self._trial.task(which).start()

    def _responded(self, number: int, response: Message | str) -> None:
        self._desk.waiting.pop(number, None)
        if isinstance(response, str):
            self._desk.news.append((FAILED, number, "Error", response))
        else:
            self._desk.news.append((DONE, number, response))


def _words(message: Message) -> str:
    head = message.head.fields if message.head is not None else {}
    return f"{head.get('method', 'GET')} {head.get('path', '/')}"
