"""What the command line tells of itself: its usage, and the versions of all that takes part."""

import importlib.metadata
import platform
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from pipy_core import __version__
from pipy_core.options import OPTIONS
from pipy_core.plugins import installed
from pipy_core.script import engines
from pipy_core.settings import Settings

#: Switches: which setting each turns on, and what it is for.
FLAGS: Final = {
    "--verify": ("verify", "Load the script, say whether it is good, and exit"),
    "--watch": ("watch", "Reload when files of the script change"),
    "--reuse-port": ("reuse_port", "Listen with SO_REUSEPORT, so that several processes can share the ports"),
}

_USAGE: Final = (
    ("-h, -help, --help", "Show this text"),
    ("-v, -version, --version", "Show the versions of Pipy, of what it runs on, and of the plugins found"),
    ("--list-filters", "List all filters"),
    ("--help-filters[=<name>]", "Explain all filters, or one of them"),
)


#: Where explanations begin, and how long their lines are.
_COLUMN: Final = 40
_WIDTH: Final = 100


def usage() -> str:
    """What ``--help`` prints."""
    lines = ["Usage: pipy [options] <filename or URL>", "       pipy test [options] [<file or directory> ...]"]
    lines += ["       pipy types [<filename>]", "       pipy status | top [options]", "", "Options:"]
    rows = [*_USAGE, *((flag, explanation) for flag, (_, explanation) in FLAGS.items())]
    limits: list[tuple[str, str]] = []
    defaults = Settings()
    for name, option in OPTIONS.items():
        default = option.telling or getattr(defaults, option.setting)
        telling = f"; default: {default:g}" if isinstance(default, float | int) else f"; default: {default}" if default else ""
        section = limits if option.setting.startswith("limits.") else rows
        section.append((f"--{name}=<{option.value}>", f"{option.help}{telling}"))
    lines += [
        *_rows(rows),
        "",
        "Limits (docs/limits.md tells what happens beyond each; listen() has options for most):",
        *_rows(limits),
    ]
    lines += ["", "An option with a value can be given in the environment as well: PIPY_LOG_LEVEL=debug for --log-level=debug."]
    lines += ["PIPY_CONFIG_FILE is the script to run if the command line names none.", ""]
    return "\n".join(lines)


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for words, explanation in rows:
        first, *more = textwrap.wrap(explanation, _WIDTH)
        beside = len(words) < _COLUMN - 2
        yield f"  {words:<{_COLUMN - 2}}{first}" if beside else f"  {words}\n{'':{_COLUMN}}{first}"
        yield from (f"{'':{_COLUMN}}{line}" for line in more)


def versions(engine: str) -> str:
    """What ``--version`` prints.

    :param engine: the setting.
    """
    try:
        runs_scripts = engines.version(engine)
    except engines.EngineMissing as error:
        runs_scripts = ("Engine", str(error))
    plugins = installed()
    strangers = [str(each) for each in plugins if not each.built_in]
    rows = [
        ("Version", __version__),
        runs_scripts,
        ("Python", platform.python_version()),
        ("gevent", importlib.metadata.version("gevent")),
        ("Host", f"{platform.system()} {platform.machine()}"),
        ("Plugins", f"{len(plugins) - len(strangers)} built in"),
    ]
    rows += [("", each) for each in strangers]
    return "\n".join(f"{name:<12}: {value}" if name else f"{'':14}{value}" for name, value in rows)
