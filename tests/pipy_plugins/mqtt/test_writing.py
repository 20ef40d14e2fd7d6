"""Heads as scripts make them: what may be left out, and what is refused. What is right is in ``test_packets.py``."""

import pytest

from pipy_core.api import ArgumentError, Data
from pipy_plugins.mqtt.writing import write_packet

PUBLISH = {"type": "PUBLISH", "topicName": "t"}


@pytest.mark.parametrize(
    ("fields", "level", "packet"),
    [
        ({"type": "CONNECT"}, 4, (0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x00")),
        ({"type": "CONNECT", "clientID": "c"}, 4, (0x10, b"\x00\x04MQTT\x04\x00\x00\x00\x00\x01c")),
        (
            {"type": "CONNECT", "clientID": "c", "username": "u", "password": "é", "will": {"topic": "t"}},
            4,
            (0x10, b"\x00\x04MQTT\x04\xc4\x00\x00\x00\x01c\x00\x01t\x00\x00\x00\x01u\x00\x02\xc3\xa9"),
        ),
        ({"type": "CONNACK"}, 4, (0x20, b"\0\0")),
        ({"type": "CONNACK", "properties": {"receiveMaximum": 1}}, 4, (0x20, b"\0\0")),
        (PUBLISH, 4, (0x30, b"\x00\x01t")),
        (PUBLISH | {"dup": True, "retain": 1}, 4, (0x31, b"\x00\x01t")),
        (PUBLISH | {"qos": 1, "packetIdentifier": 1.0}, 4, (0x32, b"\x00\x01t\x00\x01")),
        ({"type": "PUBLISH", "properties": {"topicAlias": 1}}, 5, (0x30, b"\x00\x00\x03\x23\x00\x01")),
        ({"type": "PUBACK", "packetIdentifier": 1, "reasonCode": 5}, 4, (0x40, b"\x00\x01")),
        ({"type": "PUBACK", "packetIdentifier": 1}, 5, (0x40, b"\x00\x01")),
        ({"type": "SUBSCRIBE", "packetIdentifier": 1, "topicFilters": [{"filter": "a"}]}, 4, (0x82, b"\x00\x01\x00\x01a\x00")),
        ({"type": "DISCONNECT"}, 5, (0xE0, b"")),
        ({"type": "DISCONNECT", "properties": {"u": "v"}}, 5, (0xE0, b"\x00\x07\x26\x00\x01u\x00\x01v")),
    ],
)
def test_what_may_be_left_out(fields, level, packet):
    assert write_packet(fields, level) == packet


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "PUBLISH"}, "topicName expects a string, given null"),
        (PUBLISH | {"topicName": ""}, "topicName is empty"),
        (PUBLISH | {"topicName": "a/#"}, "wildcard in topicName"),
        (PUBLISH | {"topicName": Data(b"t")}, "topicName expects a string"),
        (PUBLISH | {"qos": 3}, "qos expects a number from 0 to 2, given the number 3"),
        (PUBLISH | {"qos": 1}, "packetIdentifier expects a number from 1 to 65535, given null"),
        (PUBLISH | {"qos": 1, "packetIdentifier": 0}, "from 1 to 65535, given the number 0"),
        ({"type": "PUBREL", "packetIdentifier": 65536}, "from 1 to 65535"),
        ({"type": "CONNECT", "keepAlive": -1}, "keepAlive expects a number from 0 to 65535"),
        ({"type": "CONNECT", "password": "p"}, "password expects a username"),
        ({"type": "CONNECT", "will": "w"}, "will expects an object"),
        ({"type": "CONNECT", "will": {}}, "will.topic expects a string"),
        ({"type": "CONNECT", "clientID": 5}, "clientID expects a string"),
        ({"type": "CONNECT", "username": ""  , "password": {}}, "password expects a Data or a string"),
        ({"type": "SUBSCRIBE", "packetIdentifier": 1}, "topicFilters expects an array that is not empty"),
        ({"type": "SUBSCRIBE", "packetIdentifier": 1, "topicFilters": []}, "topicFilters expects an array that is not empty"),
        ({"type": "SUBSCRIBE", "packetIdentifier": 1, "topicFilters": ["a"]}, "topicFilters expects objects"),
        ({"type": "SUBSCRIBE", "packetIdentifier": 1, "topicFilters": [{"filter": "a#"}]}, "topicFilters.filter is malformed"),
        ({"type": "UNSUBSCRIBE", "packetIdentifier": 1, "topicFilters": [{}]}, "topicFilters expects a string"),
        ({"type": "SUBACK", "packetIdentifier": 1, "reasonCodes": [256]}, "reasonCodes expects a number from 0 to 255"),
        ({"type": "AUTH"}, "no AUTH before"),
    ],
)  # fmt: skip
def test_what_is_refused(fields, reason):
    with pytest.raises(ArgumentError, match=reason):
        write_packet(fields, 4)
