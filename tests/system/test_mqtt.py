"""An MQTT proxy between Debian's broker and its clients: what a script changes arrives changed, everything else as it was."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.system.pipy_process import PATIENCE, PipyProcess, free_ports

if shutil.which("mosquitto_pub") is None or (shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")) is None:
    assert sys.platform != "linux", "the packages mosquitto and mosquitto-clients are needed"
    pytest.skip("mosquitto comes with Debian; nobody has to have it elsewhere", allow_module_level=True)

LEVELS = pytest.mark.parametrize("level", ["mqttv311", "mqttv5"])
QOS = pytest.mark.parametrize("qos", [0, 1, 2])

#: A client's packets go out with the topics below "in/"; what comes back has them below "out/".
SCRIPT = """
pipy({ _log: '' })
  .listen(%d)
    .decodeMQTT()
    .handleMessageStart(
      ({ head }) => (
        head.type === 'PUBLISH' && (head.topicName = head.topicName.replace(/^out/, 'in')),
        head.type === 'SUBSCRIBE' && head.topicFilters.forEach(each => each.filter = each.filter.replace(/^out/, 'in')),
        head.type === 'CONNECT' && head.will && (head.will.topic = head.will.topic.replace(/^out/, 'in')),
        console.log('client', head.type, head.clientID ?? '', head.protocolLevel ?? '')
      )
    )
    .encodeMQTT()
    .connect('127.0.0.1:%d')
    .decodeMQTT()
    .handleMessageStart(
      ({ head }) => (
        head.type === 'PUBLISH' && (head.topicName = head.topicName.replace(/^in/, 'out')),
        console.log('server', head.type, head.reasonCode ?? '', JSON.stringify(head.properties ?? {}))
      )
    )
    .encodeMQTT()
