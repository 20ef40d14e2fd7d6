"""The properties of MQTT 5.0: which may be where, and what is done with those of users."""

import pytest

from pipy_core.api import ArgumentError, Data, ProtocolError
from pipy_plugins.mqtt.properties import MAX_PROPERTIES, read_properties, write_properties
from pipy_plugins.mqtt.wire import Reader, varint


def read(content, packet="PUBLISH"):
    return read_properties(Reader(varint(len(content)) + content), packet)


def user(name, value):
    return b"\x26" + len(name).to_bytes(2) + name + len(value).to_bytes(2) + value


@pytest.mark.parametrize(
    ("packet", "content", "reason"),
    [
        ("PUBLISH", b"\x00", "0 does not belong into PUBLISH"),
        ("PUBLISH", b"\x21\x00\x01", "33 does not belong"),
        ("WILL", b"\x23\x00\x01", "35 does not belong"),
        ("PUBACK", b"\x0b\x01", "11 does not belong"),
        ("PUBLISH", b"\x01\x02", "payloadFormatIndicator is 2"),
        ("PUBLISH", b"\x23\x00\x00", "topicAlias is 0"),
        ("PUBLISH", b"\x0b\x00", "subscriptionIdentifier is 0"),
        ("CONNECT", b"\x21\x00\x00", "receiveMaximum is 0"),
        ("CONNECT", b"\x27\x00\x00\x00\x00", "maximumPacketSize is 0"),
        ("PUBLISH", b"\x23\x00\x01\x23\x00\x01", "topicAlias is there twice"),
        ("SUBSCRIBE", b"\x0b\x01\x0b\x02", "subscriptionIdentifier is there twice"),
        ("PUBLISH", b"\xa6\x00", "longer than needed"),
        ("PUBLISH", b"\x03\x00\x05abc", "too short"),
        ("PUBLISH", b"\x80", "ends within a length"),
        ("PUBLISH", b"\x80\x80\x80\x80", "more than four bytes"),
        ("PUBLISH", user(b"\xff", b""), "not UTF-8"),
        ("PUBLISH", user(b"", b"") * (MAX_PROPERTIES + 1), "more than 1024 properties"),
    ],
)
def test_malformed(packet, content, reason):
    with pytest.raises(ProtocolError, match=reason):
        read(content, packet)


def test_a_length_beyond_the_packet():
    with pytest.raises(ProtocolError, match="too short"):
        read_properties(Reader(b"\x05\x01\x00"), "PUBLISH")


def test_those_of_users_are_lists_where_they_are_repeated():
    assert read(user(b"a", b"1") + user(b"b", b"2") + user(b"a", b"3") + user(b"a", b"")) == {"a": ["1", "3", ""], "b": "2"}


def test_nobody_takes_one_of_a_user_for_one_of_the_standard():
    assert read(user(b"topicAlias", b"1") + b"\x23\x00\x07" + user(b"contentType", b"x")) == {"topicAlias": 7}


@pytest.mark.parametrize(
    ("properties", "encoded"),
    [
        (None, b"\0"),
        ({}, b"\0"),
        ({"topicAlias": None}, b"\0"),
        ({"correlationData": "é"}, b"\x05\x09\x00\x02\xc3\xa9"),
        ({"correlationData": Data(b"\xff")}, b"\x04\x09\x00\x01\xff"),
        ({"payloadFormatIndicator": True}, b"\x02\x01\x01"),
        ({"n": 5}, b"\x07\x26\x00\x01n\x00\x015"),
        ({"n": [True, None, 1.5]}, b"\x13\x26\x00\x01n\x00\x04true\x26\x00\x01n\x00\x031.5"),
        ({"subscriptionIdentifier": [1, 300]}, b"\x05\x0b\x01\x0b\xac\x02"),
    ],
)
def test_what_scripts_may_give(properties, encoded):
    assert write_properties(properties, "PUBLISH") == encoded


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (5, "properties expects an object, given the number 5"),
        ({"receiveMaximum": 5}, "properties.receiveMaximum does not belong into PUBLISH"),
        ({"topicAlias": 0}, "properties.topicAlias expects a number from 1 to 65535, given the number 0"),
        ({"topicAlias": 1.5}, "from 1 to 65535, given the number 1.5"),
        ({"topicAlias": float("nan")}, "given the number nan"),
        ({"topicAlias": "7"}, "given the string '7'"),
        ({"topicAlias": [1]}, "given an array"),
        ({"payloadFormatIndicator": 2}, "from 0 to 1"),
        ({"contentType": 5}, "properties.contentType expects a string, given the number 5"),
        ({"contentType": "x" * 65536}, "properties.contentType has 65536 bytes"),
        ({"contentType": "\0"}, r"U\+0000 in properties.contentType"),
        ({"correlationData": {}}, "properties.correlationData expects a Data or a string"),
        ({"mine": {}}, "properties.mine expects a string"),
        ({"subscriptionIdentifier": [0]}, "from 1 to 268435455"),
    ],
)
def test_what_they_may_not(properties, reason):
    with pytest.raises(ArgumentError, match=reason):
        write_properties(properties, "PUBLISH")
