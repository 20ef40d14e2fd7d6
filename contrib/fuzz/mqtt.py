"""MQTT: what is encoded is decoded again; how bytes are cut does not matter; nothing a peer sends raises anything."""

from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged, decode, same_in_pieces
from pipy_core.api import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, merged
from pipy_plugins.mqtt.decoder import DecodeMQTT
from pipy_plugins.mqtt.encoder import EncodeMQTT

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TOPIC = st.text("abc/ é\U0001f600$", min_size=1, max_size=12)
FILTER = st.sampled_from(["a", "#", "+", "a/+/b", "a/#", "+/+", "/", "$share/g/a/#"])
BYTES = st.binary(max_size=12).map(Data)
BYTE = st.integers(0, 255)
TWO = st.integers(0, 0xFFFF)
FOUR = st.integers(0, 0xFFFFFFFF)
FLAG = st.integers(0, 1)
IDENTIFIER = st.integers(1, 0xFFFF)
QOS = st.integers(0, 2)

_ANYWHERE = {"x-user": TEXT, "x-more": st.lists(TEXT, min_size=2, max_size=3)}
_REASON = {"reasonString": TEXT}
_MESSAGE = {
    "payloadFormatIndicator": FLAG,
    "messageExpiryInterval": FOUR,
    "contentType": TEXT,
    "responseTopic": TEXT,
    "correlationData": BYTES,
}
_PROPERTIES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "CONNECT": {
        "sessionExpiryInterval": FOUR,
        "authenticationMethod": TEXT,
        "authenticationData": BYTES,
        "requestProblemInfo": FLAG,
        "requestResponseInfo": FLAG,
        "receiveMaximum": IDENTIFIER,
        "topicAliasMaximum": TWO,
        "maximumPacketSize": IDENTIFIER,
    },
    "WILL": {**_MESSAGE, "willDelayInterval": FOUR},
    "CONNACK": {
        "sessionExpiryInterval": FOUR,
        "assignedClientIdentifier": TEXT,
        "serverKeepAlive": TWO,
        "responseInfo": TEXT,
        "serverReference": TEXT,
        "maximumQoS": FLAG,
        "retainAvailable": FLAG,
        "wildcardSubscriptionAvailable": FLAG,
        "subscriptionIdentifierAvailable": FLAG,
        "sharedSubscriptionAvailable": FLAG,
        **_REASON,
    },
    "PUBLISH": {
        **_MESSAGE,
        "topicAlias": IDENTIFIER,
        "subscriptionIdentifier": st.integers(1, 0xFFFFFFF) | st.lists(st.integers(1, 200), min_size=2, max_size=3),
    },
    "SUBSCRIBE": {"subscriptionIdentifier": st.integers(1, 0xFFFFFFF)},
    "UNSUBSCRIBE": {},
    "DISCONNECT": {"sessionExpiryInterval": FOUR, "serverReference": TEXT, **_REASON},
    "AUTH": {"authenticationMethod": TEXT, "authenticationData": BYTES, **_REASON},
    **dict.fromkeys(("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK"), _REASON),
}


def _properties(packet: str, level: int) -> dict[str, st.SearchStrategy[Any]]:
    if level < 5:
        return {}
    return {"properties": st.fixed_dictionaries({}, optional={**_PROPERTIES[packet], **_ANYWHERE})}


def _fields(packet: str, level: int) -> dict[str, st.SearchStrategy[Any]]:
    identified = {"packetIdentifier": IDENTIFIER, **(_properties(packet, level) if packet in _PROPERTIES else {})}
    code = {"reasonCode": BYTE if level >= 5 else st.just(0)}
    if packet in {"PINGREQ", "PINGRESP"}:
        return {}
    if packet == "SUBSCRIBE":
        more = {"noLocal": st.booleans(), "retainAsPublished": st.booleans(), "retainHandling": QOS} if level >= 5 else {}
        subscription = st.fixed_dictionaries({"filter": FILTER, "qos": QOS, **more})
        return {**identified, "topicFilters": st.lists(subscription, min_size=1, max_size=3)}
    if packet == "UNSUBSCRIBE":
        return {**identified, "topicFilters": st.lists(FILTER, min_size=1, max_size=3)}
    if packet in {"SUBACK", "UNSUBACK"}:
        none = packet == "UNSUBACK" and level < 5
        return {**identified, "reasonCodes": st.just([]) if none else st.lists(BYTE, min_size=1, max_size=3)}
    if packet in {"DISCONNECT", "AUTH"}:
        return {**code, **_properties(packet, level)}
    return {**identified, **code}


