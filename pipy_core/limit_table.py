"""The table of limits that can be set: what each is about, how it is spelled, what happens beyond it, and who has the like.

Each row is an option of the command line (``--header-timeout``) and, where ``listen`` is set, one of ``listen`` as well, which wins
(``headerTimeout``). The values are in ``limits``.
"""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024
DAY: Final = 86_400.0


@dataclass(frozen=True)
class Limit:
    """One row of the table.

    :ivar name: its field of ``Limits``.
    :ivar unit: ``s``, ``bytes``, ``MB``, or empty for a number of things.
    :ivar lowest: the least that makes sense; 0 may be given as well where *off* says what it stands for.
    :ivar help: what is limited. :ivar beyond: what happens then.
    :ivar off: what 0 means; empty where it may not be given.
    :ivar listen: whether ``listen`` has an option for it. :ivar of: the filter that has one; empty if none does.
    :ivar others: what nginx, Envoy and HAProxy have.
    """

    name: str
    unit: str
    lowest: float
    highest: float
    help: str
    beyond: str
    off: str = ""
    listen: bool = False
    of: str = ""
    others: str = ""

    @property
    def noun(self) -> str:
        """What it is a number of."""
        return {"s": "seconds", "MB": "megabytes"}.get(self.unit, self.unit or "number")

    @property
    def purpose(self) -> str:
        """``help`` for those who read plain text."""
        return self.help[0].upper() + self.help[1:].replace("`", "")

    @property
    def option(self) -> str:
        """How the command line spells it, without dashes in front."""
        return self.name.replace("_", "-")

    @property
    def member(self) -> str:
        """How scripts spell it."""
        first, *rest = self.name.split("_")
        return first + "".join(map(str.capitalize, rest))


