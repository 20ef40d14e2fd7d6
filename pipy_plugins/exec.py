"""``exec(command [, options])``: the stream is the standard input of a child process, its standard output is what comes out.

There is no shell: a string is split at blanks, and nothing is quoted. Runs the program with the first event; what it does not read
in time makes whoever sends it wait. The stream ends when the output has ended and the process has too. Spec: filters.md, 5.
"""

import signal
from typing import Any

from pipy_core.api import (
    ARRAY,
    FUNCTION,
    OBJECT,
    STRING,
    ArgumentError,
    Branch,
    Event,
    Failure,
    Function,
    Joint,
    Make,
    OneOf,
    Param,
    Registry,
    ScriptError,
    StreamEnd,
    absent,
    deliver,
    dynamic,
    get_logger,
    hookimpl,
    options,
)

_log = get_logger("exec")


class Exec(Joint):
    """One run of a program."""

    @classmethod
    def prepare(cls, command: Any, settings: dict[str, Any]) -> Make:
        """See ``Filter``.

        :raises ArgumentError: there is no such place for what goes to standard error.
        """
        if settings["stderr"] not in ("inherit", "merge"):
            raise ArgumentError(f"options.stderr expects 'inherit' or 'merge', given {settings['stderr']!r}")
        return super().prepare(command, settings)

    def __init__(self, command: Any, settings: dict[str, Any]) -> None:
        self._command = command
        self._settings = settings
        self._failure = Failure.NONE
        self._over = False

    def process(self, event: Event) -> None:
        """See ``Filter``. The program also runs for a stream that only ends, unless it has failed."""
        child = self._branch
        if child is None:
            if self._over:
                return
            if isinstance(event, StreamEnd) and event.error is not Failure.NONE:
                self._end(event)
                return
            child = self._start()
            if child is None:
                self._end(StreamEnd(Failure.RUNTIME_ERROR))
                return
            self._branch = child
        child.feed(event)

    def _start(self) -> Branch | None:
        """Run the program; if that is not possible, say why."""
        arguments = _arguments(self._value(self._command))
        if not arguments:
            _log.error("command is empty" if arguments == [] else "command is not a string or an array of strings")
            return None
        variables = self._value(self._settings["env"])
        settings = {
            "env": {name: _text(value) for name, value in variables.items()} if isinstance(variables, dict) else {},
            "cwd": _text(self._value(self._settings["cwd"])),
            "merge": self._settings["stderr"] == "merge",
        }
        try:
            return self.host.spawn(arguments, settings, self._reply, self._exited)
        except OSError as error:
            _log.error(f"unable to exec: {error.filename or arguments[0]}: {error.strerror}")
        except ValueError as error:
            _log.error(f"unable to exec: {arguments[0]!r}: {error}")
        return None

    def _value(self, setting: Any) -> Any:
        return self.host.call(setting, plain=True) if isinstance(setting, Function) else setting

    def _end(self, event: StreamEnd) -> None:
        self._over = True
        self.emit(event)

    # -- from the child ---------------------------------------------------------------------------------------------

    def _reply(self, event: Event) -> None:
        if isinstance(event, StreamEnd) and self._failure is not Failure.NONE:
            event = StreamEnd(self._failure)
        deliver(self.emit, event, self.host)
        self.host.context.group.notify()

    def _exited(self, code: int) -> None:
        on_exit = self._settings["onExit"]
        if on_exit is None:
            return
        try:
            if code < 0:
                self.host.call(on_exit, None, _name_of(-code))
            else:
                self.host.call(on_exit, code, None)
        except ScriptError as error:
            self.host.report(error)
            self._failure = Failure.RUNTIME_ERROR


def _arguments(command: Any) -> list[str] | None:
    """The program and its arguments; None if *command* is something else."""
    if absent(command):
        return []
    if isinstance(command, str):
        return [part for part in command.split(" ") if part]
    if not isinstance(command, list) or not all(isinstance(part, str | int | float) for part in command):
        return None
    return [_text(part) for part in command]


def _text(value: Any) -> str:
    """*value* as a script would turn it into text; nothing is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if absent(value) else str(value)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those for realtime, which have no names
        return f"SIG{number}"


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "exec",
        Exec,
        [
            Param(
                "command",
                dynamic(OneOf((STRING, ARRAY))),
                "the program and its arguments, as an array, or as a string that is split at blanks; evaluated at the first event",
            ),
            options(
                Param("env", dynamic(OBJECT), "environment variables in addition to Pipy's own", None),
                Param("cwd", dynamic(STRING), "the directory it runs in; Pipy's own unless given", ""),
                Param(
                    "stderr", STRING, "where its standard error goes: 'inherit' to that of Pipy, 'merge' to the stream", "inherit"
                ),
                Param("onExit", FUNCTION, "gets the exit code and null, or null and the name of the signal that ended it", None),
            ),
        ],
        help="Runs a program: the stream is its standard input, its standard output is the stream. There is no shell. When the "
        "stream ends so does the program's input; when the stream is cut the program gets SIGTERM, and SIGKILL 5 seconds later.",
        group="network",
    )
