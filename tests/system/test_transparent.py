"""Transparent proxying with the real netfilter, in a network of its own: nothing outside of it changes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.system.pipy_process import PATIENCE

#: 10.9.9.9 is a place that nobody has; packets to it are marked, and so come back in where TPROXY takes them.
SETUP = """
ip link set lo up
ip addr add 10.1.1.1/24 dev lo
ip route add default dev lo
ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
iptables -w -t nat -A OUTPUT -p tcp --dport 4000 -j REDIRECT --to-ports 8004
ip6tables -w -t nat -A OUTPUT -p tcp --dport 4000 -j REDIRECT --to-ports 8006
iptables -w -t mangle -A OUTPUT -p tcp -d 10.9.9.9 -j MARK --set-mark 1
iptables -w -t mangle -A PREROUTING -p tcp -d 10.9.9.9 -j TPROXY --on-port 8004 --tproxy-mark 1
"""
SCRIPT = """
pipy()
  .listen(8004, { transparent: true })
    .serveHTTP(() => new Message(JSON.stringify([__inbound.destinationAddress, __inbound.destinationPort])))
  .listen('[::1]:8006', { transparent: true })
    .serveHTTP(() => new Message(JSON.stringify([__inbound.destinationAddress, __inbound.destinationPort])))
  .listen(8005)
    .serveHTTP(() => new Message(JSON.stringify(Object.keys(__inbound))))
"""
ASK = """
for url in http://127.0.0.1:4000 http://10.1.1.1:4000 'http://[::1]:4000' http://10.9.9.9:80 http://127.0.0.1:8004 http://127.0.0.1:8005; do
  curl -sS --noproxy '*' --max-time 10 "$url"
  echo
done
"""


def unshared(commands, **settings):
    """Run *commands* as a shell does, in a network of their own."""
    command = ["unshare", "--net", "sh", "-ec", commands]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 3, check=False, **settings)


def why_not():
    """What this machine lacks; empty if nothing."""
    if sys.platform != "linux":
        return "there is no netfilter but on Linux"
    for tool in ("unshare", "ip", "iptables", "ip6tables", "curl"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    done = unshared(SETUP)
    return "" if done.returncode == 0 else f"a network of its own is not permitted here: {done.stderr.strip()}"


def test_redirected_connections_know_where_they_were_meant_to_go(tmp_path):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    (tmp_path / "main.js").write_text(SCRIPT)
    run = f"""
        : > log
        {sys.executable} -m pipy_core main.js >> log 2>&1 &
        for _ in $(seq 600); do grep -q 'Listening on port 8005' log && break; sleep 0.1; done
        {ASK}
        kill $!
    """
    done = unshared(SETUP + run, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stderr == "", (tmp_path / "log").read_text()
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["127.0.0.1", 4000],
        ["10.1.1.1", 4000],
        ["::1", 4000],
        ["10.9.9.9", 80],
        ["127.0.0.1", 8004],
        ["id", "remoteAddress", "remotePort", "localAddress", "localPort"],
    ]
