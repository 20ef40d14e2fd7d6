"""Running the real program in tests: start it, wait for its ports by reading its log, talk to it, end it. Nothing else is ended."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pipy_core
from pipy_core.codebase.location import is_url

#: How long a program may take for anything a test waits for; only failing tests take that long.
PATIENCE = 60.0
_LOCAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def unassigned_ports(local_ports: Path = _LOCAL_PORTS) -> range:
    """Ports that the system hands out to no outgoing connection, so that none of these sits on one between choosing and listening.

    :param local_ports: where the first and the last of those stand that it does hand out.
    """
    usual = range(20_000, 32_000)
    if not local_ports.exists():
        return usual
    first, last = map(int, local_ports.read_text("ascii").split())
    others = max(range(max(1024, first - len(usual)), first), range(last + 1, 65_536), key=len)
    return others if len(others) >= 1000 else usual


PORTS = unassigned_ports()
_given: deque[int] = deque(maxlen=200)  # so that a test that asks twice gets two


def free_ports(count: int) -> list[int]:
    """*count* different TCP ports that nothing on this machine listens on."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port = random.choice(PORTS)
            if port in _given:
                continue
            probe = stack.enter_context(socket.socket())
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            found.append(port)
            _given.append(port)
        return found


def free_port() -> int:
    """One TCP port that nothing on this machine listens on."""
    return free_ports(1)[0]


def save(path: Path, text: str) -> None:
    """Put *text* in the place of a file that somebody watches, as editors do it: nobody ever sees half of it."""
    new = path.with_name(f"{path.name}~")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def patient(directory: Path) -> dict[str, str]:
    """The environment of a program that closes no idle connection, neither at its end nor after a reload; nor do its workers.

    For clients that ask all the time: one that the machine keeps from asking for a second is not idle.

    :param directory: where a module is written that Python imports at its start.
    """
    source = str(Path(pipy_core.__file__).parent.parent)
    setting = "from pipy_core.net import ports\n\nports.DRAIN_GRACE = ports.SHUTDOWN_GRACE = 3600.0\n"
    (directory / "sitecustomize.py").write_text(setting, encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([source, str(directory)])}


class PipyProcess:
    """``pipy`` as a child process, in a process group of its own, ended with the ``with`` block.

        with PipyProcess(f"pipy().listen({port}).serveHTTP(new Message('hi'))", directory=tmp_path, ports=[port]) as pipy:
            ...
            pipy.wait_for_log("GET /hi")

    :param script: the path of a script, or its URL, or the text of one, which is then written to ``directory/main.js``.
    :param directory: where the program is started, and where a given text and *files* are written.
    :param files: further files of the program by their path below *directory*.
    :param options: command line options in front of the script.
    :param ports: the start is over when the log says that these are listened on.
    :param environment: variables in addition to the test's own.
    :param program: what Python runs.
    :param python: the interpreter of an environment where Pipy is installed; the test's own, with this source, unless given.
    """

    def __init__(
        self,
        script: str | Path,
        *,
        directory: Path,
        files: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        ports: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "pipy_core"),
        python: Path | None = None,
    ) -> None:
        texts = dict(files or {})
        if isinstance(script, str) and not is_url(script):
            texts["main.js"] = script
            script = Path("main.js")
        for name, text in texts.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [python or sys.executable, *program, *options, str(script)],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": "" if python else str(Path(pipy_core.__file__).parent.parent), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_listening(*ports)
        except BaseException:
            self.kill()
            raise

    # -- watching -----------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The process, and its group."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything the program has printed so far, on either stream."""
        with self._news:
            return "".join(self._lines)

    def wait_for_log(self, pattern: str, timeout: float = PATIENCE, times: int = 1) -> re.Match[str]:
        """Wait until *pattern* is found in the log, so many *times*; it need not be new. Gives the last of them."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                found = list(re.finditer(pattern, "".join(self._lines), re.MULTILINE))
                if len(found) >= times:
                    return found[times - 1]
                if self._ended or not self._news.wait(deadline - time.monotonic()):
                    state = "ended without" if self._ended else f"did not within {timeout:g} s log"
                    often = f"{times} times " if times > 1 else ""
                    raise AssertionError(f"pipy {state} {often}{pattern!r}; its log:\n{''.join(self._lines)}")

    def wait_listening(self, *ports: int) -> None:
        """Wait until the log says that each of *ports* is listened on."""
        for port in ports:
            self.wait_for_log(rf"Listening on port {port}\b")

    # -- ending -------------------------------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for the end of the program and of its output; give the exit code, negative when a signal ended it."""
        code = self._process.wait(timeout)
        self._reader.join(timeout)
        return code

    def stop(self, timeout: float = PATIENCE) -> int:
        """Press Ctrl-C, as a terminal does it: SIGINT to the whole group; harmless when it has ended. Give the exit code."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGINT)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"pipy did not end {timeout:g} s after SIGINT; its log:\n{self.log}") from None

    def kill(self) -> None:
        """End it the hard way, and all it has started."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
