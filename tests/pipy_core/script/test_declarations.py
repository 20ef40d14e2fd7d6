"""What ``listen`` and ``task`` take."""

import pytest

from pipy_core.errors import ArgumentError
from pipy_core.script.declarations import check_listen, parse_port, parse_when


@pytest.mark.parametrize(
    ("port", "address"),
    [
        (8000, ("0.0.0.0", 8000)),
        (0, ("0.0.0.0", 0)),
        (65535.0, ("0.0.0.0", 65535)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_where_to_listen(port, address):
    assert parse_port(port) == address


@pytest.mark.parametrize(
    ("port", "message"),
    [
        (65536, "expects a port from 0 to 65535"),
        (-1, "expects a port from 0 to 65535"),
        (80.5, "expects a port from 0 to 65535"),
        ("80", "invalid 'ip:port' form: 80"),
        ("127.0.0.1:65536", "invalid 'ip:port' form: 127.0.0.1:65536"),
        ("127.0.0.1:", "invalid 'ip:port' form: 127.0.0.1:"),
        ("localhost:80", "invalid IP address: localhost"),
        ("300.1.1.1:80", "invalid IP address: 300.1.1.1"),
    ],
)
def test_where_not_to_listen(port, message):
    with pytest.raises(ArgumentError, match=message):
        parse_port(port)


@pytest.mark.parametrize(
    ("when", "parsed"),
    [
        ("", (0.0, "")),
        ("5", (5.0, "")),
        ("0.01s", (0.01, "")),
        ("1.5M", (90.0, "")),
        ("24h", (86400.0, "")),
        ("SIGHUP", (0.0, "SIGHUP")),
        ("SIGWINCH", (0.0, "SIGWINCH")),
    ],
)
def test_when_a_task_runs(when, parsed):
    assert parse_when(when) == parsed


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("0.001", "task interval out of range: 0.001"),
        ("2d", "task interval out of range: 2d"),
        ("100ms", "expects a duration in s, m, h or d"),
        ("sometimes", "invalid signal name: sometimes"),
        ("SIG_DFL", "invalid signal name: SIG_DFL"),
        ("SIGUSR1", "invalid signal name: SIGUSR1"),
        ("SIGKILL", "invalid signal name: SIGKILL"),
        ("SIGSTOP", "invalid signal name: SIGSTOP"),
    ],
)
def test_when_no_task_can_run(when, message):
    with pytest.raises(ArgumentError, match=message):
        parse_when(when)


def test_only_linux_tells_where_connections_were_meant_to_go():
    check_listen({"transparent": True}, "linux")
    check_listen({"transparent": False}, "darwin")
    with pytest.raises(ArgumentError, match=r"option\.transparent needs Linux; this system is darwin"):
        check_listen({"transparent": True}, "darwin")
