"""SOCKS on the wire: what clients and proxies say, as values and as bytes (RFC 1928, RFC 1929; SOCKS4 and 4a have no RFC).

Pure. Readers look at the beginning of what has come, give what it says and how long it is, or None while something is missing.
What is wrong is told by the first byte that is, so that it does not matter in what pieces it came. Nothing here is longer than two
texts of ``MAX_TEXT`` bytes and a few more: nobody who waits for the rest of it holds more than that.
"""

import ipaddress
import re
from typing import Final, NamedTuple

from pipy_core.api import Failure, ProtocolError

#: Bytes of a name, a user or a password: their length is one byte in version 5. Version 4 has no limit; this is ours.
MAX_TEXT: Final = 255

#: Methods of authentication (RFC 1928, 3).
NO_AUTHENTICATION: Final = 0
USER_AND_PASSWORD: Final = 2
_CONNECT: Final = 1
_HOST: Final = re.compile(r"\[[^ /@\[\]]+\]|[^ /@\[\]:]+")
_IPV4, _NAME, _IPV6 = 1, 3, 4

#: Answers to a request, by their codes: of version 5 (RFC 1928, 6) and of version 4.
GRANTED: Final = 0
FAILED, NOT_ALLOWED, NO_SUCH_ADDRESS_TYPE = 1, 2, 8
GRANTED4, REJECTED4 = 0x5A, 0x5B

NO_METHOD: Final = b"\x05\xff"
LOGGED_IN: Final = b"\x01\x00"
NOT_LOGGED_IN: Final = b"\x01\x01"

#: Why a proxy refuses, in words (RFC 1928, 6). For the stream all of that is ``ConnectionRefused``: so is whatever else keeps
#: ``connect`` from reaching a host.
_REASONS: Final = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "timed out",
    7: "command not supported",
    8: "address type not supported",
}


class Refusal(ProtocolError):
    """A client cannot have what it asks for. ``reply`` tells it so; empty if it speaks no SOCKS at all."""

    def __init__(self, reply: bytes = b"") -> None:
        super().__init__("refused")
        self.reply = reply


class Denied(ProtocolError):
    """A proxy does not do what it is asked for; the text says why, ``failure`` is how the stream ends."""

    def __init__(self, failure: Failure, words: str) -> None:
        super().__init__(words)
        self.failure = failure


class Request(NamedTuple):
    """Where a client wants to be connected to. An IPv6 address is in brackets. ``user`` is empty unless version 4 names one."""

    host: str
    port: int
    user: str = ""


# -- what a proxy reads and answers -------------------------------------------------------------------------------------


def reply(code: int) -> bytes:
    """The answer of version 5 to a request. The address it has room for is left out, as the original does."""
    return b"\x05%c\x00\x01\x00\x00\x00\x00\x00\x00" % code


def reply4(code: int) -> bytes:
    """The same for version 4."""
    return b"\x00%c\x00\x00\x00\x00\x00\x00" % code


def read_methods(data: bytes) -> tuple[bytes, int] | None:
    """The greeting of version 5: the methods of authentication that the client knows."""
    if len(data) < 2 or len(data) < 2 + data[1]:
        return None
    return data[2 : 2 + data[1]], 2 + data[1]


def read_credentials(data: bytes) -> tuple[tuple[str, str], int] | None:
    """User and password (RFC 1929).

    :raises Refusal: it is something else.
    """
    if data[:1] not in (b"", b"\x01"):
        raise Refusal(NOT_LOGGED_IN)
    if len(data) < 2 or len(data) < 3 + data[1]:
        return None
    at = 2 + data[1]
    end = at + 1 + data[at]
    if len(data) < end:
        return None
    return (_text(data[2:at]), _text(data[at + 1 : end])), end


def read_request(data: bytes) -> tuple[Request, int] | None:
    """A request of version 5.

    :raises Refusal: it does not ask for a connection to an address.
    """
    if data[:1] not in (b"", b"\x05"):
        raise Refusal(reply(FAILED))
    if len(data) > 1 and data[1] != _CONNECT:
        raise Refusal(reply(FAILED))
    if len(data) < 5:
        if len(data) == 4:
            _address_size(data[3], 0)
        return None
    end = 4 + _address_size(data[3], data[4])
    if len(data) < end + 2:
        return None
    return Request(_address(data[3], data[4:end]), int.from_bytes(data[end : end + 2], "big")), end + 2


def _address_size(kind: int, length: int) -> int:
    if kind == _NAME:
        return 1 + length
    if kind not in (_IPV4, _IPV6):
        raise Refusal(reply(NO_SUCH_ADDRESS_TYPE))
    return 4 if kind == _IPV4 else 16


def _address(kind: int, sent: bytes) -> str:
    if kind == _NAME:
        return _name(sent[1:], reply(FAILED))
    address = ipaddress.ip_address(sent)
    return str(address) if kind == _IPV4 else f"[{address}]"


