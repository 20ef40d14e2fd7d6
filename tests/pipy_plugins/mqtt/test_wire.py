"""Variable byte integers, which everything else is measured by (MQTT 5.0, table 1-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import ProtocolError
from pipy_plugins.mqtt.wire import LARGEST, read_varint, varint


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (16383, "ff7f"), (16384, "808001"), (2097151, "ffff7f"), (2097152, "80808001"),
     (LARGEST, "ffffff7f")],
)  # fmt: skip
def test_the_table_of_the_standard(value, encoded):
    assert varint(value).hex() == encoded
    assert read_varint(b"x" + bytes.fromhex(encoded) + b"y", 1) == (value, 1 + len(encoded) // 2)


@given(value=st.integers(0, LARGEST))
def test_round_trip_and_every_beginning_of_it(value):
    encoded = varint(value)
    assert read_varint(encoded, 0) == (value, len(encoded))
    for size in range(len(encoded)):
        assert read_varint(encoded[:size], 0) == (0, 0)


@pytest.mark.parametrize("encoded", [b"\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff"])
def test_four_bytes_are_the_most(encoded):
    with pytest.raises(ProtocolError, match="more than four bytes"):
        read_varint(encoded, 0)


def test_longer_than_needed():
    with pytest.raises(ProtocolError, match="longer than needed"):
        read_varint(b"\x85\x00", 0)
    assert read_varint(b"\x85\x00", 0, shortest=False) == (5, 2)
