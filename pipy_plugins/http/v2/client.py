"""The client's side of one HTTP/2 connection (RFC 9113): bytes in, what they mean for whose request out. Knows no filters.

Whatever concerns one stream ends that stream only: ``Receiver.lost``. What concerns all of them raises ``BrokenConnection``.
"""

from collections.abc import Callable
from typing import Final

from hpack import HPACKError

from pipy_core.api import Limits
from pipy_plugins.http.framing import LIMITS
from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.compression import BlockDecoder
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import CONNECTION_WINDOW, STREAM_WINDOW, list_limit
from pipy_plugins.http.v2.noise import Noise
from pipy_plugins.http.v2.sender import Sender
from pipy_plugins.http.v2.stream import Receiver, Stream
from pipy_plugins.http.v2.wire import BrokenConnection, BrokenStream, FrameSplitter, HeaderBlock, frame

#: Requests at the same time on one connection until the server has said how many, and whatever it says.
FIRST_REQUESTS: Final = 100
MOST_REQUESTS: Final = 1024


class Client(Sender):
    """One connection to a server.

    :param now: the clock. :param limits: how large a head may be. :ivar secure: it is known to use TLS.
    :ivar streams: those whose response has not ended, by number.
    :ivar limit: how many there may be. :ivar served: there has been a response.
    :ivar last: of a GOAWAY: streams above it will not be looked at, and no more may be begun.
    """

    __slots__ = (
        "_block",
        "_consumed",
        "_credit",
        "_decoder",
        "_limits",
        "_next",
        "_noise",
        "_reader",
        "_settled",
        "last",
        "limit",
        "secure",
        "served",
        "streams",
    )

    def __init__(self, now: Callable[[], float], secure: bool, limits: Limits = LIMITS) -> None:
        super().__init__()
        self.secure = secure
        self._limits = limits
        self._reader = FrameSplitter()
        self._decoder = BlockDecoder(list_limit(limits.max_header_size))
        self._block: HeaderBlock | None = None
        self._next = 1
        self._credit = CONNECTION_WINDOW
        self._consumed = 0
        self._settled = False  # the first frame, which has to be SETTINGS, has come
        self._noise = Noise(now)
        self.served = False
        self.last: int | None = None
        self.limit = FIRST_REQUESTS
        self.streams: dict[int, Stream] = {}
        ours = {wire.PUSH_SETTING: 0, wire.WINDOW_SETTING: STREAM_WINDOW, wire.HEADERS_SETTING: limits.max_header_size}
        more = wire.window_update(0, CONNECTION_WINDOW - wire.FIRST_WINDOW)
        self.out += (wire.PREFACE, wire.settings(ours), more)

    # -- requests ---------------------------------------------------------------------------------------------------

    @property
    def exhausted(self) -> bool:
        """No more requests can be begun, now or ever."""
        return self.last is not None or self._next > wire.LARGEST_WINDOW

    def open(self, block: Block, end: bool, receiver: Receiver) -> Stream:
        """Begin a request with these header fields; *end* if nothing is behind them."""
        number = self._next
        self._next += 2
        self.streams[number] = stream = Stream(self, number, receiver, self.first_window)
        stream.sent_all = end
        self.send_block(number, block, end)
        return stream

    def reset(self, stream: Stream, code: int) -> None:
        """Nobody wants the response any more."""
        if self.streams.pop(stream.number, None) is not None:
            self.forget(stream.number)
            self.out.append(wire.rst_stream(stream.number, code))

    # -- responses --------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Deal with what has come. Not to be called while it runs.

        :raises BrokenConnection: the server has broken the protocol; nothing more can be understood.
        """
        for kind, flags, number, payload in self._reader.feed(data):
            if self._block is not None and kind != wire.CONTINUATION:
                raise BrokenConnection(wire.PROTOCOL_ERROR, "header fields without their end")
            if not self._settled and (kind != wire.SETTINGS or flags & wire.ACK):
                raise BrokenConnection(wire.PROTOCOL_ERROR, "not HTTP/2")
            if kind < len(_KINDS):
                _KINDS[kind](self, flags, number, payload)
            else:
                self._count_noise()

    def _stream(self, number: int) -> Stream | None:
        """The stream, or None if it has ended."""
        stream = self.streams.get(number)
        if stream is None:
            if number % 2 == 0 or number >= self._next:
                raise BrokenConnection(wire.PROTOCOL_ERROR, "a stream that was never begun")
            self._count_noise()
        return stream

    def _data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        self._credit -= size
        if self._credit < 0:
            raise BrokenConnection(wire.FLOW_CONTROL_ERROR, "more than the window of the connection")
        self._consumed += size
        if self._consumed >= CONNECTION_WINDOW // 2:
            self.out.append(wire.window_update(0, self._consumed))
            self._credit += self._consumed
            self._consumed = 0
        if flags & wire.PADDED:
            payload = wire.unpadded(wire.PADDED, payload)
        stream = self._stream(number)
        if stream is None:
            return
        if payload:
            self._noise.stop()
        else:
            self._count_noise()
        try:
            stream.data(size, payload, bool(flags & wire.END_STREAM))
        except BrokenStream as error:
            self._break(stream, error.code)
        else:
            if stream.ended:
                self._complete(stream)

    def _headers(self, flags: int, number: int, payload: bytes) -> None:
        block = wire.unpadded(flags, payload)
        if flags & wire.END_HEADERS:
            self._fields(flags, number, block)
        else:
            self._block = HeaderBlock(flags, number, block, self._limits.max_header_size)

    def _continuation(self, flags: int, number: int, payload: bytes) -> None:
        block = self._block
        if block is None or block.number != number:
            raise BrokenConnection(wire.PROTOCOL_ERROR, "a continuation of nothing")
        if not block.add(payload):
            raise BrokenConnection(wire.ENHANCE_YOUR_CALM, "too many header fields")
        if flags & wire.END_HEADERS:
            self._block = None
            self._fields(block.flags, number, bytes(block.fields))

    def _fields(self, flags: int, number: int, block: bytes) -> None:
        stream = self._stream(number)
        try:
            fields = self._decoder.decode(block)
        except HPACKError as error:
            raise BrokenConnection(wire.COMPRESSION_ERROR, str(error)) from None
        if stream is None:
            return
        self._noise.stop()
        try:
            stream.headers(fields, bool(flags & wire.END_STREAM), self._limits)
        except BrokenStream as error:
            self._break(stream, error.code)
        else:
            if stream.ended:
                self._complete(stream)

    def _break(self, stream: Stream, code: int) -> None:
        """The server has broken the protocol on one stream."""
        if stream.number in self.streams:
            self.reset(stream, code)
            stream.receiver.lost(code, by_peer=False)

    def _complete(self, stream: Stream) -> None:
        if self.streams.pop(stream.number, None) is None:
            return  # nobody wants it any more, since a moment ago
        self.served = True
        self.forget(stream.number)
        if not stream.sent_all:  # the rest of the request is of no use to the server
            self.out.append(wire.rst_stream(stream.number, wire.NO_ERROR))
        stream.receiver.finished(stream.tail)

    def _reset(self, _flags: int, number: int, payload: bytes) -> None:
        code = wire.read_word(payload)
        stream = self._stream(number)
        if stream is not None:
            del self.streams[number]
            self.forget(number)
            stream.receiver.lost(code, by_peer=True)

    # -- about the connection ---------------------------------------------------------------------------------------

    def _settings(self, flags: int, number: int, payload: bytes) -> None:
        if number or (flags & wire.ACK and payload):
            raise BrokenConnection(wire.PROTOCOL_ERROR if number else wire.FRAME_SIZE_ERROR, "malformed SETTINGS")
        self._count_noise()
        if flags & wire.ACK:
            return
        if not self._settled:
            self._settled = True
            self.limit = MOST_REQUESTS
        for name, value in wire.read_settings(payload):
            self._set(name, value)
        self.out.append(frame(wire.SETTINGS, wire.ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == wire.WINDOW_SETTING:
            more, self.first_window = value - self.first_window, value
            for stream in list(self.streams.values()):
                self.widen_stream(stream, more)
        elif name == wire.FRAME_SETTING:
            self.set_max_frame(value)
        elif name == wire.STREAMS_SETTING:
            self.limit = min(value, MOST_REQUESTS)
        elif name == wire.TABLE_SETTING:
            self.set_table_size(value)
        elif name == wire.PUSH_SETTING and value:
            raise BrokenConnection(wire.PROTOCOL_ERROR, "a server does not take pushes")

    def _window_update(self, _flags: int, number: int, payload: bytes) -> None:
        more = wire.read_word(payload) & wire.LARGEST_WINDOW
        self._count_noise()
        if not number:
            self.widen(more)
            return
        stream = self._stream(number)
        if stream is None:
            return
        if more and stream.window + more <= wire.LARGEST_WINDOW:
            self.widen_stream(stream, more)
        else:
            self._break(stream, wire.FLOW_CONTROL_ERROR if more else wire.PROTOCOL_ERROR)

    def _ping(self, flags: int, number: int, payload: bytes) -> None:
        if number or len(payload) != 8:
            raise BrokenConnection(wire.PROTOCOL_ERROR if number else wire.FRAME_SIZE_ERROR, "malformed PING")
        self._count_noise()
        if not flags & wire.ACK:
            self.out.append(frame(wire.PING, wire.ACK, 0, payload))

    def _goaway(self, _flags: int, number: int, payload: bytes) -> None:
        last = wire.read_goaway(payload)
        if number or (self.last is not None and last > self.last):
            raise BrokenConnection(wire.PROTOCOL_ERROR, "malformed GOAWAY")
        self._count_noise()
        self.last = last

    def _priority(self, _flags: int, number: int, payload: bytes) -> None:
        if not number or len(payload) != 5:
            raise BrokenConnection(wire.FRAME_SIZE_ERROR if number else wire.PROTOCOL_ERROR, "malformed PRIORITY")
        self._count_noise()

    def _push(self, _flags: int, _number: int, _payload: bytes) -> None:
        raise BrokenConnection(wire.PROTOCOL_ERROR, "a push, although we have said that we take none")

    def _count_noise(self) -> None:
        if self.progressed:
            self.progressed = False
            self._noise.stop()
        self._noise.count()


#: What the kinds of frames do, by their numbers.
_KINDS: Final[tuple[Callable[[Client, int, int, bytes], None], ...]] = (
    Client._data,
    Client._headers,
    Client._priority,
    Client._reset,
    Client._settings,
    Client._push,
    Client._ping,
    Client._goaway,
    Client._window_update,
    Client._continuation,
)
