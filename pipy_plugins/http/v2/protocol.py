"""h2 as it is used here: with our limits, without its checks of header fields, which ``heads`` does, and with our frame reader.

What is sent all the time is written here: h2 is only asked whether the state of its stream allows it.
"""

from functools import cache
from typing import Final

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from h2.stream import H2Stream, StreamInputs
from hpack.exceptions import HPACKError, OversizedHeaderListError
from hyperframe.frame import GoAwayFrame, PingFrame, SettingsFrame, WindowUpdateFrame

from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.compression import BlockDecoder, BlockEncoder
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.inbound import FrameReader, PlainData, PlainHeaders
from pipy_plugins.http.v2.limits import (
    CONNECTION_WINDOW,
    MAX_CLOSED,
    MAX_STREAMS,
    STREAM_WINDOW,
    list_limit,
)

_CONFIG: Final = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
#: Streams among which those that have ended are not worth looking for.
_FEW_STREAMS: Final = 32


@cache
def greeting(largest: int) -> bytes:
    """The first that a server sends. *largest*: bytes of a head."""
    settings = {
        SettingsFrame.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
        SettingsFrame.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        SettingsFrame.MAX_HEADER_LIST_SIZE: largest,
    }
    return SettingsFrame(0, settings).serialize() + WindowUpdateFrame(0, CONNECTION_WINDOW - wire.FIRST_WINDOW).serialize()


class ServerProtocol(H2Connection):
    """The server's side of a connection. ``greeting`` is sent by its user.

    What is beyond ``MAX_STREAMS`` is for the user to refuse: h2 would end a connection whose client does not know the limit yet.
    """

    MAX_CLOSED_STREAMS = MAX_CLOSED

    def __init__(self, reader: FrameReader, largest: int) -> None:
        super().__init__(_CONFIG)
        self.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: 2**31 - 1,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: largest,
            },
        )
        self.incoming_buffer = reader  # type: ignore[assignment]  # it is all that h2 asks for
        self._frame_dispatch_table[PlainHeaders] = self._receive_headers_frame
        self._frame_dispatch_table[PlainData] = self._receive_data_frame
        self.encoder: BlockEncoder = BlockEncoder()  # type: ignore[assignment]  # it is told the size of the table
        self.decoder: BlockDecoder = BlockDecoder(list_limit(largest))  # type: ignore[assignment]  # it is asked to decode
        self._purged = 0  # streams left by the last time that those which have ended were taken out
        self.increment_flow_control_window(CONNECTION_WINDOW - wire.FIRST_WINDOW)
        self.clear_outbound_data_buffer()

    @property
    def open_inbound_streams(self) -> int:
        """How many there may be, at most. h2 would look at all of them for each one that begins; here it does so now and then."""
        if len(self.streams) >= 2 * self._purged + _FEW_STREAMS:
            super().open_inbound_streams  # noqa: B018  # takes out those that have ended
            self._purged = len(self.streams)
        return len(self.streams)

    def _begin_new_stream(self, stream_id: int, allowed_ids: AllowedStreamIDs) -> H2Stream:
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        stream._initialize_content_length = _no_length  # type: ignore[assignment, method-assign]
        return stream

    def send_block(self, number: int, block: Block, last: bool) -> None:
        """Send a header list: an interim head, the head, or what is behind the body. The stream ends with it if it is the *last*.

        :raises ProtocolError: the stream has ended, or never was.
        """
        machine = self._stream(number).state_machine
        name, value = block[0]
        interim = name == b":status" and value[:1] == b"1"
        machine.process_input(StreamInputs.SEND_INFORMATIONAL_HEADERS if interim else StreamInputs.SEND_HEADERS)
        if last:
            machine.process_input(StreamInputs.SEND_END_STREAM)
        self._data_to_send += wire.header_frames(number, self.encoder.encode(block), last, self.max_outbound_frame_size)

    def send_piece(self, number: int, piece: bytes | memoryview, last: bool) -> None:
        """Send a frame of a body, within the windows; the stream ends with it if it is the *last*.

        :raises ProtocolError: the stream has ended, or never was.
        """
        stream = self._stream(number)
        stream.state_machine.process_input(StreamInputs.SEND_END_STREAM if last else StreamInputs.SEND_DATA)
        stream.outbound_flow_control_window -= len(piece)
        self.outbound_flow_control_window -= len(piece)
        self._data_to_send += wire.frame(wire.DATA, wire.END_STREAM if last else 0, number, piece)

    def _stream(self, number: int) -> H2Stream:
        stream = self.streams.get(number)
        if stream is None or self.state_machine.state is ConnectionState.CLOSED:
            raise StreamClosedError(number)
        return stream


def _no_length(_headers: object) -> None:
    """The length that a request declares is judged by ``Intake``, which resets the stream (RFC 9113, 8.1.1).

    h2 would end the connection, with all other streams.
    """


def ping(payload: bytes) -> bytes:
    """The frame that the client answers with the same eight bytes, behind everything that it has sent before."""
    return PingFrame(0, payload).serialize()


def goaway(last: int, code: ErrorCodes) -> bytes:
    """The frame that says that streams above *last* are not dealt with. h2 would take no more frames behind it."""
    return GoAwayFrame(0, last_stream_id=last, error_code=int(code)).serialize()


def code_of(error: ProtocolError) -> ErrorCodes:
    """What GOAWAY says about *error*, raised by ``receive_data``: h2 knows nothing of COMPRESSION_ERROR (RFC 9113, 4.3)."""
    cause = error.__cause__
    if isinstance(cause, HPACKError) and not isinstance(cause, OversizedHeaderListError):
        return ErrorCodes.COMPRESSION_ERROR
    return ErrorCodes(error.error_code)
