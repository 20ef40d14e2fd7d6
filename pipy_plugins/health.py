"""Admin pages that tell how the program is: ``/healthz``, ``/readyz`` and ``/status``. For probes, load balancers and people."""

from typing import Any, Final

import msgspec.json

from pipy_core.api import Message, Pages, hookimpl, reply

_TEXT: Final = "text/plain"
#: Seconds after which a load balancer may ask again.
_AGAIN: Final = "1"


def healthy(_request: Message) -> Message:
    """The process answers: that is all. One that does not should be started again."""
    return reply(200, b"ok\n", _TEXT)


def ready(status: dict[str, Any]) -> Message:
    """Whether it should be sent requests, and if not, why."""
    if status["state"] == "running":
        return reply(200, b"ready\n", _TEXT)
    reason = f"{status['state']}: {status['reason']}" if status["reason"] else status["state"]
    return reply(503, f"{reason}\n".encode(), _TEXT, retry_after=_AGAIN)


def shown(status: dict[str, Any]) -> Message:
    """All there is to know."""
    return reply(200, msgspec.json.format(msgspec.json.encode(status)) + b"\n", "application/json")


@hookimpl
def pipy_register_pages(pages: Pages) -> None:
    """Add them."""
    pages.add("/healthz", healthy)
    pages.add("/readyz", lambda _request: ready(pages.instance.status()))
    pages.add("/status", lambda _request: shown(pages.instance.status()))
