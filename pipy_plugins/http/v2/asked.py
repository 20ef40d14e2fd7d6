"""What the head of a request says about how to send it over HTTP/2. Pure functions."""

from typing import Final

from pipy_core.api import Head
from pipy_plugins.http.fieldlines import asks_for_upgrade
from pipy_plugins.http.heads import RequestHead
from pipy_plugins.http.v2.heads import Block, Request

#: Methods whose requests have no body unless they say so (RFC 9110, 8.6).
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "CONNECT"})


def method_of(head: Head | None) -> str:
    """The method of a request, as it will be sent: it decides what a response may have."""
    if isinstance(head, RequestHead) and head.received is not None:
        return head.method
    method = head.get("method") if head is not None else None
    return method if isinstance(method, str) else "GET"


def ends_at_once(head: Head | None) -> bool:
    """Whether it is known that there is no body: the end of the message comes right behind the head."""
    if not isinstance(head, RequestHead) or head.received is None or isinstance(head, Request):
        return False
    return not (head.wire.length or head.wire.chunked)


def length_to_say(head: Head | None, method: str, size: int) -> int | None:
    """What is said about a body of which all *size* bytes have come: nothing where a client of HTTP/2 said nothing either."""
    if isinstance(head, Request) and head.received is not None and head.wire.length is None:
        return None
    return size if size or method not in _BODILESS else None


def is_for_websocket(head: Head | None) -> bool:
    """Whether it wants to go on with WebSocket. Any other upgrade may be ignored (RFC 9110, 7.8)."""
    if head is None or (isinstance(head, RequestHead) and not head.upgrades):
        return False
    headers = head.get("headers")
    if not asks_for_upgrade(headers):
        return False
    return any(name.lower() == "upgrade" and "websocket" in str(value).lower() for name, value in headers.items())


def secured(block: Block, head: Head | None) -> Block:
    """The header list of a request that goes over TLS: that is its scheme, unless it came with one or a script has said another."""
    if isinstance(head, Request) or (not isinstance(head, RequestHead) and head is not None and head.get("scheme")):
        return block
    return [(name, b"https" if name == b":scheme" else value) for name, value in block]
