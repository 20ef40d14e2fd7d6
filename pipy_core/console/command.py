"""The words of ``pipy status`` and ``pipy top``, and what comes of them."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipy_core.console.report import report
from pipy_core.console.source import Source, Unreachable
from pipy_core.console.top import INTERVAL, Top, watch
from pipy_core.errors import ArgumentError
from pipy_core.settings import Settings, from_environment, with_value

#: Those of ``pipy`` that mean something here.
OPTIONS: Final = ("admin-port", "admin-token", "tls-cert", "tls-key", "tls-trusted")
USAGE: Final = """\
Usage: pipy status [options]
       pipy top [--once] [options]

Shows how a running program is: its workers, the versions of its script, ports and connections. top goes on with it, every
second, with rates and latencies, until q is pressed; with --once, or where there is no terminal, it looks twice and prints.

Options:
  --admin-port=<[ip:]port>              The admin port of the program; default: 6060
  --admin-token=<token>                 Its token; better given as PIPY_ADMIN_TOKEN
  --tls-trusted=<path>                  Speak TLS with it, and trust these certificates
  --tls-cert=<file> --tls-key=<file>    Speak TLS with it, and show this certificate
"""


@dataclass(frozen=True)
class Wanted:
    """What the words ask for. :ivar action: ``status``, ``top`` or ``help``. :ivar once: do not go on."""

    action: str
    settings: Settings
    once: bool = False


def parse(words: Sequence[str], environ: Mapping[str, str]) -> Wanted:
    """Take *words* apart, of which the first is ``status`` or ``top``.

    :raises ArgumentError: one of them means nothing here.
    """
    action, once = words[0], False
    settings = from_environment(environ)
    for word in words[1:]:
        option, equals, text = word.partition("=")
        if word in ("-h", "-help", "--help"):
            action = "help"
        elif word == "--once" and words[0] == "top":
            once = True
        elif equals and option.removeprefix("--") in OPTIONS and option.startswith("--"):
            settings = with_value(settings, option.removeprefix("--"), text)
        else:
            raise ArgumentError(f"unknown option: {word}; pipy {words[0]} --help tells more")
    return Wanted(action, settings, once)


def run(wanted: Wanted, show: Callable[[str], int]) -> int:
    """Do it; gives the exit code.

    :param show: prints.
    :raises Unreachable: the admin port gives no answer. :raises ArgumentError: a file for TLS cannot be used.
    """
    if wanted.action == "help":
        return show(USAGE.rstrip())
    try:
        source = Source(wanted.settings)
        if wanted.action == "status":
            return show("\n".join(report(source.json("/status"))))
        if wanted.once or not sys.stdout.isatty():
            return show("\n".join(_twice(Top(source))))
        watch(source)
    except KeyError as error:
        raise Unreachable(f"what answers is no admin port of ours: its status has no {error}") from error
    return 0


def _twice(top: Top) -> list[str]:
    top.look()
    time.sleep(INTERVAL)
    return top.look()
