"""Bytes to frames, in the place of the frame buffer that comes with h2: with our limits, and with an eye on floods.

h2 waits for all of a frame before it looks at its length, keeps 64 frames of a header block of any size, and does not tell of
frames that it ignores. What a frame means is left to it.
"""

from typing import Final

from h2.exceptions import DenialOfServiceError, FrameDataMissingError, FrameTooLargeError, ProtocolError
from h2.settings import SettingCodes
from hyperframe.exceptions import InvalidDataError, InvalidFrameError, InvalidPaddingError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from pipy_plugins.http.v2.budget import FRAME, WASTED_STREAM, Budget
from pipy_plugins.http.v2.limits import HEADER_TABLE, MAX_BLOCK, MAX_FRAME, block_limit, frame_limit

#: Length, type, flags and stream.
_FRAME_HEAD: Final = 9
#: The bits of a stream's number; the one in front of them means nothing.
_NUMBER: Final = 2**31 - 1
_MEANT: Final = frozenset({WindowUpdateFrame, SettingsFrame, PriorityFrame, RstStreamFrame})
_KNOWN_SETTINGS: Final = frozenset(SettingCodes)


class PlainHeaders(HeadersFrame):
    """A header block in one frame, without padding and priority: made in a fraction of the time."""

    def __init__(self, number: int, flags: frozenset[str], data: bytes) -> None:  # all of a frame that h2 looks at
        self.stream_id = number
        self.flags = flags  # type: ignore[assignment]  # nobody changes them
        self.data = data

    def __repr__(self) -> str:
        """Short: h2 wants it of each frame, for a log that nobody keeps."""
        return "HEADERS"


class PlainData(DataFrame):
    """The same for a part of a body."""

    def __init__(self, number: int, flags: frozenset[str], data: bytes) -> None:
        self.stream_id = number
        self.flags = flags  # type: ignore[assignment]
        self.data = data
        self.pad_length = 0

    def __repr__(self) -> str:
        """See ``PlainHeaders``: that of the library has all of the body in it."""
        return "DATA"


#: Types and flags of plain frames, as they are in the head of a frame.
_PLAIN: Final[dict[bytes, tuple[type[PlainHeaders | PlainData], frozenset[str]]]] = {
    b"\x01\x05": (PlainHeaders, frozenset({"END_HEADERS", "END_STREAM"})),
    b"\x01\x04": (PlainHeaders, frozenset({"END_HEADERS"})),
    b"\x00\x00": (PlainData, frozenset()),
    b"\x00\x01": (PlainData, frozenset({"END_STREAM"})),
}


