"""Control packets as the heads of messages (MQTT 5.0 and 3.1.1, section 3): read. ``writing.py`` is the way back.

Decides what is malformed in one packet; which packet may follow which is for client and server to know.
"""

from collections.abc import Callable
from typing import Any, Final

from pipy_core.api import Data, Head, ProtocolError
from pipy_plugins.mqtt.properties import read_properties
from pipy_plugins.mqtt.wire import Reader

#: By their number.
TYPES: Final = (
    "",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
)
NUMBERS: Final = {name: number for number, name in enumerate(TYPES) if name}
CONNECT, CONNACK, PUBLISH, AUTH = (NUMBERS[name] for name in ("CONNECT", "CONNACK", "PUBLISH", "AUTH"))
#: The lower half of the first byte, where it is not 0; that of PUBLISH says something.
FLAGS: Final = {NUMBERS[name]: 0b0010 for name in ("PUBREL", "SUBSCRIBE", "UNSUBSCRIBE")}
#: Name and number of the protocol, by its level.
NAMES: Final = {3: "MQIsdp", 4: "MQTT", 5: "MQTT"}

Fields = dict[str, Any]


class PacketHead(Head):
    """The head of a packet from the wire.

    :ivar first: its first byte.
    :ivar wire: what came behind the fixed header, without the payload of PUBLISH; None once the head has been replaced.
    :ivar level: the protocol level that *wire* is to be understood by.
    """

    __slots__ = ("first", "level", "wire")

    def __init__(self, fields: Fields, first: int, wire: bytes, level: int) -> None:
        super().__init__(fields)
        self.first = first
        self.wire: bytes | None = wire
        self.level = level

    def replace(self, fields: Fields) -> None:
        """See ``Head``."""
        self._fields = fields
        self.wire = None


def read_packet(first: int, wire: bytes, level: int) -> PacketHead:
    """The head of a packet.

    :param first: its first byte.
    :param wire: what is behind the fixed header, but for the payload of PUBLISH.
    :param level: the protocol level, 0 if it is not known.
    :raises ProtocolError: the packet is malformed.
    """
    number = first >> 4
    reader = Reader(wire)
    if number == PUBLISH:
        fields = _publish(reader, first, level)
    else:
        if not number or first & 15 != FLAGS.get(number, 0):
            raise ProtocolError(f"a packet cannot begin with 0x{first:02x}")
        name = TYPES[number]
        fields = {"type": name, "qos": 0, "dup": False, "retain": False}
        _READERS[name](reader, fields, level)
        level = fields["protocolLevel"] if number == CONNECT else level
    reader.end()
    return PacketHead(fields, first, wire, level)


def _publish(reader: Reader, first: int, level: int) -> Fields:
    qos = first >> 1 & 3
    if qos == 3 or (first & 8 and not qos):
        raise ProtocolError(f"a PUBLISH cannot begin with 0x{first:02x}")
    topic = reader.text()
    fields: Fields = {"type": "PUBLISH", "qos": qos, "dup": first & 8 != 0, "retain": first & 1 != 0, "topicName": topic}
    if qos:
        fields["packetIdentifier"] = reader.identifier()
    if level >= 5:
        fields["properties"] = read_properties(reader, "PUBLISH")
    if not topic and "topicAlias" not in fields.get("properties", ()):
        raise ProtocolError("a PUBLISH has no topic")
    if "#" in topic or "+" in topic:
        raise ProtocolError("there is a wildcard in the topic of a PUBLISH")
    return fields


def _connect(reader: Reader, fields: Fields, _level: int) -> None:
    name, level, flags = reader.text(), reader.byte(), reader.byte()
    if NAMES.get(level) != name:
        raise ProtocolError(f"unknown protocol {name!r}, level {level}")
    will, qos = flags & 4, flags >> 3 & 3
    if flags & 1 or qos == 3 or (not will and flags & 0x38) or (level < 5 and flags & 0xC0 == 0x40):
        raise ProtocolError(f"the flags of CONNECT cannot be 0x{flags:02x}")
    fields |= {"protocolLevel": level, "cleanStart": flags & 2 != 0, "keepAlive": reader.two()}
    if level >= 5:
        fields["properties"] = read_properties(reader, "CONNECT")
    fields["clientID"] = reader.text()
    if will:
        properties = {"properties": read_properties(reader, "WILL")} if level >= 5 else {}
        message = {"topic": reader.text(), "payload": Data(reader.binary())}
        fields["will"] = {"qos": qos, "retain": flags & 0x20 != 0, **properties, **message}
    if flags & 0x80:
        fields["username"] = reader.text()
    if flags & 0x40:
        fields["password"] = Data(reader.binary())


