"""What a manager of services is told."""

import os
import socket
from tempfile import TemporaryDirectory

import pytest

from pipy_core.net.notify import Notifier
from pipy_core.testing import logged


@pytest.fixture
def manager():
    with TemporaryDirectory(dir="/tmp") as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{place}/notify")  # a name of 108 bytes at most, wherever other temporary files are
        sock.setblocking(False)
        yield sock


@pytest.fixture
def make(manager, reactor):
    made = []

    def make_one(**variables):
        environ = {"NOTIFY_SOCKET": manager.getsockname(), **variables}
        made.append(Notifier.of(environ))
        assert not any(name in environ for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"))
        return made[0]

    yield make_one
    for each in made:
        each.close()


def test_each_step_is_told(make, manager):
    notifier = make()
    notifier.ready()
    notifier.reloading(True)
    notifier.reloading(False)
    notifier.stopping()
    told = [manager.recv(100).decode() for _ in range(4)]
    assert told[0] == told[2] == "READY=1"
    assert told[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[1].rpartition("=")[2].isdigit()
    assert told[3] == "STOPPING=1"


def test_an_abstract_name():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0pipy-test-{os.getpid()}")
        notifier = Notifier(f"@pipy-test-{os.getpid()}")
        notifier.ready()
        assert sock.recv(100) == b"READY=1"
        notifier.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "no path"}, {"NOTIFY_SOCKET": ""}])
def test_nobody_asks(environ, reactor):
    notifier = Notifier.of(environ)
    notifier.start(reactor)
    notifier.ready()
    notifier.close()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"WATCHDOG_USEC": "20000"}, True),
        ({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
)
def test_signs_of_life(make, manager, reactor, variables, wanted):
    make(**variables).start(reactor)
    if wanted:
        told = []

        def look():
            try:
                told.append(manager.recv(100))
            except BlockingIOError:
                return False
            return len(told) == 3

        reactor.until(look)
        assert told == [b"WATCHDOG=1"] * 3
    else:
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_a_manager_that_is_gone_is_no_reason_to_end(tmp_path):
    notifier = Notifier(str(tmp_path / "nobody"))
    with logged() as lines:
        notifier.ready()
    notifier.close()
    assert lines == ["[WRN] [] cannot tell the manager of services READY=1: No such file or directory"]
