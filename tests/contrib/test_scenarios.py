"""The figures of the benchmarks that do not depend on the machine: crossings into the script for each request."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_request_calls_the_script_as_rarely_as_it_can():
    command = [sys.executable, "contrib/bench/scenarios.py", "--requests=20"]
    run = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300)
    crossings = {name: float(count) for name, count in re.findall(r"^(\w+) +([\d.]+) crossings", run.stdout, re.MULTILINE)}
    assert run.returncode == 0, run.stdout + run.stderr
    assert crossings == {"hello": 0, "script": 1, "route": 1, "proxy": 0}
    assert re.search(r"^one filter +[\d.]+ us an event$", run.stdout, re.MULTILINE)
