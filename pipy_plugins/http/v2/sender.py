"""What goes out on a connection of HTTP/2: lists of header fields, and bodies as far as windows let them. Knows no requests.

What is to be sent piles up in ``out``, at most about ``BURST`` bytes of bodies at a time; the rest waits in its stream.
"""

from typing import Final, Protocol

from pipy_plugins.http.v2 import wire
from pipy_plugins.http.v2.compression import BlockEncoder
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import MAX_FRAME
from pipy_plugins.http.v2.wire import BrokenConnection

#: Bytes of bodies that are sent before it is seen whether the connection takes them.
BURST: Final = 128 * 1024


class Source(Protocol):
    """A stream with something to send.

    :ivar window: bytes that the peer lets it send. :ivar waiting: bytes it has.
    """

    number: int
    window: int

    @property
    def waiting(self) -> int:
        """See the class."""

    def send_some(self, room: int) -> int:
        """Put one DATA frame of at most *room* bytes into ``out``; give its size."""


class Sender:
    """The sending half of a connection.

    :ivar out: bytes to be sent. :ivar choked: bodies are not to be sent now, the connection is too full.
    :ivar first_window: of new streams. :ivar progressed: something of a message has been sent since this was set to False.
    """

    __slots__ = ("_encoder", "_max_frame", "_ready", "_window", "choked", "first_window", "out", "progressed")

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.choked = self.progressed = False
        self._encoder = BlockEncoder()
        self._window = self.first_window = wire.FIRST_WINDOW
        self._max_frame = MAX_FRAME
        self._ready: dict[int, Source] = {}  # those that have something to send, and a window

    def send_block(self, number: int, block: Block, end: bool) -> None:
        """Send a list of header fields."""
        self.progressed = True
        self.out.append(wire.header_frames(number, self._encoder.encode(block), end, self._max_frame))

    def ready(self, source: Source) -> None:
        """*source* may have something to send."""
        if source.waiting and source.window > 0:
            self._ready[source.number] = source
            self.pump()
        else:
            self.forget(source.number)

    def forget(self, number: int) -> None:
        """Nothing more is to be sent of this stream."""
        self._ready.pop(number, None)

    def pump(self) -> None:
        """Send what waits in the streams, a frame of each in turn, as far as windows and ``BURST`` go."""
        ready = self._ready
        burst = BURST - sum(map(len, self.out)) if ready else 0
        while ready and self._window > 0 and burst > 0 and not self.choked:
            number = next(iter(ready))
            source = ready.pop(number)
            size = source.send_some(min(self._window, source.window, self._max_frame))
            self._window -= size
            burst -= size
            self.progressed = True
            if source.waiting and source.window > 0:
                ready[number] = source

    # -- what the peer allows ---------------------------------------------------------------------------------------

    def widen(self, more: int) -> None:
        """The window of the connection has grown."""
        self._window += more
        if not more or self._window > wire.LARGEST_WINDOW:
            raise BrokenConnection(wire.FLOW_CONTROL_ERROR if more else wire.PROTOCOL_ERROR, "an impossible window")
        self.pump()

    def widen_stream(self, source: Source, more: int) -> None:
        """The window of *source* has changed.

        :raises BrokenConnection: it is larger than there may be.
        """
        source.window += more
        if source.window > wire.LARGEST_WINDOW:
            raise BrokenConnection(wire.FLOW_CONTROL_ERROR, "the window is too large")
        self.ready(source)

    def set_max_frame(self, size: int) -> None:
        """The peer takes frames of *size* bytes."""
        self._max_frame = size

    def set_table_size(self, size: int) -> None:
        """The peer remembers header fields of *size* bytes."""
        self._encoder.header_table_size = size
