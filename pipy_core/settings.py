"""What a user can set for the whole process, and how it is spelled. The only place that reads ``PIPY_*`` from the environment.

Knows neither argv nor what the settings are used for.
"""

import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pipy_core.errors import ArgumentError
from pipy_core.kit import units

LOG_LEVELS: Final = ("debug", "info", "warn", "error")
LOG_FORMATS: Final = ("text", "json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set from outside the script.

    :ivar script: the absolute path of the script to run.
    :ivar verify: load the script, say whether it is good, and end.
    :ivar log_level: one of ``LOG_LEVELS``.
    :ivar log_format: one of ``LOG_FORMATS``.
    :ivar reuse_port: listen with ``SO_REUSEPORT``, so that several processes share the ports.
    :ivar load_timeout: seconds of CPU that evaluating one script file may take.
    :ivar call_timeout: seconds of CPU that one call of a script function may take.
    :ivar heap_limit_mb: how large the heap of scripts may grow, in megabytes.
    :ivar admin_address: IP address and port of the admin service, or None.
    """

    script: str = ""
    verify: bool = False
    log_level: str = "info"
    log_format: str = "text"
    reuse_port: bool = False
    load_timeout: float = 5.0
    call_timeout: float = 1.0
    heap_limit_mb: int = 256
    admin_address: tuple[str, int] | None = None


def with_value(settings: Settings, option: str, text: str) -> Settings:
    """*settings* with one of them changed.

    :param option: one of ``OPTIONS``, such as ``log-level``.
    :raises ArgumentError: *text* is no value for it; says what it was.
    """
    name, read = OPTIONS[option]
    return replace(settings, **{name: read(text)})


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings where the command line says nothing: defaults, or what the environment gives.

    ``PIPY_CONFIG_FILE`` is the script; every option with a value has a variable: ``PIPY_LOG_LEVEL`` is ``--log-level``.
    An empty variable counts as absent.

    :raises ArgumentError: a variable has a wrong value; names it.
    """
    settings = Settings(script=environ.get("PIPY_CONFIG_FILE", ""))
    for option in OPTIONS:
        variable = "PIPY_" + option.upper().replace("-", "_")
        text = environ.get(variable, "")
        if text:
            try:
                settings = with_value(settings, option, text)
            except ArgumentError as error:
                raise ArgumentError(f"{variable}: {error}") from None
    return settings


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


#: The options with a value, without dashes: which setting each changes, and what reads its value.
OPTIONS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "admin-port": ("admin_address", _address),
    "log-level": ("log_level", _one_of("log level", LOG_LEVELS)),
    "log-format": ("log_format", _one_of("log format", LOG_FORMATS)),
    "load-timeout": ("load_timeout", _seconds("load-timeout", 3600)),
    "call-timeout": ("call_timeout", _seconds("call-timeout", 3600)),
    # Below 16 MB V8 cannot load the runtime; above 64 GB it cannot address its heap.
    "heap-limit": ("heap_limit_mb", _megabytes("heap-limit", 16, 65536)),
}
