"""Base64 as tokens and keys in JSON have it (RFC 7515, 2): its own alphabet, no padding, nothing else in between."""

import base64
import re
from typing import Final

_TEXT: Final = re.compile(r"[A-Za-z0-9_-]*")


def decoded(text: str) -> bytes:
    """The bytes that *text* stands for. No other text stands for the same: bits that are left over are zero (RFC 4648, 3.5).

    :raises ValueError: it is not in this form.
    """
    if not _TEXT.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("this is no base64url")
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=") != text.encode():
        raise ValueError("this base64url has bits left over")
    return content
