"""How a connection comes to speak HTTP/2: by its first bytes, or because a request over HTTP/1.1 asks for it. Pure functions."""

import re
from base64 import urlsafe_b64decode
from typing import Final

from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.v2.wire import PREFACE

#: What agrees to an upgrade (RFC 7540, 3.2; RFC 9113 no longer has it).
SWITCHING: Final = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"

_SETTINGS: Final = re.compile(r"[A-Za-z0-9_-]*={0,2}")
#: Bytes of one setting, and of all that there may be.
_SETTING: Final = 6
_MAX_SETTINGS: Final = 32 * _SETTING


def may_be_preface(data: bytes) -> bool:
    """Whether *data*, the first bytes of a connection, are the preface or the beginning of it."""
    return data.startswith(PREFACE) or PREFACE.startswith(data)


def upgrade_settings(request: RequestHead) -> bytes | None:
    """What ``HTTP2-Settings`` says if *request*, which names ``h2c`` in Upgrade, can become the first stream of HTTP/2.

    It cannot if it has a body, which would come before the protocol changes, or breaks the rules; then Upgrade is ignored.
    """
    value = request.wire.headers.get("http2-settings")
    if value is None or request.wire.length or request.wire.chunked or request.minor == 0 or request.method == "CONNECT":
        return None
    if _SETTINGS.fullmatch(value) is None:
        return None
    text = value.rstrip("=")
    if len(text) % 4 == 1:
        return None
    padded = text + "=" * (-len(text) % 4)
    size = len(urlsafe_b64decode(padded))
    return padded.encode("ascii") if size % _SETTING == 0 and size <= _MAX_SETTINGS else None
