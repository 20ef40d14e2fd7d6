"""What a block of received header fields means: how long the body is, whether the connection stays, what may be sent on.

Decides for requests and responses alike and knows no streams. llhttp judges the form of the fields; what it leaves open (limits,
Host, unknown codings; ``contrib/decisions``) is judged here.
"""

import re
from functools import lru_cache
from typing import Any, Final

import httptools

from pipy_core.api import ProtocolError

#: nginx 8 KiB, gunicorn 4 KiB, HAProxy 15 KiB.
MAX_LINE: Final = 8 * 1024
#: Envoy 60 KiB, nginx 32 KiB, HAProxy 15 KiB, Caddy and Node 16 KiB.
MAX_HEAD: Final = 64 * 1024
#: Envoy and gunicorn 100, HAProxy 101.
MAX_FIELDS: Final = 128
#: Names in Connection beyond the usual ones; each costs a search through the head.
MAX_NAMED: Final = 16

#: Blocks up to this size are remembered with what they mean: clients and servers repeat theirs from message to message.
_MAX_REMEMBERED: Final = 2048
_REMEMBERED: Final = 256

_HOP: Final = rb"connection|content-length|transfer-encoding|keep-alive|proxy-connection|te|trailer"
_FACTS: Final = re.compile(rb"\n(host|connection|content-length|transfer-encoding|upgrade|expect):[ \t]*([^\r]*)", re.IGNORECASE)
_CUT: Final = re.compile(rb"\r\n(?:%b):[^\r]*" % _HOP, re.IGNORECASE)
_CUT_UPGRADE: Final = re.compile(rb"\r\n(?:%b|upgrade):[^\r]*" % _HOP, re.IGNORECASE)
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_USUAL: Final = frozenset({b"close", b"keep-alive", b"upgrade"})
#: Without these a message would mean something else; whoever names them in Connection gets no such favour.
_KEPT: Final = frozenset({b"host"})


class BadMessage(ProtocolError):
    """A peer's message is malformed. *status* is what a client is told."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Fields:
    """The meaning of one block of header fields. Shared by all heads with the same bytes: never changed once made.

    :ivar raw: from the line end of the start line to the empty line, both included.
    :ivar length: of Content-Length, or None.
    :ivar hosts: the values of Host.
    :ivar close: Connection says ``close``. :ivar stay: it says ``keep-alive``.
    :ivar upgrade: Connection says ``upgrade`` and there is an Upgrade to something that can be tunnelled.
    """

    __slots__ = ("_forward", "_headers", "_named", "chunked", "close", "expects", "hosts", "length", "raw", "stay", "upgrade")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.length: int | None = None
        self.chunked = False
        self.close = False
        self.stay = False
        self.upgrade = False
        self.expects = False
        self.hosts: list[bytes] = []
        self._named: set[bytes] = set()
        self._forward: bytes | None = None
        self._headers: dict[str, Any] | None = None
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
            else:
                self.expects = value.lower() == b"100-continue"
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
            raise BadMessage(400 if b"chunked" in coding else 501, "unknown Transfer-Encoding")
        self.chunked = True

    def _set_connection(self, upgrades: list[bytes]) -> None:
        named = self._named
        self.close = b"close" in named
        self.stay = b"keep-alive" in named
        # An upgrade to HTTP/2 would let requests pass that nobody here has looked at.
        self.upgrade = b"upgrade" in named and len(upgrades) == 1 and bool(upgrades[0]) and b"h2c" not in upgrades[0]
        named -= _USUAL
        named.discard(b"")
        if len(named) > MAX_NAMED:
            raise BadMessage(400, "too many names in Connection")

    @property
    def host_is_valid(self) -> bool:
        """Whether there is exactly one Host and it is one (RFC 9112, 3.2)."""
        return len(self.hosts) == 1 and _HOST.fullmatch(self.hosts[0]) is not None

    @property
    def forward(self) -> bytes:
        """The field lines to send on: those that are not about this connection or this framing (RFC 9110, 7.6.1)."""
        if self._forward is None:
            kept = (_CUT if self.upgrade else _CUT_UPGRADE).sub(b"", self.raw)
            for name in self._named - _KEPT:
                kept = re.sub(rb"\r\n%b:[^\r]*" % re.escape(name), b"", kept, flags=re.IGNORECASE)
            self._forward = kept[2:-2]
        return self._forward

    @property
    def headers(self) -> dict[str, Any]:
        """Lower-case names and values, repeated fields joined (RFC 9110, 5.3). A copy is the caller's to keep."""
        if self._headers is None:
            self._headers = _decode(self.raw)
        return dict(self._headers)


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


def read_fields(raw: bytes) -> Fields:
    """What the fields in *raw* mean.

    :param raw: see ``Fields.raw``.
    :raises BadMessage: they are malformed, ambiguous or too many.
    """
    return _remembered(raw) if len(raw) <= _MAX_REMEMBERED else _read(raw)


def _read(raw: bytes) -> Fields:
    if raw.count(b"\r\n") - 2 > MAX_FIELDS:
        raise BadMessage(431, "too many header fields")
    try:
        httptools.HttpRequestParser(None).feed_data(b"GET / HTTP/1.1" + raw)
    except httptools.HttpParserUpgrade:
        pass  # how llhttp says that the head is complete and names another protocol
    except httptools.HttpParserError as error:
        Fields(raw)  # may know better what to answer, for instance to an unknown coding
        raise BadMessage(400, str(error)) from None
    return Fields(raw)


_remembered: Final = lru_cache(_REMEMBERED)(_read)