"""


class Site:
    """A broker, a proxy in front of it, and clients of either."""

    def __init__(self, broker: int, proxy: int, pipy: PipyProcess) -> None:
        self.broker = broker
        self.proxy = proxy
        self.pipy = pipy
        self._clients: list[subprocess.Popen[bytes]] = []

    def publish(self, port: int, *options: str, payload: bytes | None = None) -> None:
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "user", "-P", "p\u00e4ss", *options]
        done = subprocess.run(command, input=payload, capture_output=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, b"")

    def subscribe(self, port: int, *options: str) -> subprocess.Popen[bytes]:
        """Runs until it has got what *options* say; ready when this returns."""
        line_wise = ["stdbuf", "-oL"]  # or the line that is waited for stays in its buffer
        command = [*line_wise, "mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-u", "user", "-P", "p\u00e4ss", "-d", *options]
        # without a buffer, or what comes right behind the line that is waited for stays in it
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self._clients.append(client)
        assert client.stdout is not None
        for line in client.stdout:
            if line.startswith(b"Subscribed"):
                return client
        raise AssertionError(f"the subscription failed; the log of the proxy:\n{self.pipy.log}")

    def close(self) -> None:
        for client in self._clients:
            client.kill()
            client.communicate()


def received(client: subprocess.Popen[bytes]) -> list[bytes]:
    """What a client has printed of messages until its end."""
    out, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 0
    noise = (b"Client ", b"Subscribed", b"(null)", b"Sending")
    return [line for line in out.splitlines() if line and not line.startswith(noise)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tmp_path = tmp_path_factory.mktemp("mqtt")
    broker, proxy = free_ports(2)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "user", "p\u00e4ss"], check=True, capture_output=True)
    passwords.chmod(0o644)
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"listener {broker} 127.0.0.1\npassword_file {passwords}\nuser root\nlog_type information\nmax_queued_messages 0\n"
    )
    server = subprocess.Popen(
        [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if b"running" in line:
                break
        else:
            raise AssertionError("the broker did not start")
        with PipyProcess(SCRIPT % (proxy, broker), directory=tmp_path, ports=[proxy]) as pipy:
            site = Site(broker, proxy, pipy)
            yield site
            site.close()
            assert "malformed" not in pipy.log
            assert "[ERR]" not in pipy.log
    finally:
        server.kill()
        server.stderr.close()
        server.wait()


@LEVELS
@QOS
def test_messages_both_ways_with_their_topics_changed(site, level, qos):
    before = site.pipy.log
    inside = site.subscribe(site.broker, "-V", level, "-q", str(qos), "-t", "in/#", "-C", "2", "-F", "%t %q %p")
    outside = site.subscribe(
        site.proxy, "-V", level, "-i", f"sub-{level}-{qos}", "-q", str(qos), "-t", "out/#", "-C", "2", "-F", "%t %q %p"
    )
    site.publish(site.proxy, "-V", level, "-i", f"pub-{level}-{qos}", "-q", str(qos), "-t", "out/\u00e9", "-m", "first")
    site.publish(site.broker, "-V", level, "-q", str(qos), "-t", "in/x", "-m", "second")
    # two clients have published: there is no order between them
    assert sorted(received(inside)) == [f"in/x {qos} second".encode(), f"in/\u00e9 {qos} first".encode()]
    assert sorted(received(outside)) == [f"out/x {qos} second".encode(), f"out/\u00e9 {qos} first".encode()]
    for packet in {0: [], 1: ["server PUBACK"], 2: ["server PUBREC", "client PUBREL", "server PUBCOMP"]}[qos]:
        site.pipy.wait_for_log(packet, times=before.count(packet) + 1)
    for client in ("sub", "pub"):
        site.pipy.wait_for_log(rf"client CONNECT {client}-{level}-{qos} {'4' if level == 'mqttv311' else '5'}$")


@LEVELS
def test_a_retained_message(site, level):
    site.publish(site.proxy, "-V", level, "-q", "1", "-r", "-t", "out/kept", "-m", "for later")
    client = site.subscribe(site.proxy, "-V", level, "-q", "1", "-t", "out/kept", "-C", "1", "-F", "%t %r %p")
    assert received(client) == [b"out/kept 1 for later"]


@LEVELS
def test_a_will(site, level):
    watcher = site.subscribe(site.broker, "-V", level, "-t", "in/will", "-C", "1", "-F", "%t %p")
    will = ["--will-topic", "out/will", "--will-payload", "gone \u00e9", "--will-qos", "1"]
    client = site.subscribe(site.proxy, "-V", level, "-t", "out/never", "-i", "mortal", *will)
    client.kill()
    assert received(watcher) == ["in/will gone \u00e9".encode()]


@LEVELS
def test_a_wrong_password_is_refused_by_the_broker(site, level):
    command = [
        "mosquitto_pub",
        "-h",
        "127.0.0.1",
        "-p",
        str(site.proxy),
        "-V",
        level,
        "-u",
        "user",
        "-P",
        "no",
        "-t",
        "a",
        "-m",
        "b",
    ]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == {"mqttv311": 5, "mqttv5": 135}[level]
    assert b"not authori" in done.stderr.lower()


@LEVELS
def test_a_large_payload(site, level, tmp_path):
    content = bytes(range(256)) * 4096
    (tmp_path / "large").write_bytes(content)
    client = site.subscribe(site.proxy, "-V", level, "-q", "1", "-t", "out/large", "-C", "1", "-F", "%l %x")
    site.publish(site.proxy, "-V", level, "-q", "1", "-t", "out/large", "-f", str(tmp_path / "large"))
    assert received(client) == [b"%d %s" % (len(content), content.hex().encode())]


@LEVELS
def test_many_messages_keep_their_order(site, level):
    count = 500
    client = site.subscribe(site.proxy, "-V", level, "-q", "1", "-t", "out/many", "-C", str(count), "-F", "%p")
    lines = [b"%d" % number for number in range(count)]
    site.publish(site.proxy, "-V", level, "-q", "1", "-t", "out/many", "-l", payload=b"\n".join(lines) + b"\n")
    assert received(client) == lines


def test_properties_of_5_0(site):
    properties = [
        *("-D", "publish", "user-property", "who", "me"),
        *("-D", "publish", "content-type", "text/plain"),
        *("-D", "publish", "correlation-data", "abc"),
        *("-D", "publish", "response-topic", "out/answers"),
    ]
    client = site.subscribe(site.proxy, "-V", "mqttv5", "-t", "out/p", "-C", "1", "-F", "%C|%D|%R|%P|%p")
    site.publish(site.proxy, "-V", "mqttv5", "-t", "out/p", "-m", "x", *properties)
    assert received(client) == [b"text/plain|abc|out/answers|who:me|x"]
    assert '"who":"me"' in site.pipy.wait_for_log(r'server PUBLISH +(\{.*"correlationData":"abc".*\})')[1]
