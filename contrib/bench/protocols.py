"""Speed of what compare.py leaves out, beside nginx on the same work, in one run: TLS, HTTP/2 and compression.

    python contrib/bench/protocols.py --pipy 'pipy' [--also 'NAME=CMD'] [--rounds 3] [--seconds 3] [--only tls,http2]

As in compare.py what counts is the ratio to nginx, round by round; see there how processors are shared out. Needs besides what
compare.py needs: openssl, and nghttp2-client for h2load.

Scenarios
    tls        a constant response over TLS 1.3, connections are kept
    handshake  the same with a connection for each request; wrk resumes sessions where it can
    http2      a constant response over HTTP/2 without TLS, 16 streams a connection
    gzip       a response of 64 KiB of text, compressed as it comes
"""

import argparse
import re
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import compare

PORTS = {"tls": 1, "handshake": 1, "http2": 2, "gzip": 3}

PIPY = """pipy()
.listen(%(base)d1)
  .acceptTLS('hello', {
    certificate: {
      cert: new crypto.CertificateChain(os.readFile('%(dir)s/cert.pem')),
      key: new crypto.PrivateKey(os.readFile('%(dir)s/key.pem')),
    },
    minVersion: 'TLSv1.3',
  })
.listen(%(base)d2)
  .link('hello')
.listen(%(base)d3)
  .demuxHTTP('text')
.listen(%(base)d4)
  .link('hello')
.listen(%(base)d5)
  .link('hello')
.pipeline('hello')
  .serveHTTP(new Message('Hi, there!\\n'))
.pipeline('text')
  .replaceMessage(new Message({ headers: { 'content-type': 'text/plain' } }, os.readFile('%(dir)s/text')))
  .compressHTTP({ method: 'gzip', level: 1 })
"""

NGINX = """worker_processes 1; daemon off; pid %(dir)s/nginx.pid; error_log %(dir)s/nginx.err;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; default_type text/plain;
  ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem; ssl_protocols TLSv1.3; ssl_session_cache shared:all:1m;
  gzip_comp_level 1; gzip_types text/plain; gzip_http_version 1.0;
  server { listen 127.0.0.1:%(base)d1 ssl; location / { return 200 "Hi, there!\\n"; } }
  server { listen 127.0.0.1:%(base)d2 http2; location / { return 200 "Hi, there!\\n"; } }
  server { listen 127.0.0.1:%(base)d3; gzip on; location / { root %(dir)s; try_files /text =404; } }
  server { listen 127.0.0.1:%(base)d4; listen 127.0.0.1:%(base)d5; location / { return 204; } }
}
"""

#: Text that compresses to a fifth or so, as text does.
LINE = "{number:06d} The quick brown fox jumps over the lazy dog; {hash:08x} {hash:x}\n"


def materials(folder: Path) -> None:
    """A certificate, its key and a text, in *folder*."""
    text = "".join(LINE.format(number=number, hash=number * 2654435761 % (1 << 32)) for number in range(1000))
    (folder / "text").write_text(text[:65536])
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)


def requests_per_second(server: compare.Server, scenario: str, args: argparse.Namespace) -> float:
    """One measurement of *scenario*; a failed request is told, and is no reason to stop."""
    port = server.base * 10 + PORTS[scenario]
    if scenario == "http2":
        command = ["h2load", "-t1", "-c16", "-m16", f"-D{args.seconds}", f"http://127.0.0.1:{port}/"]
    else:
        scheme = "http" if scenario == "gzip" else "https"
        headers = {"gzip": ["-H", "Accept-Encoding: gzip"], "handshake": ["-H", "Connection: close"]}.get(scenario, [])
        command = ["wrk", "-t1", f"-c{args.connections}", f"-d{args.seconds}s", *headers, f"{scheme}://127.0.0.1:{port}/"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=compare.pin(0)).stdout
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)|, ([1-9]\d*) failed", text)
    if failures is not None:
        print(f"  ! {server.name} {scenario}: {failures.group(0)}")
    found = re.search(r"Requests/sec:\s+([\d.]+)|finished in .*?, ([\d.]+) req/s", text)
    return float(found.group(1) or found.group(2)) if found else 0.0


def start(name: str, command: str | None, base: int, folder: Path) -> compare.Server:
    """Start nginx where *command* is None, else Pipy."""
    values = {"base": base, "dir": folder}
    if command is None:
        (folder / "nginx.conf").write_text(NGINX % values)
        line = ["nginx", "-c", str(folder / "nginx.conf")]
    else:
        (folder / f"{name}.js").write_text(PIPY % values)
        line = [*shlex.split(command), str(folder / f"{name}.js")]
    return compare.Server(name, line, base, folder / f"{name}.log")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipy", required=True, help="command that runs a script")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=CMD", help="another command that runs the same script")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", default=",".join(PORTS))
    args = parser.parse_args()
    missing = [tool for tool in ("nginx", "wrk", "h2load", "openssl") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (see --help)")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    contenders = [("nginx", None), ("pipy", args.pipy), *(pair.split("=", 1) for pair in args.also)]
    servers: list[compare.Server] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        materials(folder)
        try:
            servers += (start(name, command, 940 + index, folder) for index, (name, command) in enumerate(contenders))
            print(f"{'scenario':9} {'contender':10} {'median':>10} {'ratio to nginx: median':>24} {'min':>6} {'max':>6}")
            for scenario in args.only.split(","):
                report(scenario, servers, args)
        finally:
            for server in servers:
                server.stop()


def report(scenario: str, servers: list[compare.Server], args: argparse.Namespace) -> None:
    """Measure one scenario in all rounds, and print its rows."""
    rounds = [[requests_per_second(server, scenario, args) for server in servers] for _ in range(args.rounds)]
    for place, server in enumerate(servers):
        ratios = [each[place] / max(each[0], 1e-9) for each in rounds]
        row = f"{scenario:9} {server.name:10} {statistics.median(each[place] for each in rounds):10.1f}"
        print(f"{row} {statistics.median(ratios):24.2f} {min(ratios):6.2f} {max(ratios):6.2f}", flush=True)


if __name__ == "__main__":
    main()
