"""The benchmark of script calls runs."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "contrib" / "bench" / "script_calls.py"


def test_it_prints_a_line_for_each_kind_of_call():
    done = subprocess.run([sys.executable, SCRIPT, "--calls=50"], capture_output=True, text=True, timeout=300, check=True)
    assert len(done.stdout.splitlines()) == 7
    assert all(line.endswith(" us of CPU") for line in done.stdout.splitlines())
