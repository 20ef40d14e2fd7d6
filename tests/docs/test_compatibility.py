"""What the page about compatibility says is missing is missing, and nothing else is."""

import re
from pathlib import Path

from pipy_core.plugins import Plugins, installed
from pipy_core.registry import Registry

PAGE = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text("utf-8")
#: All filters of the original's classic dialect (filters.md, 0).
# fmt: off
CLASSIC = {
    "link", "use", "fork", "mux", "demux", "merge", "muxHTTP", "demuxHTTP", "connect", "acceptTLS", "connectTLS",
    "acceptSOCKS", "connectSOCKS", "acceptHTTPTunnel", "connectHTTPTunnel", "exec", "decodeHTTPRequest",
    "decodeHTTPResponse", "encodeHTTPRequest", "encodeHTTPResponse", "serveHTTP", "decodeDubbo", "encodeDubbo",
    "decodeMQTT", "encodeMQTT", "decompressHTTP", "decompressMessage", "detectProtocol", "handleTLSClientHello",
    "handleStreamStart", "handleData", "handleMessage", "handleMessageStart", "handleMessageBody", "handleMessageEnd",
    "handleStreamEnd", "replaceStreamStart", "replaceData", "replaceMessage", "replaceMessageStart", "replaceMessageBody",
    "replaceMessageEnd", "replaceStreamEnd", "pack", "split", "throttleDataRate", "throttleMessageRate", "wait", "dump",
    "print", "dummy",
}
# fmt: on


def test_the_filters_said_to_be_missing_are_those_that_are():
    registry = Registry()
    Plugins().load(registry, [each for each in installed() if each.built_in])
    missing = CLASSIC - {spec.name for spec in registry.filters()}
    section = PAGE.partition("## Not there yet\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", section)) == missing
