"""Heads of messages as control packets (MQTT 5.0 and 3.1.1, section 3): written. ``packets.py`` is the way back.

What a script has put into a head is checked: nothing goes out that the other side would have to call malformed.
"""

from collections.abc import Callable
from typing import Any, Final

from pipy_core.api import ArgumentError, describe
from pipy_plugins.mqtt.packets import FLAGS, NAMES, NUMBERS, Fields, is_topic_filter
from pipy_plugins.mqtt.properties import write_properties
from pipy_plugins.mqtt.wire import binary, number, text

Packet = tuple[int, bytes]


def write_packet(fields: Fields, level: int) -> Packet:
    """The first byte of a packet, and what comes behind the fixed header but for the payload of PUBLISH.

    :param fields: its head; ``type`` is one of ``NUMBERS``.
    :param level: the protocol level; anything below 5 is written like 4.
    :raises ArgumentError: a field is missing, or not what belongs there.
    """
    name = fields["type"]
    if name == "PUBLISH":
        return _publish(fields, level)
    kind = NUMBERS[name]
    return kind << 4 | FLAGS.get(kind, 0), _WRITERS[name](fields, level)


def _properties(fields: Fields, level: int, packet: str) -> bytes:
    return write_properties(fields.get("properties"), packet) if level >= 5 else b""


def _publish(fields: Fields, level: int) -> Packet:
    qos = number(fields.get("qos") or 0, "qos", 0, 2)
    topic: Any = fields.get("topicName")
    properties = fields.get("properties")
    has_alias = level >= 5 and isinstance(properties, dict) and properties.get("topicAlias") is not None
    if topic is None and has_alias:
        topic = ""
    encoded = text(topic, "topicName")
    if not topic and not has_alias:
        raise ArgumentError("topicName is empty")
    if "#" in topic or "+" in topic:
        raise ArgumentError("there is a wildcard in topicName")
    first = NUMBERS["PUBLISH"] << 4 | qos << 1 | bool(fields.get("retain")) | (bool(fields.get("dup")) and qos > 0) << 3
    return first, encoded + (_identifier(fields) if qos else b"") + _properties(fields, level, "PUBLISH")


def _identifier(fields: Fields) -> bytes:
    return number(fields.get("packetIdentifier"), "packetIdentifier", 1, 0xFFFF).to_bytes(2)


def _code(fields: Fields) -> bytes:
    return bytes((number(fields.get("reasonCode") or 0, "reasonCode", 0, 0xFF),))


def _connect(fields: Fields, level: int) -> bytes:
    client = fields.get("clientID") or ""
    clean = fields.get("cleanStart")
    flags = 2 if (clean or (clean is None and not client)) else 0
    payload = [text(client, "clientID")]
    will = fields.get("will")
    if will is not None:
        if not isinstance(will, dict):
            raise ArgumentError(f"will expects an object, given {describe(will)}")
        flags |= 4 | number(will.get("qos") or 0, "will.qos", 0, 2) << 3 | bool(will.get("retain")) << 5
        payload += [
            _properties(will, level, "WILL"),
            text(will.get("topic"), "will.topic"),
            _or_empty(will, "payload", "will.payload"),
        ]
    if fields.get("username") is not None:
        flags |= 0x80
        payload.append(text(fields["username"], "username"))
    if fields.get("password") is not None:
        if level < 5 and not flags & 0x80:
            raise ArgumentError("password expects a username beside it")
        flags |= 0x40
        payload.append(binary(fields["password"], "password"))
    keep_alive = number(fields.get("keepAlive") or 0, "keepAlive", 0, 0xFFFF).to_bytes(2)
    start = text(NAMES[level], "protocol") + bytes((level, flags)) + keep_alive
    return b"".join((start, _properties(fields, level, "CONNECT"), *payload))


def _or_empty(fields: Fields, member: str, name: str) -> bytes:
    value = fields.get(member)
    return binary("" if value is None else value, name)


def _connack(fields: Fields, level: int) -> bytes:
    return bytes((bool(fields.get("sessionPresent")),)) + _code(fields) + _properties(fields, level, "CONNACK")


def _acknowledge(fields: Fields, level: int) -> bytes:
    return _identifier(fields) + _reason(fields, level)


def _reason(fields: Fields, level: int) -> bytes:
    if level < 5:
        return b""
    code, properties = _code(fields), _properties(fields, level, fields["type"])
    if properties != b"\0":
        return code + properties
    return b"" if code == b"\0" else code


def _identified(fields: Fields, level: int) -> bytes:
    return _identifier(fields) + _properties(fields, level, fields["type"])


def _list(fields: Fields, name: str) -> list[Any]:
    elements = fields.get(name)
    if not isinstance(elements, list) or not elements:
        raise ArgumentError(f"{name} expects an array that is not empty, given {describe(elements)}")
    return elements


def _topic_filter(topic: Any, name: str) -> bytes:
    encoded = text(topic, name)
    if not is_topic_filter(topic):
        raise ArgumentError(f"{name} is malformed: {topic}")
    return encoded


def _subscribe(fields: Fields, level: int) -> bytes:
    return _identified(fields, level) + b"".join(_subscription(each, level) for each in _list(fields, "topicFilters"))


def _subscription(subscription: Any, level: int) -> bytes:
    if not isinstance(subscription, dict):
        raise ArgumentError(f"topicFilters expects objects, given {describe(subscription)}")
    options = number(subscription.get("qos") or 0, "topicFilters.qos", 0, 2)
    if level >= 5:
        options |= bool(subscription.get("noLocal")) << 2 | bool(subscription.get("retainAsPublished")) << 3
        options |= number(subscription.get("retainHandling") or 0, "topicFilters.retainHandling", 0, 2) << 4
    return _topic_filter(subscription.get("filter"), "topicFilters.filter") + bytes((options,))


def _unsubscribe(fields: Fields, level: int) -> bytes:
    filters = [_topic_filter(each, "topicFilters") for each in _list(fields, "topicFilters")]
    return _identified(fields, level) + b"".join(filters)


def _subscribed(fields: Fields, level: int) -> bytes:
    start = _identified(fields, level)
    if fields["type"] == "UNSUBACK" and level < 5:
        return start
    return start + bytes(number(code, "reasonCodes", 0, 0xFF) for code in _list(fields, "reasonCodes"))


def _disconnect(fields: Fields, level: int) -> bytes:
    return _reason(fields, level)


def _auth(fields: Fields, level: int) -> bytes:
    if level < 5:
        raise ArgumentError("there is no AUTH before MQTT 5.0")
    return _reason(fields, level)


def _nothing(_fields: Fields, _level: int) -> bytes:
    """PINGREQ and PINGRESP."""
    return b""


_WRITERS: Final[dict[str, Callable[[Fields, int], bytes]]] = {
    "CONNECT": _connect,
    "CONNACK": _connack,
    "PUBACK": _acknowledge,
    "PUBREC": _acknowledge,
    "PUBREL": _acknowledge,
    "PUBCOMP": _acknowledge,
    "SUBSCRIBE": _subscribe,
    "SUBACK": _subscribed,
    "UNSUBSCRIBE": _unsubscribe,
    "UNSUBACK": _subscribed,
    "PINGREQ": _nothing,
    "PINGRESP": _nothing,
    "DISCONNECT": _disconnect,
    "AUTH": _auth,
}
