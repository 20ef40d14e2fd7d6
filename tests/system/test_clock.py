"""A clock that is set back while the program runs: by 1,000 seconds each time that anybody looks at it."""

import http.client
import json
import re
import signal
from contextlib import closing

from tests.system.clients import ask, connect
from tests.system.pipy_process import PATIENCE, free_ports

BACKWARDS = """
import sys, time
told = [2e9]
def back():
    told[0] -= 1000
    return told[0]
time.time = back
from pipy_core.cli import main
sys.exit(main())
"""
#: Everything that has to do with time.
SCRIPT = """
pipy()
  .listen({port})
    .demuxHTTP('request')
  .pipeline('request')
    .throttleMessageRate('1000')
    .muxHTTP('connection', '', {{ maxIdle: 60 }})
  .pipeline('connection')
    .connect('127.0.0.1:{upstream}', {{ connectTimeout: 5, readTimeout: 5 }})
  .listen({upstream})
    .wait(() => true, {{ timeout: 5 }})
    .serveHTTP(() => new Message('hi'))
  .task('0.05s')
    .handleMessageStart(() => console.log('again'))
    .replaceMessage(new StreamEnd)
"""


def status(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", "/status")
        return json.loads(connection.getresponse().read())


def test_a_clock_that_goes_backwards_changes_nothing(start_pipy, tmp_path):
    port, upstream, admin = free_ports(3)
    options = [f"--admin-port={admin}", "--drain-timeout=0.5", "--shutdown-timeout=5", f"--access-log-file={tmp_path}/log"]
    script = SCRIPT.format(port=port, upstream=upstream)
    pipy = start_pipy(script, options=options, ports=[port, upstream, admin], program=["-c", BACKWARDS])
    first = status(admin)
    assert first["started_at"] < 2e9
    for _ in range(20):
        assert ask(port) == ("200 OK", b"hi")
    pipy.wait_for_log("again", times=5)
    later = status(admin)
    assert 0 <= first["uptime"] < later["uptime"] < 2 * PATIENCE
    with connect(port) as held:
        held.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
        assert ask(port) == ("200 OK", b"hi")
        pipy.signal(signal.SIGHUP)
        pipy.wait_for_log("connections of generation 1 had to be cut")
    assert ask(port) == ("200 OK", b"hi")
    assert pipy.stop() == 0
    assert "Traceback" not in pipy.log
    years = set(re.findall(r"\[\d+/\w+/(\d+):", (tmp_path / "log").read_text()))
    assert years == {"2033"}
