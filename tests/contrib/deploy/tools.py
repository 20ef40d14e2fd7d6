"""Programs that look at what is deployed, and where the things are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "contrib" / "deploy"


def find(name):
    """The path of the program *name*, beside Python or wherever programs are; without it the test is left out."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed here; tests/set-up installs it on Debian")
    return found


def run(*command, timeout=900, **settings):
    """What *command* prints. It must end well."""
    command = tuple(map(str, command))
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout,
        **settings,
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-20_000:]}"
    return done.stdout


def check_script(script, name, directory):
    """Let Pipy load *script*, the text of a program."""
    path = directory / name
    path.write_text(script)
    run(sys.executable, "-m", "pipy_core", "--verify", path, env={**os.environ, "PYTHONPATH": str(ROOT), "UPSTREAM": "web:80"})
