"""Streams of a client's connection that do not get on: the client neither sends what it has begun nor takes what it has asked for.

A stream that exchanges messages both ways may pause for as long as it likes: one whose response has begun, and gRPC.
"""

import math
import re
from collections.abc import Iterable
from typing import Final

from pipy_core.api import Limits
from pipy_plugins.http.v2.answer import Answer

_GRPC: Final = re.compile(rb"\ncontent-type:[ \t]*application/grpc", re.IGNORECASE)


class Stalls:
    """What was seen of each stream when it was last looked at."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Answer, tuple[str, int, float]] = {}  # what it waits for, how far that is, since when

    def look(self, answers: Iterable[Answer], limits: Limits, now: float) -> tuple[str, list[Answer]]:
        """Those that are waited for no longer, and why."""
        patience = {"body timeout": limits.body_timeout or math.inf, "write timeout": limits.write_timeout or math.inf}
        seen: dict[Answer, tuple[str, int, float]] = {}
        over: dict[str, list[Answer]] = {cause: [] for cause in patience}
        for answer in answers:
            if answer.unsent:
                cause, progress = "write timeout", answer.unsent.left
            elif answer.awaits_body and not _GRPC.search(answer.fields.raw):
                cause, progress = "body timeout", answer.size
            else:
                continue
            before = self._seen.get(answer)
            since = before[2] if before is not None and before[:2] == (cause, progress) else now
            seen[answer] = cause, progress, since
            if now - since >= patience[cause]:
                over[cause].append(answer)
        self._seen = seen
        return next(((cause, stalled) for cause, stalled in over.items() if stalled), ("", []))
