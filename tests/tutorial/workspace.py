"""A copy of the tutorials that runs on free ports, and a reader who does in it what a README says."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports
from tests.tutorial.console import INTERRUPT, Step, matches

SOURCE = Path(__file__).parents[2] / "tutorial"
#: The ports that the tutorials use; in a copy each of them is another one, everywhere.
PORTS = (8000, 8080, 8081, 8082, 8083, 8123, 8443)
_PORT = re.compile(rf"\b({'|'.join(map(str, PORTS))})\b")


class Workspace:
    """``directory/tutorial`` is a copy of the tutorials with all ports moved."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        shutil.copytree(SOURCE, directory / "tutorial")
        for path in directory.rglob("*.js*"):
            path.write_text(self.moved(path.read_text("utf-8")), "utf-8")

    def moved(self, text: str) -> str:
        """*text* with this copy's ports."""
        return _PORT.sub(lambda found: str(self.ports[int(found[0])]), text)

    def start(self, script: str, *ports: int) -> PipyProcess:
        """Start ``tutorial/<script>`` and wait for *ports*, which are given as the tutorials call them."""
        return PipyProcess(Path("tutorial") / script, directory=self.directory, ports=[self.ports[port] for port in ports])


class Reader:
    """Types what a README says, and compares. Programs go on until ``finish``, as if each had a terminal of its own.

    :param python: see ``PipyProcess``.
    """

    def __init__(self, workspace: Workspace, python: Path | None = None) -> None:
        self._workspace = workspace
        self._python = python
        self._running: list[PipyProcess] = []

    def do(self, step: Step) -> None:
        """Type one step."""
        if step.command == INTERRUPT:
            self._interrupt(step)
        elif step.command.startswith("pipy ") and not step.command.startswith("pipy test "):
            self._start(step)
        else:
            self._run(step)

    def finish(self) -> None:
        """Press Ctrl-C in every terminal; every program must end well."""
        while self._running:
            self._interrupt(Step(INTERRUPT, "...", 0))

    def abandon(self) -> None:
        """End everything that is still there, after a failure."""
        for program in self._running:
            program.kill()

    def _start(self, step: Step) -> None:
        expected = self._workspace.moved(step.expected)
        ports = [int(port) for port in re.findall(r"Listening on port (\d+)", expected)]
        assert ports, f"line {step.line}: below `{step.command}` must stand which ports it listens on"
        *options, script = step.command.split()[1:]
        program = PipyProcess(Path(script), options=options, directory=self._workspace.directory, ports=ports, python=self._python)
        self._running.append(program)
        assert matches(expected, program.log, goes_on=True), _difference(step, expected, program.log)

    def _interrupt(self, step: Step) -> None:
        program = self._running.pop()
        before = len(program.log)
        code = program.stop()
        assert code == 0, f"line {step.line}: exit code {code} after Ctrl-C; the log:\n{program.log}"
        printed = program.log[before:]
        assert matches(self._workspace.moved(step.expected) or "...", printed), _difference(step, step.expected, printed)

    def _run(self, step: Step) -> None:
        expected = self._workspace.moved(step.expected)
        deadline = time.monotonic() + PATIENCE
        printed = self._printed(step)
        while step.command.startswith("sleep ") and not matches(expected, printed) and time.monotonic() < deadline:
            printed = self._printed(step)  # a slow machine wants more sleep
        logs = "\n".join(program.log for program in self._running)
        assert matches(expected, printed), f"{_difference(step, expected, printed)}\n--- logs\n{logs}"

    def _printed(self, step: Step) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", self._workspace.moved(step.command)],
            cwd=self._workspace.directory,
            env={**os.environ, "no_proxy": "*", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stdout.decode("utf-8", "replace")


def _difference(step: Step, expected: str, printed: str) -> str:
    return f"line {step.line}: $ {step.command}\n--- promised\n{expected}\n--- printed\n{printed}"
