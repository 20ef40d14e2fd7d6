"""Packets read and written: bytes from the standard (or from a broker), and the heads that stand for them."""

import pytest

from pipy_core.api import Data, ProtocolError
from pipy_plugins.mqtt.packets import is_topic_filter, read_packet
from pipy_plugins.mqtt.writing import write_packet

SAME = {"qos": 0, "dup": False, "retain": False}

PACKETS = [
    pytest.param(
        4, 0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03dev",
        {"type": "CONNECT", "protocolLevel": 4, "cleanStart": True, "keepAlive": 60, "clientID": "dev"},
        id="connect",
    ),
    pytest.param(
        3, 0x10, b"\x00\x06MQIsdp\x03\x02\x00\x0a\x00\x01c",
        {"type": "CONNECT", "protocolLevel": 3, "cleanStart": True, "keepAlive": 10, "clientID": "c"},
        id="connect-3.1",
    ),
    pytest.param(
        4, 0x10, b"\x00\x04MQTT\x04\xec\x00\x00\x00\x01c\x00\x01w\x00\x02\xff\x00\x00\x02me\x00\x03\x00\x01\x02",
        {
            "type": "CONNECT", "protocolLevel": 4, "cleanStart": False, "keepAlive": 0, "clientID": "c",
            "will": {"qos": 1, "retain": True, "topic": "w", "payload": Data(b"\xff\x00")},
            "username": "me", "password": Data(b"\x00\x01\x02"),
        },
        id="connect-will-user-password",
    ),
    pytest.param(
        5, 0x10, b"\x00\x04MQTT\x05\x46\x00\x05\x03\x21\x00\x14\x00\x00\x05\x18\x00\x00\x00\x05\x00\x01w\x00\x00\x00\x01p",
        {
            "type": "CONNECT", "protocolLevel": 5, "cleanStart": True, "keepAlive": 5, "properties": {"receiveMaximum": 20},
            "clientID": "", "will": {"qos": 0, "retain": False, "properties": {"willDelayInterval": 5}, "topic": "w", "payload": Data()},
            "password": Data(b"p"),
        },
        id="connect-5-password-without-user",
    ),
    pytest.param(
        4, 0x20, b"\x01\x00", {"type": "CONNACK", "protocolLevel": 4, "sessionPresent": True, "reasonCode": 0}, id="connack"
    ),
    pytest.param(
        5, 0x20, b"\x00\x87\x09\x12\x00\x03abc\x21\x00\x14",
        {
            "type": "CONNACK", "protocolLevel": 5, "sessionPresent": False, "reasonCode": 0x87,
            "properties": {"assignedClientIdentifier": "abc", "receiveMaximum": 20},
        },
        id="connack-5",
    ),
    pytest.param(
        4, 0x3D, b"\x00\x03a/b\x01\x02",
        {"type": "PUBLISH", "qos": 2, "dup": True, "retain": True, "topicName": "a/b", "packetIdentifier": 258}, id="publish",
    ),
    pytest.param(
        5, 0x30, b"\x00\x00\x16\x23\x00\x05\x0b\x80\x01\x0b\x02\x26\x00\x01k\x00\x01v\x26\x00\x01k\x00\x01w",
        {
            "type": "PUBLISH", "topicName": "",
            "properties": {"topicAlias": 5, "subscriptionIdentifier": [128, 2], "k": ["v", "w"]},
        },
        id="publish-5-alias",
    ),
    pytest.param(4, 0x40, b"\x00\x07", {"type": "PUBACK", "packetIdentifier": 7, "reasonCode": 0}, id="puback"),
    pytest.param(5, 0x50, b"\x00\x07", {"type": "PUBREC", "packetIdentifier": 7, "reasonCode": 0, "properties": {}}, id="pubrec-5"),
    pytest.param(
        5, 0x62, b"\x00\x07\x92", {"type": "PUBREL", "packetIdentifier": 7, "reasonCode": 0x92, "properties": {}}, id="pubrel-5-reason"
    ),
    pytest.param(
        5, 0x70, b"\x00\x07\x00\x05\x1f\x00\x02ok",
        {"type": "PUBCOMP", "packetIdentifier": 7, "reasonCode": 0, "properties": {"reasonString": "ok"}}, id="pubcomp-5-properties",
    ),
    pytest.param(
        4, 0x82, b"\x00\x0a\x00\x03a/b\x01\x00\x01#\x00",
        {"type": "SUBSCRIBE", "packetIdentifier": 10, "topicFilters": [{"filter": "a/b", "qos": 1}, {"filter": "#", "qos": 0}]},
        id="subscribe",
    ),
    pytest.param(
        5, 0x82, b"\x00\x0a\x02\x0b\x07\x00\x01+\x2e",
        {
            "type": "SUBSCRIBE", "packetIdentifier": 10, "properties": {"subscriptionIdentifier": 7},
            "topicFilters": [{"filter": "+", "qos": 2, "noLocal": True, "retainAsPublished": True, "retainHandling": 2}],
        },
        id="subscribe-5",
    ),
    pytest.param(4, 0x90, b"\x00\x0a\x01\x80", {"type": "SUBACK", "packetIdentifier": 10, "reasonCodes": [1, 0x80]}, id="suback"),
    pytest.param(4, 0xA2, b"\x00\x0b\x00\x03a/b", {"type": "UNSUBSCRIBE", "packetIdentifier": 11, "topicFilters": ["a/b"]}, id="unsubscribe"),
    pytest.param(4, 0xB0, b"\x00\x0b", {"type": "UNSUBACK", "packetIdentifier": 11, "reasonCodes": []}, id="unsuback"),
    pytest.param(
        5, 0xB0, b"\x00\x0b\x00\x11", {"type": "UNSUBACK", "packetIdentifier": 11, "properties": {}, "reasonCodes": [0x11]}, id="unsuback-5"
    ),
    pytest.param(4, 0xC0, b"", {"type": "PINGREQ"}, id="pingreq"),
    pytest.param(4, 0xD0, b"", {"type": "PINGRESP"}, id="pingresp"),
    pytest.param(4, 0xE0, b"", {"type": "DISCONNECT", "reasonCode": 0}, id="disconnect"),
    pytest.param(5, 0xE0, b"\x04", {"type": "DISCONNECT", "reasonCode": 4, "properties": {}}, id="disconnect-5"),
    pytest.param(
        5, 0xF0, b"\x18\x0c\x15\x00\x01m\x16\x00\x05\x00\x01\x02\x03\xff",
        {"type": "AUTH", "reasonCode": 24, "properties": {"authenticationMethod": "m", "authenticationData": Data(b"\0\1\2\3\xff")}},
        id="auth",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("level", "first", "wire", "fields"), PACKETS)
def test_read(level, first, wire, fields):
    head = read_packet(first, wire, level)
    assert head.fields == SAME | fields
    assert (head.first, head.wire, head.level) == (first, wire, level)


@pytest.mark.parametrize(("level", "first", "wire", "fields"), PACKETS)
def test_written(level, first, wire, fields):
    assert write_packet(fields, level) == (first, wire)


@pytest.mark.parametrize(("level", "first", "wire", "fields"), PACKETS)
def test_one_that_is_cut_short_is_malformed_or_another_one(level, first, wire, fields):
    for size in range(len(wire)):
        try:
            head = read_packet(first, wire[:size], level)
        except ProtocolError:
            continue
        assert write_packet(head.fields, level)[1] == wire[:size] or head.fields.get("properties") == {}


@pytest.mark.parametrize(("level", "first", "wire", "fields"), PACKETS)
def test_what_is_behind_it_is_malformed(level, first, wire, fields):
    if fields["type"] != "SUBACK" and not (fields["type"] == "UNSUBACK" and level == 5):  # each byte is a code there
        with pytest.raises(ProtocolError):
            read_packet(first, wire + b"\xff" * 5, level)


@pytest.mark.parametrize(
    ("level", "first", "wire", "reason"),
    [
        pytest.param(4, 0x00, b"", "cannot begin with 0x00", id="type-0"),
        pytest.param(4, 0x11, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03dev", "cannot begin with 0x11", id="flags-of-connect"),
        pytest.param(4, 0x60, b"\x00\x07", "cannot begin with 0x60", id="flags-of-pubrel"),
        pytest.param(4, 0x80, b"\x00\x0a\x00\x01a\x01", "cannot begin with 0x80", id="flags-of-subscribe"),
        pytest.param(4, 0x36, b"\x00\x01a\x00\x01", "cannot begin with 0x36", id="qos-3"),
        pytest.param(4, 0x38, b"\x00\x01a", "cannot begin with 0x38", id="dup-without-qos"),
        pytest.param(4, 0x30, b"\x00\x00", "no topic", id="no-topic"),
        pytest.param(5, 0x30, b"\x00\x00\x00", "no topic", id="no-topic-and-no-alias"),
        pytest.param(4, 0x30, b"\x00\x01#", "wildcard", id="wildcard-in-publish"),
        pytest.param(4, 0x32, b"\x00\x01a\x00\x00", "identifier is 0", id="identifier-0"),
        pytest.param(4, 0x30, b"\x00\x02a\x00", r"U\+0000", id="nul"),
        pytest.param(4, 0x30, b"\x00\x03\xed\xa0\x80", "not UTF-8", id="surrogate"),
        pytest.param(4, 0x30, b"\x00\x02\xc0\xaf", "not UTF-8", id="overlong-utf8"),
        pytest.param(0, 0x10, b"\x00\x04MQTT\x06\x02\x00\x3c\x00\x03dev", "unknown protocol", id="level-6"),
        pytest.param(0, 0x10, b"\x00\x04mqtt\x04\x02\x00\x3c\x00\x03dev", "unknown protocol", id="name"),
        pytest.param(0, 0x10, b"\x00\x04MQTT\x04\x03\x00\x3c\x00\x03dev", "flags of CONNECT", id="reserved-flag"),
        pytest.param(0, 0x10, b"\x00\x04MQTT\x04\x42\x00\x3c\x00\x03dev\x00\x00", "flags of CONNECT", id="password-without-user"),
        pytest.param(0, 0x10, b"\x00\x04MQTT\x04\x0a\x00\x3c\x00\x03dev", "flags of CONNECT", id="qos-without-will"),
        pytest.param(0, 0x10, b"\x00\x04MQTT\x04\x1e\x00\x3c\x00\x03dev", "flags of CONNECT", id="will-qos-3"),
        pytest.param(4, 0x20, b"\x02\x00", "flags of CONNACK", id="flags-of-connack"),
        pytest.param(4, 0x82, b"\x00\x0a", "too short", id="no-filter"),
        pytest.param(4, 0x82, b"\x00\x0a\x00\x01a\x03", "options", id="subscribe-qos-3"),
        pytest.param(4, 0x82, b"\x00\x0a\x00\x01a\x04", "options", id="subscribe-options-of-5"),
        pytest.param(5, 0x82, b"\x00\x0a\x00\x00\x01a\x30", "options", id="retain-handling-3"),
        pytest.param(5, 0x82, b"\x00\x0a\x00\x00\x01a\x40", "options", id="reserved-option"),
        pytest.param(4, 0x82, b"\x00\x0a\x00\x02a#\x00", "topic filter", id="filter"),
        pytest.param(4, 0x90, b"\x00\x0a", "no reason code", id="suback-without-codes"),
        pytest.param(4, 0xB0, b"\x00\x0b\x00", "more in the packet", id="unsuback-with-codes"),
        pytest.param(4, 0xF0, b"", "no AUTH before", id="auth-before-5"),
        pytest.param(4, 0x40, b"\x00\x01\x00", "more in the packet", id="puback-with-reason-before-5"),
    ],
)
def test_malformed(level, first, wire, reason):
    with pytest.raises(ProtocolError, match=reason):
        read_packet(first, wire, level)


@pytest.mark.parametrize(
    ("topic", "good"),
    [("a", True), ("", False), ("/", True), ("#", True), ("+", True), ("a/#", True), ("a/+/b", True), ("+/+/#", True), ("//#", True),
     ("#/a", False), ("a#", False), ("a/b#", False), ("a+", False), ("+a/b", False), ("a/#/b", False), ("##", False)],
)  # fmt: skip
def test_topic_filters(topic, good):
    assert is_topic_filter(topic) is good
