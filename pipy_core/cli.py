"""The command line: what the words mean, and what is printed. Starts nothing itself (spec: cli-admin.md, 1)."""

import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipy_core import app, faults, settings
from pipy_core.codebase.location import is_url, parse_location
from pipy_core.errors import ArgumentError, LoadError, PipyError
from pipy_core.options import OPTIONS
from pipy_core.reference import terminal
from pipy_core.reference.examples import example_of
from pipy_core.settings import Settings
from pipy_core.usage import FLAGS, usage, versions

_ACTIONS: Final = {
    "-h": "help",
    "-help": "help",
    "--help": "help",
    "-v": "version",
    "-version": "version",
    "--version": "version",
    "--list-filters": "list-filters",
    "--help-filters": "help-filters",
}

#: Which action wins when several are asked for.
_PRECEDENCE: Final = ("version", "help", "list-filters", "help-filters", "run")

#: The address of a service, and nothing that can be a script.
_SERVICE: Final = re.compile(r"[\w.-]+:\d+/?")

#: Commands that are imported only when they are asked for (``contrib/decisions``).
_TESTING: Final = "pipy_core.trial.command"
_CONSOLE: Final = "pipy_core.console.command"

_TYPES: Final = """\
Usage: pipy types [<filename>]

Prints TypeScript declarations of everything that scripts and their tests can use, and of the variables of a script.\
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What the command line asks for.

    :ivar action: one of ``_PRECEDENCE``.
    :ivar name: the script, or the filter to explain; empty if none was given.
    :ivar flags: settings that were switched on.
    :ivar values: options and the text given for them.
    """

    action: str
    name: str
    flags: tuple[str, ...]
    values: tuple[tuple[str, str], ...]

    def choose(self, environ: Mapping[str, str]) -> Settings:
        """The settings of the environment, changed by those of the command line.

        :raises ArgumentError: a value is wrong.
        """
        result = settings.from_environment(environ)
        for option, text in self.values:
            result = settings.with_value(result, option, text)
        switched_on: dict[str, Any] = dict.fromkeys(self.flags, True)
        return replace(result, **switched_on)


def parse(argv: Sequence[str]) -> Command:
    """Take *argv*, without the program's name, apart. Options and the one file name may stand in any order.

    :raises ArgumentError: an unknown option, or more than one file name.
    """
    actions, flags, values, names = {"run"}, [], [], []
    for word in argv:
        option, equals, text = word.partition("=")
        if not word.startswith("-"):
            names.append(word)
        elif word in FLAGS:
            flags.append(FLAGS[word][0])
        elif word in _ACTIONS:
            actions.add(_ACTIONS[word])
        elif option == "--help-filters":
            actions.add("help-filters")
            names.append(text)
        elif option.removeprefix("--") in OPTIONS and equals:
            values.append((option.removeprefix("--"), text))
        else:
            raise ArgumentError(_refusal(option))
    if len(names) > 1:
        raise ArgumentError(f"redundant filename: {names[1]}")
    action = min(actions, key=_PRECEDENCE.index)
    return Command(action, names[0] if names else "", tuple(flags), tuple(values))


def _refusal(option: str) -> str:
    """Why *option*, as it was written, is refused."""
    if option.removeprefix("--") in OPTIONS:
        return f"option without a value: {option}; write {option}=<value>"
    if option in FLAGS or option in _ACTIONS:
        return f"option takes no value: {option}"
    known = [*_ACTIONS, *FLAGS, *(f"--{name}" for name in OPTIONS)]
    similar = difflib.get_close_matches(option, known, cutoff=0.75)
    return f"unknown option: {option}" + (f"; did you mean {' or '.join(similar)}?" if similar else "")


def find_script(name: str) -> str:
    """The absolute path of the script called *name*, or its URL.

    :raises ArgumentError: there is none, or it cannot be read.
    """
    if not name:
        raise ArgumentError("no filename given; pipy --help tells more")
    if is_url(name):
        parse_location(name)
        return name
    try:
        path = Path(name).absolute()
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:  # a name that is too long, a directory that may not be looked into or that is gone
        raise ArgumentError(f"cannot open file: {name}: {error.strerror}") from None
    if not exists:
        service = "; there is no console for the repository of a server" if _SERVICE.fullmatch(name) else ""
        raise ArgumentError(f"file or directory not found: {name}{service}")
    if not is_file:
        raise ArgumentError(f"cannot open file: {name}: it is not a file")
    if not os.access(path, os.R_OK):
        raise ArgumentError(f"cannot open file: {name}: permission denied")
    return str(path)


def explain_filters(chosen: Settings, name: str) -> str:
    """What ``--help-filters`` prints: all filters, or the one called *name*.

    :raises ArgumentError: there is no such filter; names similar ones.
    """
    registry, _ = app.load_plugins(chosen)
    specs = {spec.name: spec for spec in registry.filters()}
    if not name:
        return "\n".join(map(terminal.describe, specs.values()))
    if name not in specs:
        similar = difflib.get_close_matches(name, specs, cutoff=0.5)
        raise ArgumentError(f"no such filter: {name}" + (f"; did you mean {' or '.join(similar)}?" if similar else ""))
    return terminal.describe(specs[name], example_of(specs[name]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code. Mistakes of the user are told on standard error; code 1, or 2 from ``pipy test``."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if words and words[0] in _COMMANDS:
            return _COMMANDS[words[0]](words[1:])
        command = parse(words)
        if command.action == "help":
            return _print(usage())
        if command.action == "version":
            return _print(versions(command.choose(os.environ).engine))
        chosen = command.choose(os.environ)
        if command.action == "list-filters":
            return _print(terminal.overview(app.load_plugins(chosen)[0].filters()))
        if command.action == "help-filters":
            return _print(explain_filters(chosen, command.name))
        return app.run(replace(chosen, script=find_script(command.name or chosen.script)))
    except LoadError as error:
        print("\n".join(faults.render(error)), file=sys.stderr)
    except PipyError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _types(words: Sequence[str]) -> int:
    command = parse(words)
    if command.action != "run":
        return _print(_TYPES)
    if is_url(command.name):
        raise ArgumentError(f"cannot open file: {command.name}: pipy types expects a local file")
    chosen = command.choose(os.environ)
    return _print(app.declare(replace(chosen, script=find_script(command.name) if command.name else "")))


def _test(words: Sequence[str]) -> int:
    command = importlib.import_module(_TESTING)
    try:
        wanted = command.parse(words, os.environ)
    except ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    return _print(command.USAGE.rstrip()) if wanted.help else int(command.run(wanted, _print))


def _console(name: str, words: Sequence[str]) -> int:
    command = importlib.import_module(_CONSOLE)
    return int(command.run(command.parse((name, *words), os.environ), _print))


#: Commands of their own: what runs each, given the words behind its name.
_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "status": partial(_console, "status"),
    "test": _test,
    "top": partial(_console, "top"),
    "types": _types,
}


def _print(text: str) -> int:
    try:
        print(text, flush=True)
    except OSError as error:
        # What is left in the buffer would fail once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # its reader, such as head, had enough
            print(f"cannot write: {error.strerror}", file=sys.stderr)
        return 1
    return 0
