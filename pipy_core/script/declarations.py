"""What ``listen`` and ``task`` declare: their parameters, and the original's spellings of addresses and times. Pure.

Spec: model.md, 3.
"""

import ipaddress
import signal
import sys
from typing import Any, Final

from pipy_core.errors import ArgumentError
from pipy_core.kinds import BOOLEAN, DURATION, NUMBER, SIZE, STRING, Kind, Number, OneOf
from pipy_core.kit import units
from pipy_core.limit_table import TABLE, Limit, spelled
from pipy_core.limits import DEFAULTS
from pipy_core.params import Param, options

MAX_PORT: Final = 65535
#: A task's interval in seconds (spec: model.md, 3.2).
MIN_INTERVAL, MAX_INTERVAL = 0.01, 86400.0


def _limit(row: Limit) -> Param:
    """The option for a row of the table of limits; None: the process's own applies."""
    kind: Kind = DURATION if row.unit == "s" else SIZE if row.unit == "bytes" else Number(low=0)
    default = spelled(row, getattr(DEFAULTS, row.name)) if getattr(DEFAULTS, row.name) else "0"
    zero = f"; 0: {row.off}" if row.off else ""
    return Param(
        row.member, kind, f"{row.help}, then: {row.beyond}{zero}; unless given what --{row.option} says, {default} at first", None
    )


LISTEN: Final = (
    Param("port", OneOf((NUMBER, STRING)), "a port of all IPv4 addresses, or 'ip:port' or '[ipv6]:port'"),
    options(
        Param("maxConnections", NUMBER, "connections at a time; more wait to be accepted; -1: no limit", -1),
        *(_limit(row) for row in TABLE if row.listen),
        Param("transparent", BOOLEAN, "finds where redirected connections were meant to go; on Linux only", False),
        noun="option",
    ),
)
#: What a task may wait for (spec: model.md, 3.2), except SIGKILL and SIGSTOP, which no process ever gets to see.
SIGNALS: Final = frozenset(
    f"SIG{name}"
    for name in (
        *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "FPE", "BUS", "SEGV", "SYS", "PIPE", "ALRM", "TERM", "URG", "TSTP", "CONT"),
        *("CHLD", "TTIN", "TTOU", "IO", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH"),
    )
)
TASK: Final = (Param("when", STRING, "an interval such as '5s', the name of a signal, or nothing: once", ""),)


def parse_port(port: Any) -> tuple[str, int]:
    """``8000``, ``'127.0.0.1:8000'`` or ``'[::1]:8000'`` as address and port. Port 0 stands for no port at all.

    :raises ArgumentError: it is none of these.
    """
    if not isinstance(port, str):
        if not (0 <= port <= MAX_PORT and port == int(port)):
            raise ArgumentError(f"argument #1 (port) expects a port from 0 to {MAX_PORT}, given {port:g}")
        return "0.0.0.0", int(port)  # noqa: S104  # what the dialect says
    host, colon, digits = port.rpartition(":")
    if not (colon and host and digits.isascii() and digits.isdigit() and int(digits) <= MAX_PORT):
        raise ArgumentError(f"invalid 'ip:port' form: {port}")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        raise ArgumentError(f"invalid IP address: {host}") from None
    return bare, int(digits)


def check_listen(settings: dict[str, Any], platform: str = sys.platform) -> None:
    """Check that the options of a ``listen`` make sense, and that the system can do what they ask for.

    :raises ArgumentError: they do not, or it cannot.
    """
    for row in TABLE:
        value = settings.get(row.member) if row.listen and row.unit != "s" else None
        if value is not None and not (row.lowest <= value <= row.highest or (value == 0 and row.off)):
            raise ArgumentError(f"option.{row.member} expects {row.noun} from {row.lowest:g} to {row.highest:g}, given {value:g}")
    if settings["transparent"] and platform != "linux":
        raise ArgumentError(f"option.transparent needs Linux; this system is {platform}")


def parse_when(when: str) -> tuple[float, str]:
    """When a task runs: the interval in seconds or 0, and the name of a signal or ''.

    :raises ArgumentError: it is neither.
    """
    if not when:
        return 0.0, ""
    if when[0].isdigit() or when[0] == ".":
        try:
            interval = units.seconds(when)
        except ValueError as error:
            raise ArgumentError(f"expects {error}") from None
        if not MIN_INTERVAL <= interval <= MAX_INTERVAL:
            raise ArgumentError(f"task interval out of range: {when}")
        return interval, ""
    if when in SIGNALS and hasattr(signal, when):
        return 0.0, when
    raise ArgumentError(f"invalid signal name: {when}")
