"""``pipy test``: what its words mean, and running what they ask for. Prints nothing itself."""

import difflib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipy_core import logs, settings
from pipy_core.errors import ArgumentError
from pipy_core.settings import Settings
from pipy_core.trial import report
from pipy_core.trial.results import Result
from pipy_core.trial.runner import find, load_registry, run_file
from pipy_core.trial.sheet import SUFFIX

USAGE: Final = f"""\
Usage: pipy test [options] [<file or directory> ...]

Runs the tests in files called *{SUFFIX}: those that are named, and those in directories that are named; without any, those in
this directory. proxy{SUFFIX} tests proxy.js beside it, unless it says script('...').

Options:
  -h, --help                            Show this text
  --filter=<text>                       Run only tests with this text in their name
  --show-log                            Show the log of tests that pass, too
  --log-level, --load-timeout, --call-timeout, --heap-limit
                                        As for running a script; see pipy --help

The exit code is 0 if all tests have passed, 1 if one has failed or there is none, and 2 if the command is wrong.
"""
_OPTIONS: Final = ("log-level", "load-timeout", "call-timeout", "heap-limit")


class UsageError(ArgumentError):
    """The command line of ``pipy test`` is wrong. The text says how."""


@dataclass(frozen=True)
class Wanted:
    """What a command line asks for.

    :ivar paths: files and directories.
    :ivar text: only tests with this in their names.
    :ivar help: whether only the usage is to be shown.
    """

    paths: tuple[Path, ...]
    text: str
    show_log: bool
    help: bool
    settings: Settings


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Wanted:
    """Take the words behind ``pipy test`` apart.

    :raises UsageError: they make no sense.
    """
    names, text, flags = [], "", set()
    try:
        chosen = settings.from_environment(environ)
        for word in argv:
            option, equals, value = word.partition("=")
            if not word.startswith("-"):
                names.append(word)
            elif word in ("-h", "-help", "--help", "--show-log"):
                flags.add("show-log" if word == "--show-log" else "help")
            elif option == "--filter" and equals:
                text = value
            elif option.removeprefix("--") in _OPTIONS and equals:
                chosen = settings.with_value(chosen, option.removeprefix("--"), value)
            else:
                raise UsageError(_refusal(option))
    except ArgumentError as error:
        raise UsageError(str(error)) from None
    paths = tuple(_checked(name) for name in names or ["."])
    return Wanted(paths, text, "show-log" in flags, "help" in flags, chosen)


def _refusal(option: str) -> str:
    known = ["--help", "--show-log", "--filter", *(f"--{name}" for name in _OPTIONS)]
    if option in known[:2]:
        return f"option takes no value: {option}"
    if option in known:
        return f"option without a value: {option}; write {option}=<value>"
    similar = difflib.get_close_matches(option, known, cutoff=0.75)
    return f"unknown option: {option}" + (f"; did you mean {' or '.join(similar)}?" if similar else "")


def _checked(name: str) -> Path:
    path = Path(name).absolute()
    if not path.exists():
        raise UsageError(f"file or directory not found: {name}")
    if path.is_file() and not path.name.endswith(SUFFIX):
        raise UsageError(f"not a test file: {name}; the name of one ends with {SUFFIX}")
    if not os.access(path, os.R_OK):
        raise UsageError(f"cannot open file: {name}: permission denied")
    return path


def run(wanted: Wanted, write: Callable[[str], object]) -> int:
    """Run the tests.

    :param write: gets every line of the output.
    :returns: the exit code.
    :raises PluginError: the installation is broken.
    """
    logs.configure(wanted.settings.log_level, wanted.settings.log_format)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is to be put in order
    base, began = Path.cwd(), time.perf_counter()
    registry = load_registry()
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        write(report.line(result, base))
        if wanted.show_log and result.outcome == "passed":
            for text in result.log:
                write("        " + text.replace("\n", "\n        "))

    files = dict.fromkeys(found for path in wanted.paths for found in find(path))
    for path in files:
        run_file(registry, wanted.settings, path, tell, wanted.text)
    if not results:
        write(_nothing(wanted, len(files)))
        return 1
    for result in results:
        if result.outcome == "failed":
            for each in report.failure(result, base):
                write(each)
    write("")
    write(report.summary(results, time.perf_counter() - began))
    return int(any(result.outcome == "failed" for result in results))


def _nothing(wanted: Wanted, files: int) -> str:
    if files:
        return f"no tests found with {wanted.text!r} in their name" if wanted.text else "no tests found: the files declare none"
    return f"no tests found: there is no file called *{SUFFIX}"
