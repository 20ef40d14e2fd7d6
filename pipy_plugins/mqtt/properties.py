"""The properties of MQTT 5.0 (section 2.2.2): what they are called in heads, their types, and the packets they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.api import ArgumentError, Data, ProtocolError, describe
from pipy_plugins.mqtt.wire import LARGEST, Reader, binary, number, text, varint

#: How many properties a packet may have: its user may repeat the smallest one as often as there is room otherwise.
MAX_PROPERTIES: Final = 1024

_USER: Final = 38
_SUBSCRIPTION: Final = 11
#: Numbers by their type: how many bytes, the least and the most they may be.
_NUMBERS: Final = {
    "flag": (1, 0, 1),
    "two": (2, 0, 0xFFFF),
    "two, not 0": (2, 1, 0xFFFF),
    "four": (4, 0, 0xFFFFFFFF),
    "four, not 0": (4, 1, 0xFFFFFFFF),
}


@dataclass(frozen=True)
class Property:
    """One line of table 2-4 of the standard."""

    number: int
    name: str
    type: str
    packets: frozenset[str]

    def read(self, reader: Reader) -> Any:
        """The value, behind the identifier.

        :raises ProtocolError: it is malformed.
        """
        if self.type == "text":
            return reader.text()
        if self.type == "binary":
            return Data(reader.binary())
        if self.type == "varint":
            value, low, high = reader.varint(), 1, LARGEST
        else:
            size, low, high = _NUMBERS[self.type]
            value = int.from_bytes(reader.take(size))
        if not low <= value <= high:
            raise ProtocolError(f"the property {self.name} is {value}")
        return value

    def write(self, value: Any) -> bytes:
        """Identifier and value.

        :raises ArgumentError: *value* is not what belongs there.
        """
        name = f"properties.{self.name}"
        if self.type == "text":
            encoded = text(value, name)
        elif self.type == "binary":
            encoded = binary(value, name)
        elif self.type == "varint":
            encoded = varint(number(value, name, 1, LARGEST))
        else:
            size, low, high = _NUMBERS[self.type]
            encoded = number(value, name, low, high).to_bytes(size)
        return bytes((self.number,)) + encoded


def _property(number: int, name: str, kind: str, packets: str) -> Property:
    return Property(number, name, kind, frozenset(packets.split()))


_ACKS: Final = "PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK"
#: All of them but those of users.
TABLE: Final = (
    _property(1, "payloadFormatIndicator", "flag", "PUBLISH WILL"),
    _property(2, "messageExpiryInterval", "four", "PUBLISH WILL"),
    _property(3, "contentType", "text", "PUBLISH WILL"),
    _property(8, "responseTopic", "text", "PUBLISH WILL"),
    _property(9, "correlationData", "binary", "PUBLISH WILL"),
    _property(_SUBSCRIPTION, "subscriptionIdentifier", "varint", "PUBLISH SUBSCRIBE"),
    _property(17, "sessionExpiryInterval", "four", "CONNECT CONNACK DISCONNECT"),
    _property(18, "assignedClientIdentifier", "text", "CONNACK"),
    _property(19, "serverKeepAlive", "two", "CONNACK"),
    _property(21, "authenticationMethod", "text", "CONNECT CONNACK AUTH"),
    _property(22, "authenticationData", "binary", "CONNECT CONNACK AUTH"),
    _property(23, "requestProblemInfo", "flag", "CONNECT"),
    _property(24, "willDelayInterval", "four", "WILL"),
    _property(25, "requestResponseInfo", "flag", "CONNECT"),
    _property(26, "responseInfo", "text", "CONNACK"),
    _property(28, "serverReference", "text", "CONNACK DISCONNECT"),
    _property(31, "reasonString", "text", f"CONNACK {_ACKS} DISCONNECT AUTH"),
    _property(33, "receiveMaximum", "two, not 0", "CONNECT CONNACK"),
    _property(34, "topicAliasMaximum", "two", "CONNECT CONNACK"),
    _property(35, "topicAlias", "two, not 0", "PUBLISH"),
    _property(36, "maximumQoS", "flag", "CONNACK"),
    _property(37, "retainAvailable", "flag", "CONNACK"),
    _property(39, "maximumPacketSize", "four, not 0", "CONNECT CONNACK"),
    _property(40, "wildcardSubscriptionAvailable", "flag", "CONNACK"),
    _property(41, "subscriptionIdentifierAvailable", "flag", "CONNACK"),
    _property(42, "sharedSubscriptionAvailable", "flag", "CONNACK"),
)
_BY_NUMBER: Final = {each.number: each for each in TABLE}
_BY_NAME: Final = {each.name: each for each in TABLE}


def read_properties(reader: Reader, packet: str) -> dict[str, Any]:
    """The properties of a *packet* (its type, or ``WILL``), their length in front, as an object for scripts.

    A user property has the name its sender gave it; given several times it is a list. One that is named like a property of the
    standard is left out: nobody shall take the one for the other.

    :raises ProtocolError: one is malformed, does not belong there, or is there twice.
    """
    inner = Reader(reader.take(reader.varint()))
    properties: dict[str, Any] = {}
    count = 0
    while inner.left:
        count += 1
        if count > MAX_PROPERTIES:
            raise ProtocolError(f"there are more than {MAX_PROPERTIES} properties")
        identifier = inner.varint()
        if identifier == _USER:
            name, value = inner.text(), inner.text()
            if name not in _BY_NAME:
                _add(properties, name, value)
            continue
        known = _BY_NUMBER.get(identifier)
        if known is None or packet not in known.packets:
            raise ProtocolError(f"the property {identifier} does not belong into {packet}")
        if known.name not in properties:
            properties[known.name] = known.read(inner)
        elif identifier == _SUBSCRIPTION and packet == "PUBLISH":  # one for each subscription that it matches (3.3.2.3.8)
            _add(properties, known.name, known.read(inner))
        else:
            raise ProtocolError(f"the property {known.name} is there twice")
    return properties


def _add(properties: dict[str, Any], name: str, value: Any) -> None:
    present = properties.get(name)
    if present is None:
        properties[name] = value
    elif isinstance(present, list):
        present.append(value)
    else:
        properties[name] = [present, value]


def write_properties(properties: Any, packet: str) -> bytes:
    """*properties*, as ``read_properties`` gives them, with their length in front; null and undefined values are left out.

    :raises ArgumentError: a value is not what belongs there.
    """
    if properties is None:
        return b"\0"
    if not isinstance(properties, dict):
        raise ArgumentError(f"properties expects an object, given {describe(properties)}")
    encoded = bytearray()
    for name, value in properties.items():
        known = _BY_NAME.get(name)
        several = value if isinstance(value, list) and (known is None or known.number == _SUBSCRIPTION) else [value]
        if known is not None and packet not in known.packets:
            raise ArgumentError(f"properties.{name} does not belong into {packet}")
        write = known.write if known is not None else _user(name)
        for each in several:
            if each is not None:
                encoded += write(each)
    if len(encoded) > LARGEST:
        raise ArgumentError("properties are too long")
    return varint(len(encoded)) + encoded


def _user(name: str) -> Callable[[Any], bytes]:
    prefix = bytes((_USER,)) + text(name, "the name of a property")

    def write(value: Any) -> bytes:
        shown = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float | Data) else value
        return prefix + text(shown, f"properties.{name}")

    return write
