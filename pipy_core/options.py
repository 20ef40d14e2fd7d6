"""The options of the command line that have a value: which setting each changes, what its text means, what it is for."""

import ipaddress
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.errors import ArgumentError
from pipy_core.kit import units
from pipy_core.kit.access import formatter
from pipy_core.limit_table import TABLE, Limit, spelled
from pipy_core.limits import DEFAULTS

LOG_LEVELS: Final = ("debug", "info", "warn", "error")
LOG_FORMATS: Final = ("text", "json")
#: How requests are logged where only the file for them is named.
DEFAULT_ACCESS_LOG: Final = "combined"
ENGINES: Final = ("auto", "v8", "quickjs")
#: Nobody has more processors for one proxy; a larger number is a slip of the finger.
MOST_THREADS: Final = 1024


@dataclass(frozen=True, slots=True)
class Option:
    """An option with a value.

    :ivar setting: which of ``Settings`` it changes; ``limits.`` is in front of one of its ``limits``.
    :ivar read: what the text given for it means; raises ``ArgumentError``.
    :ivar value: how the value is called in the usage.
    :ivar help: what it is for, in a line.
    :ivar telling: what applies unless it is given, where that is not the value of the setting.
    """

    setting: str
    read: Callable[[str], Any]
    value: str
    help: str
    telling: str = ""


def _one_of(what: str, values: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise ArgumentError(f"unknown {what}: {text}")
        return text

    return read


def _seconds(option: str, highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = units.seconds(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= highest:
            raise ArgumentError(f"invalid --{option}: {text}: expected seconds above 0 and up to {highest:g}")
        return value

    return read


def _megabytes(option: str, lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise ArgumentError(f"invalid --{option}: {text}: expected megabytes from {lowest} to {highest}")
        return int(text)

    return read


def _name(option: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text:  # a variable that is not set, in a unit or a script: the program would run as root
            raise ArgumentError(f"invalid --{option}: expected a name")
        return text

    return read


def _access_log(text: str) -> str:
    if text:
        formatter(text)
    return text


def _address(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        if host:
            ipaddress.ip_address(bare)
    except ValueError:
        bare, port = "", ""
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ArgumentError(f"invalid --admin-port: {text}: expected a port, or an IP address and a port such as 0.0.0.0:6060")
    return (bare or "127.0.0.1", int(port)) if int(port) else None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # int() takes more
        raise ValueError
    return int(text)


def _limit(row: Limit) -> Option:
    """The option for a row of the table of limits."""
    whole = row.unit != "s"

    def read(text: str) -> float:
        try:
            value = float(units.size(text) if row.unit == "bytes" else units.seconds(text) if row.unit == "s" else _count(text))
        except ValueError:
            value = math.nan
        if not (row.lowest <= value <= row.highest or (value == 0 and row.off)):
            zero = " or 0" if row.off and row.lowest else ""
            what = f"expected {row.noun} from {row.lowest:,.10g} to {row.highest:,.10g}{zero}"
            raise ArgumentError(f"invalid --{row.option}: {text}: {what}")
        return int(value) if whole else value

    zero = f"; 0: {row.off}" if row.off else ""
    return Option(f"limits.{row.name}", read, row.noun, row.purpose + zero, spelled(row, getattr(DEFAULTS, row.name)))


def _threads(text: str) -> int:
    if text == "max":
        return _processors()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_THREADS):
        raise ArgumentError(f"invalid --threads: {text}: expected a number from 1 to {MOST_THREADS}, or max")
    return int(text)


def _processors() -> int:
    """Those this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


#: The options with a value, by their names without dashes, in the order in which the usage tells of them.
OPTIONS: Final[dict[str, Option]] = {
    "log-level": Option("log_level", _one_of("log level", LOG_LEVELS), "|".join(LOG_LEVELS), "How much to log"),
    "log-format": Option("log_format", _one_of("log format", LOG_FORMATS), "|".join(LOG_FORMATS), "How to log"),
    "access-log": Option(
        "access_log", _access_log, "format", "Log every HTTP request: json, common, combined, or a format of your own"
    ),
    "access-log-file": Option(
        "access_log_file",
        str,
        "file",
        f"Where to log requests, instead of standard output; as {DEFAULT_ACCESS_LOG} unless --access-log says how",
    ),
    "threads": Option("threads", _threads, "number|max", "How many worker processes to run; max: one for each processor"),
    "user": Option("user", _name("user"), "name", "Started as root: open the ports, then run as this user"),
    "group": Option("group", _name("group"), "name", "The group of the workers, instead of the user's own"),
    "shutdown-timeout": Option(
        "shutdown_timeout",
        _seconds("shutdown-timeout", 86400),
        "seconds",
        "How long connections may go on when the program is to end",
    ),
    "drain-timeout": Option(
        "drain_timeout",
        _seconds("drain-timeout", 604800),
        "seconds",
        "How long connections of an older script may go on after a reload",
    ),
    "engine": Option("engine", _one_of("engine", ENGINES), "|".join(ENGINES), "What runs the scripts"),
    "load-timeout": Option(
        "load_timeout", _seconds("load-timeout", 3600), "seconds", "CPU time that evaluating a script file may take"
    ),
    "call-timeout": Option(
        "call_timeout", _seconds("call-timeout", 3600), "seconds", "CPU time that a call of a script function may take"
    ),
    # Below 16 MB V8 cannot load the runtime; above 64 GB it cannot address its heap.
    "heap-limit": Option(
        "heap_limit_mb", _megabytes("heap-limit", 16, 65536), "megabytes", "How large the heap of the scripts may grow"
    ),
    "admin-port": Option(
        "admin_address",
        _address,
        "[ip:]port",
        "Serve /metrics, /status, /healthz, /readyz; without an IP address to this machine only",
    ),
    "admin-token": Option("admin_token", str, "token", "What requests to the admin port have to bring as their bearer token"),
    "admin-tls-cert": Option("admin_tls_cert", str, "file", "Serve the admin port with TLS and this certificate (PEM)"),
    "admin-tls-key": Option("admin_tls_key", str, "file", "The key of that certificate"),
    "admin-tls-trusted": Option(
        "admin_tls_trusted", str, "path", "Client certificates that the admin port accepts; a file or directory"
    ),
    "tls-cert": Option("tls_cert", str, "file", "The certificate to show to the server of a remote codebase (PEM)"),
    "tls-key": Option("tls_key", str, "file", "The key of that certificate"),
    "tls-trusted": Option(
        "tls_trusted", str, "path", "Certificates accepted from the server of a remote codebase; a file or directory"
    ),
    "poll-interval": Option(
        "poll_interval",
        _seconds("poll-interval", 86400),
        "seconds",
        "How often to ask the server of a remote codebase for a new version",
    ),
    "cache-dir": Option("cache_dir", str, "directory", "Where copies of remote codebases are kept"),
    **{row.option: _limit(row) for row in TABLE},
}
