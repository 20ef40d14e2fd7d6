"""What ``pipy status`` prints."""

import pytest

from pipy_core.admin.standing import Generation, Reloads, Standing, WorkerStatus
from pipy_core.console.report import report


def standing(**more):
    workers = [
        WorkerStatus(1, 101, connections=3, memory=3 << 20, starts=2, lag=0.002, generations=[Generation(1, "v1", connections=3)])
    ]
    return Standing("0.1", 100, 0.0, 65.0, workers=workers, **more)


def lines(**more):
    return report(standing(**more).document())


def test_the_whole_of_it():
    found = lines(ports=("0.0.0.0:80", "[::]:80"))
    assert found[:4] == ["pipy 0.1, process 100, running, up 1 min", "ports: 0.0.0.0:80, [::]:80", "last reload: none", ""]
    assert found[4].split() == ["WORKER", "STATE", "PID", "CONNECTIONS", "MEMORY", "LAG", "RESTARTS"]
    assert found[5].split() == ["1", "running", "101", "3", "3.0", "MiB", "2.0", "ms", "1"]
    assert found[7].split() == ["GENERATION", "STATE", "VERSION", "LOADED", "CONNECTIONS"]
    assert found[8].split()[:3] == ["1", "running", "v1"]


def test_why_it_is_not_ready():
    assert lines(state="shedding", reason="no memory")[0] == "pipy 0.1, process 100, shedding (no memory), up 1 min"
    assert lines()[1] == "ports: none"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("", ""),
        ("Line 1:  oops(\n             ^\nSyntaxError: no\nmore", ": SyntaxError: no"),
        ("Cannot start listening on port 80", ": Cannot start listening on port 80"),
        ("Line 1: x", ""),
    ],
)
def test_reloads(error, shown):
    found = lines(reload=Reloads("failed", 0.0, error, 2, 1))[2]
    assert found.startswith("last reload: failed at ")
    assert found.endswith(f"(2 good, 1 failed in all){shown}")
