"""Limits that can be set: what applies to a process, or to one of its ports. Knows nobody who keeps to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipy_core.limit_table import KIB, MIB, TABLE

#: Why a client or a request was turned away or cut off: what listeners count (see ``counters.Tally.refuse``).
CAUSES: Final = {
    "connections": "accepting stopped because the process had all the connections that it may have",
    "memory": "a request was answered with 503, or an idle connection closed, because memory was short",
    "header timeout": "a connection was closed while the head of a request was awaited",
    "handshake timeout": "a connection was ended because it did not show in time what it wants: TLS, SOCKS, a protocol to detect",
    "body timeout": "a connection was closed, or a stream of HTTP/2 reset, because no more of a request's body came",
    "idle timeout": "a connection was closed because no further request came",
    "write timeout": "a connection was closed, or a stream of HTTP/2 reset, because the client took nothing",
    "unsent": "a connection was closed because far too much waited to be sent: many answers at once to a client that does not read",
    "header size": "a request was refused because its line, its head or the number of its fields was too large",
    "body size": "a request was refused because its body was too large",
    "protocol": "a request was refused because it was malformed",
    "requests": "a connection was ended behind the last request that it may have",
    "pending": "a request was answered with 503 because too many waited for the same upstream",
    "response timeout": "a request was given up because the upstream said nothing",
    "decompression": "a stream was ended because its compressed body would have become too large",
    "flood": "a connection of HTTP/2 was ended for control frames or cancelled requests without use",
}


class Load:
    """How a process is doing: a hint for those who take on work, read without any cost.

    :ivar memory_short: new requests are to be refused. :ivar memory_gone: new connections are not even to be accepted.
    """

    __slots__ = ("memory_gone", "memory_short")

    def __init__(self) -> None:
        self.memory_short = False
        self.memory_gone = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The values that apply: of the process, or of one port. What each means is in ``TABLE``.

    :ivar load: how the process is doing; the same for all of its limits.
    """

    max_connections: int = 0
    max_request_line: int = 8 * KIB
    max_header_size: int = 64 * KIB
    max_header_count: int = 128
    max_body_buffer: int = 16 * MIB
    max_requests: int = 10_000
    header_timeout: float = 60.0
    body_timeout: float = 60.0
    idle_timeout: float = 75.0
    read_timeout: float = 0.0
    write_timeout: float = 60.0
    connect_timeout: float = 60.0
    response_timeout: float = 60.0
    upstream_write_timeout: float = 300.0
    max_pending: int = 1024
    memory_limit: int = 0
    log_repeats: int = 10
    load: Load = field(default_factory=Load, compare=False, repr=False)

    def with_options(self, options: Mapping[str, Any]) -> "Limits":
        """These, but for what the options of a ``listen`` say; None and absent ones say nothing."""
        said = {row.name: options.get(row.member) for row in TABLE if row.listen}
        return replace(self, **{name: value for name, value in said.items() if value is not None})


#: What applies where nothing is said.
DEFAULTS: Final = Limits()
