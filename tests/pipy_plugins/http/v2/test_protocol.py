"""h2 as it is used: what was replaced in it."""

import pytest
from h2.exceptions import ProtocolError

from pipy_plugins.http.v2.budget import Budget
from pipy_plugins.http.v2.inbound import FrameReader
from pipy_plugins.http.v2.protocol import ServerProtocol
from tests.pipy_plugins.http.v2.peer import END_HEADERS, END_STREAM, GET_BLOCK, HEADERS, HELLO, POST_BLOCK, raw

HEAD = [(b":status", b"200")]


def connection() -> ServerProtocol:
    """A connection whose client has said hello."""
    protocol = ServerProtocol(FrameReader(Budget(lambda: 0.0), HELLO[:24]), 65536)
    protocol.receive_data(HELLO)
    protocol.clear_outbound_data_buffer()
    return protocol


def get(number: int) -> bytes:
    """A request."""
    return raw(HEADERS, END_HEADERS | END_STREAM, number, GET_BLOCK)


def test_streams_that_have_ended_are_forgotten() -> None:
    """Not at once, but in time; those that go on are kept."""
    protocol = connection()
    for number in range(1, 5001, 2):
        protocol.receive_data(get(number))
        if number % 100 != 1:
            protocol.send_block(number, HEAD, last=True)
        assert len(protocol.streams) < 200
    assert set(range(1, 5000, 100)) <= set(protocol.streams)


def test_interim_heads_a_body_and_trailers() -> None:
    """As frames, in their order."""
    protocol = connection()
    protocol.receive_data(get(1))
    protocol.send_block(1, [(b":status", b"100")], last=False)
    protocol.send_block(1, HEAD, last=False)
    protocol.send_piece(1, memoryview(b"body"), last=False)
    protocol.send_block(1, [(b"a", b"1")], last=True)
    assert protocol.data_to_send() == b"".join(
        (
            raw(HEADERS, END_HEADERS, 1, b"\x48\x82\x08\x01"),
            raw(HEADERS, END_HEADERS, 1, b"\x88"),
            raw(0, 0, 1, b"body"),
            raw(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x81\x1f\x81\x0f"),
        )
    )
    assert protocol.outbound_flow_control_window == 65535 - 4


@pytest.mark.parametrize("number", [1, 3, 2])
def test_nothing_is_sent_on_what_has_ended(number: int) -> None:
    """Nor on streams that never were; and nothing is remembered of it."""
    protocol = connection()
    protocol.receive_data(get(1))
    protocol.send_block(1, HEAD, last=False)
    protocol.send_piece(1, b"", last=True)
    protocol.clear_outbound_data_buffer()
    for last in (True, False):
        with pytest.raises(ProtocolError):
            protocol.send_block(number, [(b":status", b"200"), (b"new", b"1")], last)
        with pytest.raises(ProtocolError):
            protocol.send_piece(number, b"x", last)
    assert protocol.data_to_send() == b""
    assert protocol.outbound_flow_control_window == 65535
    protocol.receive_data(get(5))
    protocol.send_block(5, [(b":status", b"200"), (b"new", b"1")], last=True)
    assert b"\x40" in protocol.data_to_send()  # it has not been put into the table


def test_nothing_is_sent_once_the_client_has_broken_the_protocol() -> None:
    """But what h2 says about that."""
    protocol = connection()
    protocol.receive_data(raw(HEADERS, END_HEADERS, 1, POST_BLOCK))
    with pytest.raises(ProtocolError):
        protocol.receive_data(get(2))
    protocol.clear_outbound_data_buffer()
    with pytest.raises(ProtocolError):
        protocol.send_block(1, HEAD, last=True)
    assert protocol.data_to_send() == b""
