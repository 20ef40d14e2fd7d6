"""The heads of received messages: bytes until somebody asks for the fields."""

import re
from typing import Any, Final, Protocol

from pipy_core.api import Failure, Head, encode_json
from pipy_plugins.http.framing import Fields
from pipy_plugins.http.status import answer_to

_PROTOCOLS: Final = ("HTTP/1.0", "HTTP/1.1")
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Relay(Protocol):
    """Who has the client that sent a request: interim responses to it are passed on past all filters.

    :ivar too_large: if the answer ends with ``BufferOverflow``, it is because the request is too large.
    """

    too_large: bool

    def interim(self, head: "ResponseHead") -> None:
        """Pass *head*, whose status is 1xx, on if that is still possible."""


class ReceivedHead(Head):
    """What requests and responses from the wire have in common.

    :ivar received: the fields as they came, or None once the head has been replaced: then only ``fields`` is true.
    :ivar minor: 0 or 1, of the HTTP version.
    """

    __slots__ = ("minor", "received", "start", "wire")

    may_hold_data = False

    # One is made for each message: both kinds have a constructor of their own that calls none but that of Head, and that by name.
    # ``super()`` costs more than there is to do, and CPython is fast where what a line gets is always of the same type.
    minor: int
    received: Fields | None
    start: bytes
    wire: Fields

    @property
    def protocol(self) -> str:
        """``HTTP/1.0`` or ``HTTP/1.1``."""
        return _PROTOCOLS[self.minor]

    def replace(self, fields: dict[str, Any]) -> None:
        """See ``Head``."""
        self._fields = fields
        self.received = None


class RequestHead(ReceivedHead):
    """A request's head. ``start`` is method and target.

    :ivar method: as it came; what scripts do to the head does not change it.
    :ivar final: the client wants the connection to end after the response.
    :ivar upgrades: it asks to go on with another protocol.
    :ivar expects: the client waits for ``100 Continue`` before it sends the body (RFC 9110, 10.1.1).
    :ivar host: what absolute-form puts in the place of Host, or None.
    :ivar relay: where interim responses to it can go, or None.
    """

    __slots__ = ("expects", "final", "host", "method", "relay", "upgrades")

    def __init__(self, method: str, start: bytes, minor: int, wire: Fields, host: bytes | None = None) -> None:
        Head.__init__(self)
        self.start = start
        self.minor = minor
        self.wire = self.received = wire
        self.method = method
        self.final = wire.close or (minor == 0 and not wire.stay)
        self.upgrades = wire.upgrade and minor == 1
        self.expects = wire.expects and minor == 1
        self.host = host
        self.relay: Relay | None = None
        if (host is not None and wire.hosts != [host]) or (wire.expects and minor == 0):
            self.received = None

    def too_large(self) -> bool:
        """See ``Head``."""
        if self.relay is None:
            return False
        self.relay.too_large = True
        return True

    def json(self) -> bytes:
        """See ``Head``. What the fields mean to scripts is remembered with them."""
        if self.received is None or self._fields is not None:
            return super().json()
        path = encode_json(self.start[len(self.method) + 1 :].decode("latin-1"))
        return b'{"protocol":"HTTP/1.%d","headers":%b,"method":"%b","path":%b}' % (
            self.minor,
            self.received.json,
            self.method.encode("latin-1"),
            path,
        )

    def original(self) -> dict[str, Any]:
        """The fields as they came, whatever scripts have made of them."""
        return self._decode()

    def _decode(self) -> dict[str, Any]:
        headers = self.wire.headers
        if self.host is not None:  # RFC 9112, 3.2.2
            headers["host"] = self.host.decode("latin-1")
        if self.minor == 0:  # RFC 9110, 10.1.1: there is no expectation in HTTP/1.0
            headers.pop("expect", None)
        path = self.start[len(self.method) + 1 :].decode("latin-1")
        return {"protocol": self.protocol, "headers": headers, "method": self.method, "path": path}


class LostHead(Head):
    """What stands, for those who log it, for the head of a request that was refused before it was complete.

    :param line: what came of its first line. What may be one is the method, and the rest the target up to the version.
    """

    __slots__ = ()

    def __init__(self, line: bytes) -> None:
        method, _, rest = line.decode("latin-1").partition(" ")
        if _METHOD.fullmatch(method) is None:
            method, rest = "", line.decode("latin-1")
        path, _, protocol = rest.rpartition(" ")
        if not protocol.startswith("HTTP/"):
            path, protocol = rest, ""
        super().__init__({"protocol": protocol, "headers": {}, "method": method, "path": path})

    def original(self) -> dict[str, Any]:
        """See ``RequestHead``."""
        return self.fields


class ResponseHead(ReceivedHead):
    """A response's head. ``start`` is status and reason phrase."""

    __slots__ = ("status",)

    def __init__(self, status: int, start: bytes, minor: int, wire: Fields) -> None:
        Head.__init__(self)
        self.start = start
        self.minor = minor
        self.wire = self.received = wire
        self.status = status

    @property
    def upgrades(self) -> bool:
        """It goes on with another protocol. Upgrade in another response is about the server's connection only."""
        return self.status == 101 and self.wire.upgrade

    def json(self) -> bytes:
        """See ``Head``."""
        if self.received is None or self._fields is not None:
            return super().json()
        reason = encode_json(self.start[4:].decode("latin-1"))
        return b'{"protocol":"HTTP/1.%d","headers":%b,"status":%d,"statusText":%b}' % (
            self.minor,
            self.received.json,
            self.status,
            reason,
        )

    def _decode(self) -> dict[str, Any]:
        reason = self.start[4:].decode("latin-1")
        return {"protocol": self.protocol, "headers": self.wire.headers, "status": self.status, "statusText": reason}


class FailureHead(Head):
    """The head that stands for a response which never came; a StreamEnd with the failure follows it."""

    __slots__ = ()

    def __init__(self, failure: Failure) -> None:
        status, text = answer_to(failure)
        super().__init__({"protocol": "HTTP/1.1", "headers": {}, "status": status, "statusText": text})