class FrameReader:
    """What ``H2Connection.incoming_buffer`` has to be: ``add_data``, then iteration over the frames that are complete.

    :param preface: what has to come before the first frame. :param largest: bytes that a head may have.
    :ivar leaving: the peer has sent GOAWAY: no more streams come from it, those there are go on. h2 would end them.
    :ivar echo: what the last answer to a PING of ours has in it.
    :ivar resets: streams that the peer has reset; whoever takes them clears it.
    """

    __slots__ = (
        "_block",
        "_block_size",
        "_budget",
        "_data",
        "_first",
        "_largest",
        "_position",
        "_preface",
        "echo",
        "leaving",
        "max_frame_size",
        "resets",
    )

    def __init__(self, budget: Budget, preface: bytes = b"", largest: int = MAX_BLOCK) -> None:
        self._budget = budget
        self._largest = largest
        self._preface = preface
        self._data = b""
        self._position = 0
        self._first = True
        self._block: list[HeadersFrame | ContinuationFrame] = []  # a header block that is not complete
        self._block_size = 0
        self.max_frame_size = MAX_FRAME
        self.leaving = False
        self.echo = b""
        self.resets: set[int] = set()

    def add_data(self, data: bytes) -> None:
        """See ``h2.frame_buffer``.

        :raises ProtocolError: it does not begin with the preface.
        """
        rest = self._data[self._position :]
        self._data = rest + data if rest else data
        self._position = 0
        preface = self._preface
        if preface:
            begun = self._data[: len(preface)]
            if not preface.startswith(begun):
                raise ProtocolError("not the preface of HTTP/2")
            self._position = len(begun)
            self._preface = preface[len(begun) :]

    def __iter__(self) -> "FrameReader":
        return self

    def __next__(self) -> Frame:
        """The next frame that means something to h2.

        :raises ProtocolError: it is malformed or too much; ``error_code`` is what GOAWAY is to say.
        """
        while True:
            frame = self._read()
            if self._block:
                whole = self._continue(frame)
                if whole is not None:
                    return whole
            elif type(frame) is PlainHeaders:
                return frame
            elif type(frame) is HeadersFrame:
                if "END_HEADERS" in frame.flags:
                    return frame
                self._block.append(frame)
                self._block_size = len(frame.data)
            elif isinstance(frame, DataFrame):
                if not (frame.data or "END_STREAM" in frame.flags):
                    self._budget.spend(FRAME)
                return frame
            elif self._matters(frame):
                return frame

    def _read(self) -> Frame:
        data, start = self._data, self._position
        if len(data) - start < _FRAME_HEAD:
            raise StopIteration
        length = int.from_bytes(data[start : start + 3])
        if length > self.max_frame_size:
            raise FrameTooLargeError(f"a frame of {length} bytes")
        end = start + _FRAME_HEAD + length
        if len(data) < end:
            raise StopIteration
        plain = _PLAIN.get(data[start + 3 : start + 5])
        number = int.from_bytes(data[start + 5 : start + _FRAME_HEAD]) & _NUMBER
        if plain is not None and number:
            frame: Frame = plain[0](number, plain[1], data[start + _FRAME_HEAD : end])
        else:
            frame = _parse(memoryview(data)[start:end])
        self._position = end
        if self._first:
            self._first = False
            if type(frame) is not SettingsFrame or "ACK" in frame.flags:
                raise ProtocolError("the first frame is not SETTINGS")
        return frame

    def _matters(self, frame: Frame) -> bool:
        """Whether h2 is to see *frame*, which is about no message."""
        if isinstance(frame, PushPromiseFrame | ContinuationFrame):
            raise ProtocolError("a frame that may not come here")
        self._budget.spend(WASTED_STREAM if type(frame) is RstStreamFrame else FRAME)
        if type(frame) is RstStreamFrame:
            self.resets.add(frame.stream_id)
        elif type(frame) is GoAwayFrame:
            self.leaving = True
            return False
        elif type(frame) is PingFrame:
            if "ACK" not in frame.flags:
                return True
            self.echo = bytes(frame.opaque_data)
        elif type(frame) is SettingsFrame:
            _prune(frame.settings)
        return type(frame) in _MEANT

    # -- header blocks ----------------------------------------------------------------------------------------------

    def _continue(self, frame: Frame) -> HeadersFrame | None:
        """Add to the header block; give all of it as one frame when it is complete."""
        first = self._block[0]
        assert type(first) is HeadersFrame
        if type(frame) is not ContinuationFrame or frame.stream_id != first.stream_id:
            raise ProtocolError("a header block is interrupted")
        self._block.append(frame)
        self._block_size += len(frame.data)
        if len(self._block) > frame_limit(self._largest) or self._block_size > block_limit(self._largest):
            raise DenialOfServiceError("a header block of too many frames, or too large")
        if "END_HEADERS" not in frame.flags:
            return None
        first.flags.add("END_HEADERS")
        first.data = b"".join(part.data for part in self._block)
        self._block = []
        return first


def _parse(view: memoryview) -> Frame:
    try:
        frame, _ = Frame.parse_frame_header(view[:_FRAME_HEAD])
        frame.parse_body(view[_FRAME_HEAD:])
    except InvalidFrameError as error:
        raise FrameDataMissingError(str(error)) from None
    except (InvalidDataError, InvalidPaddingError) as error:
        raise ProtocolError(str(error)) from None
    return frame


def _prune(settings: dict[int, int]) -> None:
    """Leave out what nobody knows, which h2 would keep for ever, and the wish for a larger table than we want to keep."""
    for name in [name for name in settings if name not in _KNOWN_SETTINGS]:
        del settings[name]
    table = settings.get(SettingsFrame.HEADER_TABLE_SIZE, 0)
    if table > HEADER_TABLE:
        settings[SettingsFrame.HEADER_TABLE_SIZE] = HEADER_TABLE