def _connack(reader: Reader, fields: Fields, level: int) -> None:
    flags = reader.byte()
    if flags > 1:
        raise ProtocolError(f"the flags of CONNACK cannot be 0x{flags:02x}")
    fields |= {"protocolLevel": level, "sessionPresent": flags == 1, "reasonCode": reader.byte()}
    if level >= 5:
        fields["properties"] = read_properties(reader, "CONNACK")


def _acknowledge(reader: Reader, fields: Fields, level: int) -> None:
    fields["packetIdentifier"] = reader.identifier()
    _reason(reader, fields, level)


def _reason(reader: Reader, fields: Fields, level: int) -> None:
    """A reason code and properties, both of which may be left out at the end; there were none before 5.0."""
    fields["reasonCode"] = reader.byte() if level >= 5 and reader.left else 0
    if level >= 5:
        fields["properties"] = read_properties(reader, fields["type"]) if reader.left else {}


def _identified(reader: Reader, fields: Fields, level: int) -> None:
    fields["packetIdentifier"] = reader.identifier()
    if level >= 5:
        fields["properties"] = read_properties(reader, fields["type"])


def _subscribe(reader: Reader, fields: Fields, level: int) -> None:
    _identified(reader, fields, level)
    fields["topicFilters"] = filters = [_subscription(reader, level)]
    while reader.left:
        filters.append(_subscription(reader, level))


def _subscription(reader: Reader, level: int) -> Fields:
    topic, options = _filter(reader), reader.byte()
    retain_handling = options >> 4
    if options & 3 == 3 or retain_handling > 2 or (level < 5 and options > 2):
        raise ProtocolError(f"the options of a subscription cannot be 0x{options:02x}")
    subscription: Fields = {"filter": topic, "qos": options & 3}
    if level >= 5:
        subscription |= {
            "noLocal": options & 4 != 0,
            "retainAsPublished": options & 8 != 0,
            "retainHandling": retain_handling,
        }
    return subscription


def _unsubscribe(reader: Reader, fields: Fields, level: int) -> None:
    _identified(reader, fields, level)
    fields["topicFilters"] = filters = [_filter(reader)]
    while reader.left:
        filters.append(_filter(reader))


def _filter(reader: Reader) -> str:
    topic = reader.text()
    if not is_topic_filter(topic):
        raise ProtocolError("a topic filter is malformed")
    return topic


def is_topic_filter(topic: str) -> bool:
    """Whether wildcards in *topic* stand where they may (5.0, section 4.7.1)."""
    if "#" not in topic and "+" not in topic:
        return topic != ""
    *inner, last = topic.split("/")
    return all(level == "+" or ("+" not in level and "#" not in level) for level in inner) and (
        last in {"+", "#"} or ("+" not in last and "#" not in last)
    )


def _subscribed(reader: Reader, fields: Fields, level: int) -> None:
    _identified(reader, fields, level)
    has_codes = level >= 5 or fields["type"] == "SUBACK"
    fields["reasonCodes"] = list(reader.take(reader.left)) if has_codes else []
    if has_codes and not fields["reasonCodes"]:
        raise ProtocolError(f"there is no reason code in {fields['type']}")


def _disconnect(reader: Reader, fields: Fields, level: int) -> None:
    _reason(reader, fields, level)


def _auth(reader: Reader, fields: Fields, level: int) -> None:
    if level < 5:
        raise ProtocolError("there is no AUTH before MQTT 5.0")
    _reason(reader, fields, level)


def _nothing(_reader: Reader, _fields: Fields, _level: int) -> None:
    """PINGREQ and PINGRESP."""


_READERS: Final[dict[str, Callable[[Reader, Fields, int], None]]] = {
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
