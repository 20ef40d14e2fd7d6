"""Values from the command line and the environment."""

import dataclasses
import os

import pytest

from pipy_core import logs
from pipy_core.errors import ArgumentError
from pipy_core.limits import Limits
from pipy_core.options import LOG_LEVELS, OPTIONS
from pipy_core.settings import Settings, from_environment, with_value

#: What is no address of the admin port.
ADDRESSES = "expected a port, or an IP address and a port such as 0.0.0.0:6060"
ADMIN_MISTAKES = [
    "",
    "-1",
    "65536",
    "six",
    "6060x",
    ":6060:",
    "host:6060",
    "1.2.3:6060",
    "[::1:6060",
    "::1:x",
    "1.2.3.4:",
    "\u0661",
]


@pytest.mark.parametrize(
    ("option", "text", "name", "value"),
    [
        ("log-level", "debug", "log_level", "debug"),
        ("log-format", "json", "log_format", "json"),
        ("load-timeout", "10", "load_timeout", 10.0),
        ("call-timeout", "0.25", "call_timeout", 0.25),
        ("call-timeout", "1m", "call_timeout", 60.0),
        ("heap-limit", "16", "heap_limit_mb", 16),
        ("admin-port", "6060", "admin_address", ("127.0.0.1", 6060)),
        ("admin-port", "0.0.0.0:6060", "admin_address", ("0.0.0.0", 6060)),
        ("admin-port", "[::1]:6060", "admin_address", ("::1", 6060)),
        ("admin-port", "0", "admin_address", None),
        ("threads", "4", "threads", 4),
        ("shutdown-timeout", "5", "shutdown_timeout", 5.0),
        ("drain-timeout", "1h", "drain_timeout", 3600.0),
        ("engine", "quickjs", "engine", "quickjs"),
        ("admin-token", "secret", "admin_token", "secret"),
    ],
)
def test_a_value_changes_one_setting(option: str, text: str, name: str, value: object) -> None:
    assert with_value(Settings(), option, text) == dataclasses.replace(Settings(), **{name: value})


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("log-level", "loud", "unknown log level: loud"),
        ("log-level", "", "unknown log level: "),
        ("log-format", "xml", "unknown log format: xml"),
        ("call-timeout", "0", "invalid --call-timeout: 0: expected seconds above 0 and up to 3600"),
        ("call-timeout", "-1", "invalid --call-timeout: -1: expected seconds above 0 and up to 3600"),
        ("load-timeout", "soon", "invalid --load-timeout: soon: expected seconds above 0 and up to 3600"),
        ("load-timeout", "1e999", "invalid --load-timeout: 1e999: expected seconds above 0 and up to 3600"),
        *((("admin-port", text, f"invalid --admin-port: {text}: {ADDRESSES}")) for text in ADMIN_MISTAKES),
        ("threads", "0", "invalid --threads: 0: expected a number from 1 to 1024, or max"),
        ("threads", "many", "invalid --threads: many: expected a number from 1 to 1024, or max"),
        ("threads", "1025", "invalid --threads: 1025: expected a number from 1 to 1024, or max"),
        ("engine", "spidermonkey", "unknown engine: spidermonkey"),
        ("user", "", "invalid --user: expected a name"),
        ("group", "", "invalid --group: expected a name"),
        ("max-requests", "1_0", "invalid --max-requests: 1_0: expected number from 1 to 1,000,000,000 or 0"),
        ("heap-limit", "15", "invalid --heap-limit: 15: expected megabytes from 16 to 65536"),
        ("heap-limit", "1.5", "invalid --heap-limit: 1.5: expected megabytes from 16 to 65536"),
        ("heap-limit", "", "invalid --heap-limit: : expected megabytes from 16 to 65536"),
    ],
)
def test_a_wrong_value_is_refused(option: str, text: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        with_value(Settings(), option, text)
    assert str(caught.value) == message


def test_nothing_in_the_environment_gives_the_defaults() -> None:
    assert from_environment({"HOME": "/root", "PIPY_LOG_LEVEL": ""}) == Settings()


def test_the_environment_gives_script_and_options() -> None:
    environ = {"PIPY_CONFIG_FILE": "a.js", "PIPY_LOG_LEVEL": "warn", "PIPY_HEAP_LIMIT": "64"}
    assert from_environment(environ) == Settings(script="a.js", log_level="warn", heap_limit_mb=64)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"^PIPY_LOG_LEVEL: unknown log level: loud$"):
        from_environment({"PIPY_LOG_LEVEL": "loud"})


def test_every_option_is_a_setting() -> None:
    limits = {f"limits.{field.name}" for field in dataclasses.fields(Limits)}
    assert {option.setting for option in OPTIONS.values()} <= {field.name for field in dataclasses.fields(Settings)} | limits


@pytest.mark.parametrize(
    ("environ", "form"),
    [
        ({}, ""),
        ({"PIPY_ACCESS_LOG_FILE": "a.log"}, "combined"),
        ({"PIPY_ACCESS_LOG": "json"}, "json"),
        ({"PIPY_ACCESS_LOG": "json", "PIPY_ACCESS_LOG_FILE": "a.log"}, "json"),
    ],
)
def test_a_file_for_requests_is_enough_to_have_them_logged(environ: dict[str, str], form: str) -> None:
    settings = from_environment(environ)
    assert settings.request_log == form
    assert with_value(settings, "access-log", "").request_log == ""  # said: there is to be none
    assert with_value(settings, "access-log", "$status").request_log == "$status"


def test_the_log_knows_every_level() -> None:
    assert tuple(logs.LEVELS) == LOG_LEVELS


def test_as_many_threads_as_processors() -> None:
    assert with_value(Settings(), "threads", "max").threads == len(os.sched_getaffinity(0))


def test_further_processes_are_threads_besides_the_first() -> None:
    assert from_environment({"PIPY_SPAWN": "0"}).threads == 1
    assert from_environment({"PIPY_SPAWN": "3", "PIPY_THREADS": "2"}).threads == 4


@pytest.mark.parametrize("text", ["-1", "x", "1024"])
def test_a_wrong_number_of_further_processes_is_named(text: str) -> None:
    with pytest.raises(ArgumentError, match=f"^invalid PIPY_SPAWN: {text}: expected a number from 0 to 1023$"):
        from_environment({"PIPY_SPAWN": text})
