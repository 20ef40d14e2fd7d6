"""Ports below 1024 as root, everything else as somebody else."""

import os
import pwd
import re
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from tests.system.clients import ask
from tests.system.pipy_process import free_port
from tests.system.test_workers import has_ended, wait_until, workers_of

HELLO = "pipy().listen({}).serveHTTP(() => new Message('{}'))"
ROOT = os.geteuid() == 0
SOURCE = {"PYTHONPATH": str(Path(__file__).parents[2])}
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give up being root")


def low_port() -> int:
    """A port that only root may open, where the system makes that difference, and nobody uses."""
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return next(port for port in range(min(first, 1024) - 1, 500, -1) if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        ask(port)
    except OSError:
        return True
    return False


def identity_of(pid: int) -> dict[str, list[str]]:
    """User and group numbers: real, effective, saved, and of files; and further groups."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {name: re.search(rf"^{name}:\s*(.*)$", status, re.MULTILINE)[1].split() for name in ("Uid", "Gid", "Groups")}


#: Runs Python where everybody may read it: a view of the file system of its own, in case it is installed in the home of root.
EVERYBODYS_PYTHON = """#!/bin/sh
exec unshare -m sh -c '
    mkdir -p {place} && mount --bind {prefix} {place} && mount -t tmpfs -o mode=755 tmpfs {home} &&
    mkdir -p {prefix} && mount --move {place} {prefix} && exec {setpriv} {python} "$@"' pipy "$@"
"""


@pytest.fixture
def python(tmp_path):
    """``python(user)``: an interpreter that a user of that name can run too, started as that user, or as root if none is given."""

    def make(user=""):
        setpriv = f"setpriv --reuid={user} --regid={pwd.getpwnam(user).pw_gid} --clear-groups" if user else ""
        home = Path(sys.base_prefix).parents[-2]
        script = tmp_path / "python"
        words = {"place": tmp_path / "view", "prefix": sys.base_prefix, "home": home, "python": sys.executable, "setpriv": setpriv}
        script.write_text(
            EVERYBODYS_PYTHON.format(**words) if home == Path("/root") else f'#!/bin/sh\nexec {setpriv} {sys.executable} "$@"'
        )
        script.chmod(0o755)
        return script

    return make


@pytest.fixture
def readable():
    """A directory where everybody may look; those of pytest are its user's alone."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@needs_root
@pytest.mark.parametrize("threads", [1, 2])
def test_ports_are_opened_as_root_and_nothing_else_is_done(start_pipy, readable, python, threads):
    port, later = low_port(), free_port()
    options = ["--user=nobody", f"--threads={threads}"]
    script = f"pipy().listen({port}).serveHTTP(() => new Message(os.env.USER + ' ' + os.env.HOME))"
    pipy = start_pipy(script, options=options, ports=[port], python=python(), directory=readable, environment=SOURCE)
    nobody = pwd.getpwnam("nobody")
    assert ask(port) == ("200 OK", f"nobody {nobody.pw_dir}".encode())
    opener, *workers = workers_of(pipy.pid)
    assert len(workers) == threads
    for each in (pipy.pid, *workers):
        assert identity_of(each) == {
            "Uid": [str(nobody.pw_uid)] * 4,
            "Gid": [str(nobody.pw_gid)] * 4,
            "Groups": [str(nobody.pw_gid)],
        }
    assert identity_of(opener)["Uid"] == ["0"] * 4
    # a reload may still open such a port, and so does a worker that replaces another
    (readable / "main.js").write_text(HELLO.format(port, "new") + f".listen({later})")
    pipy.signal(signal.SIGHUP)
    pipy.wait_for_log("Codebase reloaded")
    assert ask(port) == ("200 OK", b"new")
    assert pipy.stop() == 0
    wait_until(lambda: has_ended(opener), "what opens ports is still there")


@needs_root
def test_a_group_of_its_own(start_pipy, readable, python):
    port = free_port()
    pipy = start_pipy(
        HELLO.format(port, "hi"),
        options=["--user=nobody", "--group=daemon"],
        ports=[port],
        python=python(),
        directory=readable,
        environment=SOURCE,
    )
    assert identity_of(pipy.pid)["Gid"] == ["1"] * 4
    assert pipy.stop() == 0


@needs_root
@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--user=nosuchuser", "Cannot run as nosuchuser: there is no such user"),
        ("--group=nosuchgroup", "Cannot run in the group nosuchgroup: there is no such group"),
    ],
)
def test_whoever_does_not_exist(start_pipy, option, reason):
    pipy = start_pipy(HELLO.format(free_port(), "hi"), options=[option])
    assert pipy.wait() == 1
    pipy.wait_for_log(reason)
    assert "Traceback" not in pipy.log


@needs_root
def test_only_root_can_become_somebody_else(start_pipy, readable, python):
    pipy = start_pipy("pipy()", options=["--user=daemon"], python=python("nobody"), directory=readable, environment=SOURCE)
    assert pipy.wait() == 1
    pipy.wait_for_log("Cannot run as daemon: only root can")


@needs_root
def test_who_it_is_already_may_be_named(start_pipy, readable, python):
    script = "pipy().task().handleMessageStart(() => pipy.exit(7)).replaceMessage(new StreamEnd)"
    pipy = start_pipy(script, options=["--user=nobody"], python=python("nobody"), directory=readable, environment=SOURCE)
    assert pipy.wait() == 7