def read_request4(data: bytes) -> tuple[Request, int] | None:
    """A request of version 4 or 4a, whose first byte has been looked at.

    :raises Refusal: it does not ask for a connection, or has too long a text in it.
    """
    if len(data) > 1 and data[1] != _CONNECT:
        raise Refusal(reply4(REJECTED4))
    end = _end_of_text(data, 8)
    if end is None:
        return None
    user = _text(data[8:end])
    address = data[4:8]
    if address[:3] != b"\0\0\0" or address[3] == 0:
        host = str(ipaddress.IPv4Address(address))
    else:  # 4a: the name comes last
        start = end + 1
        end = _end_of_text(data, start)
        if end is None:
            return None
        host = _name(data[start:end], reply4(REJECTED4))
    return Request(host, int.from_bytes(data[2:4], "big"), user), end + 1


def _end_of_text(data: bytes, start: int) -> int | None:
    """Where the text that begins at *start* has its NUL."""
    end = data.find(b"\0", start, start + MAX_TEXT + 1)
    if end >= 0:
        return end
    if len(data) > start + MAX_TEXT:
        raise Refusal(reply4(REJECTED4))
    return None


def _name(sent: bytes, refusal: bytes) -> str:
    """A host name, if it may be one: no blanks, controls and delimiters are in it. Some clients send IPv6 addresses as names."""
    try:
        name = sent.decode("utf-8")
        if ":" in name:
            name = f"[{ipaddress.IPv6Address(name).compressed}]"
    except ValueError:
        raise Refusal(refusal) from None
    if _HOST.fullmatch(name) is None or not name.isprintable():
        raise Refusal(refusal)
    return name


def _text(sent: bytes) -> str:
    return sent.decode("utf-8", "replace")


# -- what a client says and reads ---------------------------------------------------------------------------------------


def greeting(credentials: bytes) -> bytes:
    """The beginning: which methods there are."""
    return b"\x05\x02\x00\x02" if credentials else b"\x05\x01\x00"


def credentials_of(user: str, password: str) -> bytes:
    """User and password (RFC 1929).

    :raises ValueError: one is too long, or there is a password without a user.
    """
    if not user and not password:
        return b""
    name, secret = user.encode("utf-8", "replace"), password.encode("utf-8", "replace")
    if not 1 <= len(name) <= MAX_TEXT or len(secret) > MAX_TEXT:
        raise ValueError(f"a user has 1 to {MAX_TEXT} bytes, a password {MAX_TEXT} at most")
    return b"\x01%c%b%c%b" % (len(name), name, len(secret), secret)


def request_of(host: str, port: int) -> bytes:
    """A request to be connected to *host*, an address or a name.

    :raises ValueError: it can be neither.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii" if host.isascii() else "idna")
        if len(name) > MAX_TEXT:
            raise ValueError(f"a name has {MAX_TEXT} bytes at most") from None
        kind, sent = _NAME, b"%c%b" % (len(name), name)
    else:
        kind, sent = (_IPV4 if address.version == 4 else _IPV6), address.packed  # IP version 4
    return b"\x05\x01\x00%c%b%b" % (kind, sent, port.to_bytes(2, "big"))


def read_method(data: bytes, with_credentials: bool) -> tuple[int, int] | None:
    """The method of authentication that the proxy has chosen.

    :raises Denied: it speaks something else, or wants what we cannot do.
    """
    _expect_version(data)
    if len(data) < 2:
        return None
    if data[1] != NO_AUTHENTICATION and not (with_credentials and data[1] == USER_AND_PASSWORD):
        raise Denied(Failure.UNAUTHORIZED, "the proxy wants another authentication")
    return data[1], 2


def read_login(data: bytes) -> tuple[bool, int] | None:
    """The proxy's answer to user and password. Its version is not looked at: some say 5.

    :raises Denied: they are not those.
    """
    if len(data) < 2:
        return None
    if data[1] != 0:
        raise Denied(Failure.UNAUTHORIZED, "the proxy refuses user and password")
    return True, 2


def read_reply(data: bytes) -> tuple[bool, int] | None:
    """The proxy's answer to a request.

    :raises Denied: there is no connection, or it says something else.
    """
    _expect_version(data)
    if len(data) > 1 and data[1] != GRANTED:
        raise Denied(Failure.CONNECTION_REFUSED, _REASONS.get(data[1], f"error {data[1]}"))
    if len(data) > 3 and data[3] not in (_IPV4, _NAME, _IPV6):
        raise _not_socks()
    if len(data) < 5:
        return None
    end = 4 + _address_size(data[3], data[4]) + 2
    return (True, end) if len(data) >= end else None


def _expect_version(data: bytes) -> None:
    if data[:1] not in (b"", b"\x05"):
        raise _not_socks()


def _not_socks() -> Denied:
    return Denied(Failure.READ_ERROR, "the proxy does not speak SOCKS 5")
