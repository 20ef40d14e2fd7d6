"""The soak of ``contrib/bench/soak.py``, which runs for ten minutes, in half a minute."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = os.environ.get("PIPY_SOAK_SECONDS", "30")


@pytest.mark.slow
def test_mixed_load_is_answered_and_leaves_memory_flat():
    command = [sys.executable, "contrib/bench/soak.py", f"--seconds={SECONDS}", "--clients=6"]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    visits = {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)(?:,|$)", run.stdout.rpartition("visits: ")[2])}
    assert len(visits) == 9
    assert min(visits.values()) > 0
