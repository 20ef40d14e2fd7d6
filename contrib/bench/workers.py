"""What does a second worker bring? Requests a second, and who used the processors, with one worker and with several.

    python contrib/bench/workers.py [--threads 2] [--seconds 5] [--rounds 3] [--connections 64] [--only hello,script,proxy]

The load comes from wrk with one thread, the backend of ``proxy`` is nginx, or another pipy where that is not installed, and all
of them share the processors: with as many workers as processors they compete. So besides the ratio it is told how much of the
processors Pipy and wrk got, and how many requests a second Pipy served for each processor that it had.
"""

import argparse
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE: Final = 30.0
TICKS: Final = os.sysconf("SC_CLK_TCK")
SCRIPTS: Final = {
    "hello": "pipy().listen('127.0.0.1:{port}').serveHTTP(new Message('hello'))",
    "script": "pipy().listen('127.0.0.1:{port}').serveHTTP(msg => new Message('hello ' + msg.head.path))",
    "proxy": """pipy().listen('127.0.0.1:{port}').demuxHTTP('request')
  .pipeline('request').muxHTTP('upstream', '')
  .pipeline('upstream').connect('127.0.0.1:{backend}')""",
}
NGINX: Final = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{backend}; location / {{ return 200 hello; }} }} }}"""


@dataclass(frozen=True)
class Run:
    """One measurement: requests a second, and processors in use by Pipy and by wrk."""

    rate: float
    pipy: float
    wrk: float


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _start(stack: ExitStack, words: list[str], port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return process


def _used(pid: int) -> float:
    """Seconds of processors that a process and its children have used."""
    seconds = 0.0
    for each in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / TICKS
    return seconds


def measure(scenario: str, threads: int, seconds: float, connections: int) -> Run:
    """Start what is needed, let wrk at it, end it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        port, backend = _free_ports(2)
        names = {"port": port, "backend": backend, "folder": folder}
        if scenario == "proxy":
            conf = Path(folder, "nginx.conf")
            if shutil.which("nginx"):
                conf.write_text(NGINX.format(**names))
                _start(stack, ["nginx", "-c", str(conf)], backend)
            else:
                Path(folder, "backend.js").write_text(SCRIPTS["hello"].format(port=backend))
                _start(stack, [sys.executable, "-m", "pipy_core", f"{folder}/backend.js"], backend)
        Path(folder, "main.js").write_text(SCRIPTS[scenario].format(**names))
        words = [sys.executable, "-m", "pipy_core", "--log-level=error", f"--threads={threads}", f"{folder}/main.js"]
        process = _start(stack, words, port)
        time.sleep(1.0)  # the other workers may need a moment more
        before, own = _used(process.pid), _children()
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", f"http://127.0.0.1:{port}/"]
        printed = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
        rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])
        return Run(rate, (_used(process.pid) - before) / seconds, (_children() - own) / seconds)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure one worker and several in turn, so that both see the same machine."""
    parser = argparse.ArgumentParser(description="what more workers bring")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", default=",".join(SCRIPTS))
    wanted = parser.parse_args()
    print(f"{'':8} {'workers':>8} {'rate':>9} {'pipy':>6} {'wrk':>6} {'per processor':>14}")
    for scenario in wanted.only.split(","):
        runs: dict[int, list[Run]] = {1: [], wanted.threads: []}
        for _ in range(wanted.rounds):
            for threads, measured in runs.items():
                measured.append(measure(scenario, threads, wanted.seconds, wanted.connections))
        rates = []
        for threads, measured in runs.items():
            rate, pipy, wrk = (statistics.median(getattr(run, name) for run in measured) for name in ("rate", "pipy", "wrk"))
            rates.append(rate)
            print(f"{scenario:8} {threads:8} {rate:9,.0f} {pipy:6.2f} {wrk:6.2f} {rate / pipy:14,.0f}", flush=True)
        print(f"{scenario:8} {'ratio':>8} {rates[1] / rates[0]:9.2f}", flush=True)


if __name__ == "__main__":
    main()
