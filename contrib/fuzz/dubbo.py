"""Dubbo: what is encoded is decoded again; how bytes are cut does not matter; nothing a peer sends raises anything."""

from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged, decode, same_in_pieces
from pipy_core.api import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, merged
from pipy_plugins.dubbo.decoder import DecodeDubbo
from pipy_plugins.dubbo.encoder import EncodeDubbo

#: Small enough to be passed by examples.
LIMIT = 64
STAGE = (DecodeDubbo, {"sizeLimit": LIMIT})

FRAMES = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {
                "id": st.integers(0, 2**64 - 1).map(str),
                "status": st.integers(0, 255),
                "isRequest": st.booleans(),
                "isTwoWay": st.booleans(),
                "isEvent": st.booleans(),
                "serialization": st.integers(0, 31),
            }
        ),
        st.binary(max_size=LIMIT),
    ),
    max_size=4,
)


def events(frames: list[tuple[dict[str, Any], bytes]]) -> list[Event]:
    """The messages that stand for *frames*."""
    result: list[Event] = []
    for fields, payload in frames:
        result += [MessageStart(Head(fields)), *([Data(payload)] if payload else []), END]
    return result


def encode(messages: list[Event]) -> bytes:
    """Their bytes."""
    return b"".join(event.payload for event in Tape(EncodeDubbo, None).play(*messages).events if isinstance(event, Data))


def _comes_back(example: tuple[list[tuple[dict[str, Any], bytes]], list[int]]) -> None:
    frames, places = example
    assert merged(decode(STAGE, encode(events(frames)), places)) == [*events(frames), EOS]


def _says_so(content: bytes) -> None:
    output = decode(STAGE, content)
    assert isinstance(output[-1], StreamEnd)
    assert output[-1].error in {Failure.NONE, Failure.PROTOCOL_ERROR, Failure.BUFFER_OVERFLOW}
    passed = Tape([STAGE, (EncodeDubbo, None)]).play(Data(content), EOS).events
    assert content.startswith(b"".join(event.payload for event in passed if isinstance(event, Data)))


BYTES = FRAMES.map(events).map(encode)

PROPERTIES = [
    Property("comes back", st.tuples(FRAMES, st.lists(st.integers(0, 300), max_size=6)), _comes_back),
    Property("in any pieces", cuts(damaged(BYTES) | st.binary(max_size=60)), lambda given: same_in_pieces(STAGE, *given)),
    Property("damaged", damaged(BYTES), _says_so),
]
