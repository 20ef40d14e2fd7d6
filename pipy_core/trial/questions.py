"""What a test written in JavaScript asks and gets at once: host functions, which only look and note down (see ``kit.js``)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipy_core.context import UNDEFINED
from pipy_core.events import Data, Event, Message, MessageStart
from pipy_core.trial.bench import ASK
from pipy_core.trial.children import Command, Run
from pipy_core.trial.desk import Desk, NotYet
from pipy_core.trial.exchange import Exchange
from pipy_core.trial.links import Link
from pipy_core.trial.manner import manner
from pipy_core.trial.results import problem_of
from pipy_core.trial.streams import Client, Stream
from pipy_core.trial.upstreams import Upstream, silent


def questions(desk: Desk) -> dict[str, Callable[..., Any]]:
    """All of them, by name, for one run of a test."""
    return {
        **_notes(desk),
        **_looks(desk),
        "test.upstream": partial(_upstream, desk),
        "test.exec": partial(_exec, desk),
        "test.file": partial(_file, desk),
    }


def _notes(desk: Desk) -> dict[str, Callable[..., Any]]:
    def command(number: int, name: str, at: str, *args: Any) -> None:
        desk.commands.append((number, name, at, args))

    def failure(fault: str) -> None:
        desk.problems.append(problem_of(fault, desk.codebase))

    def finished(fault: str | None) -> None:
        desk.finished = True
        if fault is not None:
            failure(fault)

    def set_date(milliseconds: float | None) -> None:
        if not isinstance(milliseconds, int | float) or milliseconds != milliseconds:  # noqa: PLR0124  # NaN
            raise TypeError("setDate() expects a date")
        desk.trial.surroundings.date = milliseconds / 1000

    return {
        "test.command": command,
        "test.failure": failure,
        "test.finished": finished,
        "test.answer": lambda number, answer: desk.answers.append((number, answer)),
        "test.expected": desk.captured.expected.update,
        "test.setDate": set_date,
    }


def _looks(desk: Desk) -> dict[str, Callable[..., Any]]:
    handles = desk.handles

    def upstream(number: int) -> Upstream:
        found: Upstream = handles[number]
        return found

    return {
        "test.lines": lambda: list(desk.captured.lines),
        "test.exitCode": lambda: desk.trial.exit_code,
        "test.received": lambda number: bytes(handles[number].received) if number in handles else b"",
        "test.closed": lambda number: number in handles and handles[number].closed,
        "test.error": lambda number: handles[number].error if number in handles else "",
        "test.context": partial(_context, desk),
        "test.outputCount": lambda number: len(handles[number].output) if number in handles else 0,
        "test.output": lambda number, index: _event(desk.stream(number).output[index]),
        "test.messageCount": lambda number: len(handles[number].messages()) if number in handles else 0,
        "test.messageHead": lambda number, index: _head(desk.stream(number).messages()[index]),
        "test.messageBody": lambda number, index: _body(desk.stream(number).messages()[index]),
        "test.requestCount": lambda number: len(upstream(number).requests),
        "test.requestHead": lambda number, index: _head(upstream(number).requests[index]),
        "test.requestBody": lambda number, index: _body(upstream(number).requests[index]),
        "test.connectionCount": lambda number: len(upstream(number).links),
        "test.upstreamReceived": lambda number: upstream(number).received,
        "test.runCount": lambda number: len(handles[number].runs),
        "test.runArguments": lambda number, index: list(handles[number].runs[index].arguments),
        "test.runInput": lambda number, index: handles[number].runs[index].input,
    }


def _context(desk: Desk, number: int) -> list[Any]:
    """Where the variables of a connection or stream are: context, program, module."""
    opened: Client | Stream | None = desk.handles.get(number)
    if opened is None:
        raise NotYet("it does not run yet: await something first")
    if not desk.trial.program.has_functions:
        raise NotYet("the script has no functions: its variables have their initial values for ever")
    return [opened.context.number, desk.trial.program.number, opened.module]


def _event(event: Event) -> Any:
    if isinstance(event, MessageStart):
        return {"head": None if event.head is None else event.head.fields}
    return event


def _head(message: Message) -> Any:
    return None if message.head is None else message.head.fields


def _body(message: Message) -> bytes:
    return b"" if message.body is None else message.body.payload


def _upstream(desk: Desk, number: int, address: str, raw: bool, kind: str, content: Any, options: Mapping[str, Any]) -> None:
    def ask(exchange: Exchange) -> None:
        key = next(desk.keys)
        desk.exchanges[key] = exchange
        asked = Data(exchange.asked) if isinstance(exchange.asked, bytes) else exchange.asked
        desk.asks.append((ASK, number, key, asked))

    def give(exchange: Exchange) -> None:
        exchange.answer(content)

    def pass_on(link: Link) -> Client:
        return desk.trial.relay(content, link)

    if kind == "constant" and isinstance(content, Message) == raw:
        raise TypeError(
            f"{'a tcp' if raw else 'an HTTP'} upstream answers with {'text or Data' if raw else 'a Message, text or Data'}"
        )
    answer = {"asks": ask, "constant": give}.get(kind, silent)
    upstream = Upstream(address, answer, manner(options, raw=raw), pass_on if kind == "port" else None)
    desk.handles[number] = desk.trial.upstreams[address] = upstream


def _exec(desk: Desk, number: int, name: str, output: Any, options: Mapping[str, Any]) -> None:
    def ask(run: Run) -> None:
        key = next(desk.keys)
        desk.exchanges[key] = run
        desk.asks.append((ASK, number, key, Data(run.input)))

    unknown = set(options) - {"exitCode"}
    if unknown:
        raise TypeError(f"a program has no option {min(unknown)}")
    play = ask if output is None or output is UNDEFINED else lambda run: run.answer(output)
    command = Command(name, play, int(options.get("exitCode", 0)))
    desk.handles[number] = desk.trial.commands[name] = command


def _file(desk: Desk, path: str, content: Any) -> None:
    if desk.trial.loaded:
        raise NotYet("the script is loaded already: call t.file() before anything that needs it")
    desk.trial.files["/" + path.removeprefix("./").lstrip("/")] = content
