"""How much an HTTP/2 peer may ask for. Numbers only; who counts what says so.

How large a head may be is a limit that can be set (``max_header_size``). What is more is refused; what is much more ends the
connection, since it has to be decoded before it can be refused.
"""

from typing import Final

#: Streams of one connection at the same time; what is beyond is refused. nginx 128, Envoy and HAProxy 100, Go 250.
MAX_STREAMS: Final = 128
#: Bytes of one body that the peer may send before they are passed on. nginx 64 KiB, Envoy 16 MiB.
STREAM_WINDOW: Final = 256 * 1024
#: The same for all bodies of a connection. Envoy 24 MiB.
CONNECTION_WINDOW: Final = 1024 * 1024
#: Bytes of a frame that we accept, the least there is (RFC 9113, 6.5.2).
MAX_FRAME: Final = 16 * 1024
#: Bytes of the table of header fields a peer may refer to; everybody leaves it at that.
HEADER_TABLE: Final = 4096
#: Bytes of decoded header fields beyond which the connection ends, unless more may be sent: what is less gets a 431.
MAX_HEADER_LIST: Final = 256 * 1024
#: Bytes of a body that wait for the peer's window, at which whoever feeds it has to wait, and at which it may go on.
HIGH_WATER: Final = 64 * 1024
LOW_WATER: Final = 16 * 1024
#: Bytes of a body that wait for the peer's window, fed by somebody who cannot wait; beyond it the stream is reset.
HARD_LIMIT: Final = 32 * 1024 * 1024
#: Bytes of all responses of a connection that wait for the client's windows; beyond it the stream is reset.
MAX_UNSENT: Final = 64 * 1024 * 1024
#: Frames of one header block. Envoy 512, h2 64.
MAX_CONTINUATIONS: Final = 32
#: Bytes of one header block, compressed, unless more may be sent.
MAX_BLOCK: Final = 64 * 1024
#: Streams of a connection whose end is remembered, to tell late frames from wrong ones. h2 65,536.
MAX_CLOSED: Final = 1024


def list_limit(largest: int) -> int:
    """``MAX_HEADER_LIST``, or more where heads may have *largest* bytes: each field counts as 32 more than it has."""
    return max(MAX_HEADER_LIST, 2 * largest)


def block_limit(largest: int) -> int:
    """The same for ``MAX_BLOCK``."""
    return max(MAX_BLOCK, largest)


def frame_limit(largest: int) -> int:
    """The same for ``MAX_CONTINUATIONS``."""
    return max(MAX_CONTINUATIONS, 2 * largest // MAX_FRAME)
