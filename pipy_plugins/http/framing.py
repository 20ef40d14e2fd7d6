"""What a block of received header fields means: how long the body is, whether the connection stays, what may be sent on.

Decides for requests and responses alike and knows no streams. llhttp judges the form of the fields; what it leaves open (limits,
Host, unknown codings; ``contrib/decisions``) is judged here.
"""

import re
from functools import lru_cache
from typing import Any, Final

import httptools

from pipy_core.api import Limits, ProtocolError, encode_json

#: How large heads may be: as in a process that was told nothing else.
LIMITS: Final = Limits()
#: Names in Connection beyond the usual ones; each costs a search through the head.
MAX_NAMED: Final = 16

#: Blocks up to this size are remembered with what they mean: clients and servers repeat theirs from message to message.
_MAX_REMEMBERED: Final = 2048
_REMEMBERED: Final = 256
#: Where blocks differ, most of their lines do not.
_LINES_REMEMBERED: Final = 1024

#: Fields about one connection or the framing of one message; Upgrade is looked at more closely.
_LOCAL: Final = frozenset(
    {b"connection", b"content-length", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
)
_FACTS: Final = re.compile(
    rb"\n(host|connection|content-length|transfer-encoding|upgrade|expect|content-type):[ \t]*([^\r]*)", re.IGNORECASE
)
_EVENT_STREAM: Final = re.compile(rb"text/event-stream[ \t]*(?:;|$)", re.IGNORECASE)
#: Host and port, as in Host; user information is not for sending (RFC 9110, 4.2.4).
HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_USUAL: Final = frozenset({b"close", b"keep-alive", b"upgrade"})
#: Without these a message would mean something else; whoever names them in Connection gets no such favour.
_KEPT: Final = frozenset({b"host"})


class BadMessage(ProtocolError):
    """A peer's message is malformed. *status* is what a client is told.

    :ivar line: what has come of the start line, if it was the head that was malformed.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.line = b""


class Fields:
    """The meaning of one block of header fields. Shared by all heads with the same bytes: never changed once made.

    :ivar raw: from the line end of the start line to the empty line, both included. :ivar count: how many fields there are.
    :ivar length: of Content-Length, or None.
    :ivar hosts: the values of Host. :ivar host_is_valid: there is exactly one, and it is one (RFC 9112, 3.2).
    :ivar close: Connection says ``close``. :ivar stay: it says ``keep-alive``.
    :ivar upgrade: Connection says ``upgrade`` and there is an Upgrade to something that can be tunnelled.
    :ivar h2c: Connection says ``upgrade`` and Upgrade names HTTP/2 (RFC 7540, 3.2).
    :ivar is_event_stream: the body is of events, to be passed on as they come (WHATWG HTML, 9.2).
    """

    __slots__ = (
        "_forward",
        "_headers",
        "_json",
        "_named",
        "chunked",
        "close",
        "count",
        "expects",
        "h2c",
        "host_is_valid",
        "hosts",
        "is_event_stream",
        "length",
        "raw",
        "stay",
        "upgrade",
    )

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.count = raw.count(b"\r\n") - 2
        self.length: int | None = None
        self.chunked = False
        self.close = False
        self.stay = False
        self.upgrade = False
        self.h2c = False
        self.expects = False
        self.is_event_stream = False
        self.hosts: list[bytes] = []
        self._named: set[bytes] = set()
        self._forward: bytes | None = None
        self._headers: dict[str, Any] | None = None
        self._json: bytes | None = None
        upgrades: list[bytes] = []
        for name, text in _FACTS.findall(raw):
            kind = name.lower()
            value = text.rstrip(b" \t")
            if kind == b"host":
                self.hosts.append(value)
            elif kind == b"connection":
                self._named.update(token.strip(b" \t") for token in value.lower().split(b","))
            elif kind == b"content-length":
                self._set_length(value)
            elif kind == b"transfer-encoding":
                self._set_coding(value)
            elif kind == b"upgrade":
                upgrades.append(value.lower())
            elif kind == b"content-type":
                self.is_event_stream = _EVENT_STREAM.match(value) is not None
            else:
                self.expects = self.expects or value.lower() == b"100-continue"
        self.host_is_valid = len(self.hosts) == 1 and HOST.fullmatch(self.hosts[0]) is not None
        if self._named:
            self._set_connection(upgrades)
        if self.chunked and self.length is not None:
            raise BadMessage(400, "both Transfer-Encoding and Content-Length")

    def _set_length(self, value: bytes) -> None:
        # 18 digits fit into 64 bits; an exabyte is enough.
        if self.length is not None or not value.isdigit() or len(value) > 18:
            raise BadMessage(400, "invalid Content-Length")
        self.length = int(value)

    def _set_coding(self, value: bytes) -> None:
        coding = value.lower()
        if self.chunked or coding != b"chunked":
            # 501 is for codings that we could have known (RFC 9112, 6.1); anything that mentions chunked is an attempt to confuse.
            raise BadMessage(400 if not coding or b"chunked" in coding else 501, "unknown Transfer-Encoding")
        self.chunked = True

    def _set_connection(self, upgrades: list[bytes]) -> None:
        named = self._named
        self.close = b"close" in named
        self.stay = b"keep-alive" in named
        # Tunnelled, HTTP/2 would let requests pass that nobody here has looked at.
        if b"upgrade" in named and len(upgrades) == 1:
            self.h2c = b"h2c" in upgrades[0]
            self.upgrade = bool(upgrades[0]) and not self.h2c
        named -= _USUAL
        named.discard(b"")
        if len(named) > MAX_NAMED:
            raise BadMessage(400, "too many names in Connection")

    @property
    def forward(self) -> bytes:
        """The lines to send on: those of the decoded head that are not about connection or framing (RFC 9110, 7.6.1)."""
        if self._forward is None:
            self._forward = self._encode(b"")
        return self._forward

    @property
    def forward_upgrade(self) -> bytes:
        """The same with Upgrade and what belongs to it."""
        return self._encode(b"connection: upgrade\r\n")

    def _encode(self, upgrade: bytes) -> bytes:
        """The lines to send on; Upgrade goes with *upgrade* or not at all."""
        lines = self.raw[2:-4].split(b"\r\n") if len(self.raw) > 4 else []
        encoded = dict(map(_remembered_line if len(self.raw) <= _MAX_REMEMBERED else _line, lines))
        if len(encoded) < len(lines):
            encoded = _join(lines)
        if b"upgrade" in encoded:
            encoded[b"upgrade"] = upgrade and encoded[b"upgrade"] + upgrade
        if self._named:
            for name in self._named - _KEPT:
                encoded.pop(name, None)
        return b"".join(encoded.values())

    @property
    def json(self) -> bytes:
        """``headers`` as JSON."""
        if self._json is None:
            self._json = encode_json(self.headers)
        return self._json

    @property
    def headers(self) -> dict[str, Any]:
        """Lower-case names and values, repeated fields joined (RFC 9110, 5.3). A copy is the caller's to keep."""
        if self._headers is None:
            self._headers = _decode(self.raw)
        return dict(self._headers)


def _line(line: bytes) -> tuple[bytes, bytes]:
    """The name of a field line in lower case, and the line to send on: none if it is about this connection."""
    name, _, value = line.partition(b":")
    name = name.lower()
    return name, b"" if name in _LOCAL else b"%b: %b\r\n" % (name, value.strip(b" \t"))


_remembered_line: Final = lru_cache(_LINES_REMEMBERED)(_line)


def _join(lines: list[bytes]) -> dict[bytes, bytes]:
    """As ``_decode``: repeated fields in one line, but for Set-Cookie."""
    joined: dict[bytes, bytes] = {}
    for name, line in map(_line, lines):
        if not joined.get(name):
            joined[name] = line
        elif name == b"set-cookie":
            joined[name] += line
        else:
            joined[name] = joined[name][:-2] + (b"; " if name == b"cookie" else b", ") + line[len(name) + 2 :]
    return joined


def _decode(raw: bytes) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if len(raw) == 4:
        return headers
    for line in raw[2:-4].decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        name = name.lower()
        value = value.strip(" \t")  # not all blanks: \x85 and \xa0 are part of a value
        if name not in headers:
            headers[name] = value
        elif name == "set-cookie":
            first = headers[name]
            headers[name] = [*first, value] if isinstance(first, list) else [first, value]
        else:
            headers[name] += ("; " if name == "cookie" else ", ") + value
    return headers


def read_fields(raw: bytes, most: int = LIMITS.max_header_count) -> Fields:
    """What the fields in *raw* mean.

    :param raw: see ``Fields.raw``. :param most: how many there may be.
    :raises BadMessage: they are malformed, ambiguous or too many.
    """
    if len(raw) <= _MAX_REMEMBERED:
        fields = _remembered(raw)
        if fields.count <= most:
            return fields
    elif raw.count(b"\r\n") - 2 <= most:
        return _read(raw)
    raise BadMessage(431, "too many header fields")


def _read(raw: bytes) -> Fields:
    try:
        httptools.HttpRequestParser(None).feed_data(b"GET / HTTP/1.1" + raw)
    except httptools.HttpParserUpgrade:
        pass  # how llhttp says that the head is complete and names another protocol
    except httptools.HttpParserError as error:
        Fields(raw)  # may know better what to answer, for instance to an unknown coding
        raise BadMessage(400, str(error)) from None
    return Fields(raw)


_remembered: Final = lru_cache(_REMEMBERED)(_read)