TABLE: Final = (
    Limit(
        "max_connections",
        "",
        1,
        10_000_000,
        "connections from clients at a time, in one process",
        "more wait to be accepted",
        off="as many as there may be descriptors, with some left for connections to servers",
        others="nginx `worker_connections` 512; HAProxy `maxconn`, from the descriptors; Envoy `max_connections`, off",
    ),
    Limit(
        "max_request_line",
        "bytes",
        64,
        1 * MIB,
        "a request line",
        "`414`",
        listen=True,
        others="nginx `large_client_header_buffers` 8 KiB; HAProxy `tune.bufsize` 15 KiB; Envoy counts it as header",
    ),
    Limit(
        "max_header_size",
        "bytes",
        256,
        1 * MIB,
        "the head of a message",
        "`431`; `502` for that of an upstream",
        listen=True,
        others="nginx `large_client_header_buffers` 32 KiB; HAProxy `tune.bufsize` 15 KiB; Envoy `max_request_headers_kb` 60 KiB",
    ),
    Limit(
        "max_header_count",
        "",
        1,
        10_000,
        "fields in a head",
        "`431`; `502` for that of an upstream",
        listen=True,
        others="HAProxy `tune.http.maxhdr` 101; Envoy `max_headers_count` 100",
    ),
    Limit(
        "max_body_buffer",
        "bytes",
        0,
        1024 * MIB,
        "a body that is collected: by `serveHTTP` for its function, `handleMessage`, `replaceMessage`, `mux` and others",
        "`413` for a request, otherwise `BufferOverflow`; `merge` makes no copy",
        listen=True,
        others="nginx `client_max_body_size` 1 MiB; Envoy `per_connection_buffer_limit_bytes` 1 MiB",
    ),
    Limit(
        "max_requests",
        "",
        1,
        1_000_000_000,
        "requests on one connection",
        "the last one is answered with `connection: close`, over HTTP/2 there is a GOAWAY",
        off="any number",
        listen=True,
        others="nginx `keepalive_requests` 1,000; Envoy `max_requests_per_connection`, off",
    ),
    Limit(
        "header_timeout",
        "s",
        0.1,
        DAY,
        "from the beginning of a request, or of the connection, to the end of its head; for what a protocol is told by; "
        "for a handshake",
        "`408`, and the connection is closed; `ReadTimeout` before there is a request",
        off="for ever",
        listen=True,
        others="nginx `client_header_timeout` 60 s; HAProxy `timeout http-request`, off; Envoy `request_headers_timeout`, off",
    ),
    Limit(
        "body_timeout",
        "s",
        0.1,
        DAY,
        "without a byte of a request's body that is waited for",
        "`408`, and the connection is closed; a stream of HTTP/2 is reset",
        off="for ever",
        listen=True,
        others="nginx `client_body_timeout` 60 s; HAProxy `timeout client`; Envoy `stream_idle_timeout` 5 min",
    ),
    Limit(
        "idle_timeout",
        "s",
        0.1,
        DAY,
        "between two requests of a connection",
        "it is closed",
        off="for ever",
        listen=True,
        others="nginx `keepalive_timeout` 75 s; HAProxy `timeout http-keep-alive`; Envoy `idle_timeout` 1 h",
    ),
    Limit(
        "read_timeout",
        "s",
        0.01,
        DAY,
        "without a byte from the client, whatever it speaks",
        "the connection ends with `ReadTimeout`",
        off="for ever",
        listen=True,
        others="nginx (stream) `proxy_timeout` 10 min; HAProxy `timeout client`; Envoy `idle_timeout` 1 h",
    ),
    Limit(
        "write_timeout",
        "s",
        0.01,
        DAY,
        "while a client takes nothing of what is to be sent",
        "the connection ends with `WriteTimeout`; a stream of HTTP/2 is reset",
        off="for ever",
        listen=True,
        others="nginx `send_timeout` 60 s; HAProxy `timeout client`; Envoy `stream_idle_timeout` 5 min",
    ),
    Limit(
        "connect_timeout",
        "s",
        0.01,
        DAY,
        "a try to connect to a server",
        "`ConnectionTimeout`: `504`",
        of="connect",
        others="nginx `proxy_connect_timeout` 60 s; HAProxy `timeout connect`; Envoy `connect_timeout` 5 s",
    ),
    Limit(
        "response_timeout",
        "s",
        0.1,
        DAY,
        "without a byte from the server while a response is due, or incomplete; event streams and gRPC may pause",
        "`504`; the end of the connection if the response has begun",
        off="for ever",
        of="muxHTTP",
        others="nginx `proxy_read_timeout` 60 s; HAProxy `timeout server`; Envoy `timeout` of a route 15 s",
    ),
    Limit(
        "upstream_write_timeout",
        "s",
        0.01,
        DAY,
        "while a server takes nothing of what is to be sent",
        "`WriteTimeout`: `504`",
        off="for ever",
        of="connect",
        others="nginx `proxy_send_timeout` 60 s; HAProxy `timeout server`; Envoy `stream_idle_timeout` 5 min",
    ),
    Limit(
        "max_pending",
        "",
        1,
        1_000_000,
        "requests that wait for one session of `muxHTTP`, sent or not",
        "`503`",
        of="muxHTTP",
        others="Envoy `max_pending_requests` 1,024; HAProxy `maxqueue`, off",
    ),
    Limit(
        "memory_limit",
        "MB",
        128,
        1_048_576,
        "memory of one process",
        "from 85 % on requests get `503` and idle connections are closed, from 95 % on none are accepted; it ends with code 70",
        off="what the machine or the container has, shared by the workers; 4096 at most",
        others="Envoy's overload manager: 95 % and 98 % of the heap; HAProxy `-m`",
    ),
    Limit(
        "log_repeats",
        "",
        1,
        1_000_000,
        "warnings and errors of one kind that are logged in a second",
        "they are counted, and the number is logged",
        off="any number",
        others="Envoy `log-rate`-limited macros; HAProxy `rate-limit`-ed health messages; nginx none",
    ),
)


def spelled(row: Limit, value: float) -> str:
    """*value* as people read it: ``60 s``, ``64 KiB``, ``10,000``."""
    if row.unit == "bytes" and value >= KIB:
        return f"{value // MIB:g} MiB" if value % MIB == 0 else f"{value / KIB:g} KiB"
    return f"{value:,g} {row.unit}".rstrip() if value < MIB else f"{int(value):,} {row.unit}".rstrip()