@st.composite
def connects(draw: st.DrawFn, level: int) -> dict[str, Any]:
    """The head of a CONNECT, as the decoder gives it."""
    will = {"qos": QOS, "retain": st.booleans(), "topic": TEXT, "payload": BYTES, **_properties("WILL", level)}
    optional: dict[str, st.SearchStrategy[Any]] = {"will": st.fixed_dictionaries(will), "username": TEXT}
    fields: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "type": st.just("CONNECT"),
                "qos": st.just(0),
                "dup": st.just(False),
                "retain": st.just(False),
                "protocolLevel": st.just(level),
                "cleanStart": st.booleans(),
                "keepAlive": TWO,
                "clientID": TEXT,
                **_properties("CONNECT", level),
            },
            optional=optional,
        )
    )
    if "username" in fields and draw(st.booleans()):
        fields["password"] = draw(BYTES)
    return fields


@st.composite
def packets(draw: st.DrawFn, level: int) -> tuple[dict[str, Any], bytes]:
    """The head of any packet behind CONNECT, as the decoder gives it, and a payload."""
    names = ["PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ"]
    packet = draw(st.sampled_from([*names, "PINGRESP", "DISCONNECT", *(["AUTH"] if level >= 5 else [])]))
    head: dict[str, Any] = {"type": packet, "qos": 0, "dup": False, "retain": False}
    if packet != "PUBLISH":
        return head | draw(st.fixed_dictionaries(_fields(packet, level))), b""
    qos = draw(QOS)
    head |= {"qos": qos, "dup": qos > 0 and draw(st.booleans()), "retain": draw(st.booleans()), "topicName": draw(TOPIC)}
    if qos:
        head["packetIdentifier"] = draw(IDENTIFIER)
    return head | draw(st.fixed_dictionaries(_properties("PUBLISH", level))), draw(st.binary(max_size=200))


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[dict[str, Any], bytes]]:
    """What a client may send, or what a server may: heads and payloads."""
    level = draw(st.sampled_from([3, 4, 5]))
    if draw(st.booleans()):
        first = draw(connects(level))
    else:
        level = max(level, 4)  # a server does not tell 3 from 4
        first = {"type": "CONNACK", "qos": 0, "dup": False, "retain": False, "protocolLevel": level}
        first |= {"sessionPresent": draw(st.booleans()), "reasonCode": draw(BYTE)} | draw(
            st.fixed_dictionaries(_properties("CONNACK", level))
        )
    return [(first, b""), *draw(st.lists(packets(level), max_size=4))]


def events(session: list[tuple[dict[str, Any], bytes]]) -> list[Event]:
    """The messages of *session*."""
    result: list[Event] = []
    for fields, payload in session:
        result += [MessageStart(Head(fields)), *([Data(payload)] if payload else []), END]
    return result


def encode(messages: list[Event]) -> bytes:
    """The bytes that the encoder makes of *messages*."""
    output = Tape(EncodeMQTT).play(*messages).events
    assert sum(type(event) is MessageStart for event in output) == sum(type(event) is MessageStart for event in messages)
    return b"".join(event.payload for event in output if isinstance(event, Data))


def _comes_back(example: tuple[list[tuple[dict[str, Any], bytes]], list[int]]) -> None:
    session, places = example
    content = encode(events(session))
    decoded = decode(DecodeMQTT, content, places)
    assert merged(decoded) == [*events(session), EOS]
    assert encode(decoded[:-1]) == content, "passed on unchanged it is the same"
    changed: list[Event] = [MessageStart(Head(e.head.fields)) if type(e) is MessageStart and e.head else e for e in decoded[:-1]]
    assert encode(changed) == content, "written anew it is the same"


def _says_so(content: bytes) -> None:
    output = decode(DecodeMQTT, content)
    assert isinstance(output[-1], StreamEnd)
    assert output[-1].error in {Failure.NONE, Failure.PROTOCOL_ERROR, Failure.BUFFER_OVERFLOW}
    passed = Tape([DecodeMQTT, EncodeMQTT]).play(Data(content), EOS).events
    sent = b"".join(event.payload for event in passed if isinstance(event, Data))
    complete = output[: len(output) - output[::-1].index(END)] if END in output else []
    assert decode(DecodeMQTT, sent) == [*merged(complete), EOS], "what is not refused arrives as it came"


SESSIONS = sessions().map(events).map(encode)

PROPERTIES = [
    Property("comes back", st.tuples(sessions(), st.lists(st.integers(0, 300), max_size=6)), _comes_back),
    Property("in any pieces", cuts(damaged(SESSIONS) | st.binary(max_size=60)), lambda given: same_in_pieces(DecodeMQTT, *given)),
    Property("damaged", damaged(SESSIONS), _says_so),
    Property("anything", st.binary(max_size=100), _says_so),
]
