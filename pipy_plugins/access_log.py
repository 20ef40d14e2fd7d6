"""``accessLog(target, format)``: a line in the log for each request that goes through a sub-pipeline and is answered there.

For a single pipeline behind ``demuxHTTP``; the option ``--access-log`` is for all HTTP of a program. Everything passes untouched.
Holds the head of the request as it came, until it is answered.
"""

from functools import partial
from typing import Any

from pipy_core.api import (
    PIPELINE,
    STRING,
    Data,
    Entry,
    Event,
    Joint,
    Make,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    formatter,
    hookimpl,
    write_line,
)

#: What is logged of a request without a response: its client has gone, as nginx calls it, or there was no answer.
CLIENT_GONE = 499
NO_ANSWER = 502


class AccessLog(Joint):
    """One stream, which is one request."""

    @classmethod
    def prepare(cls, target: Target, form: str) -> Make:
        """See ``Filter``.

        :raises ArgumentError: the format is wrong.
        """
        return partial(cls, target, formatter(form))

    joins = "link"

    def __init__(self, target: Target, make: Any) -> None:
        self._target = target
        self._make = make
        self._request: dict[str, Any] | None = None  # one that is not logged yet
        self._since = 0.0
        self._status = 0
        self._size = 0

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._branch is None:
            self._branch = self.host.join(self._target, self._reply)
        if isinstance(event, MessageStart) and self._request is None:
            fields = event.head.fields if event.head is not None else {}
            headers = fields.get("headers")
            # a copy: filters behind this one may change the head
            self._request = {**fields, "headers": dict(headers) if isinstance(headers, dict) else {}}
            self._since = self.host.now()
            self._status = self._size = 0
        self._branch.feed(event)

    def _reply(self, event: Event) -> None:
        if type(event) is Data:
            self._size += len(event.payload)
        elif isinstance(event, MessageStart):
            self._status = _status_of(event)
        elif isinstance(event, MessageEnd | StreamEnd):
            self._log(self._status or NO_ANSWER)
        self.emit(event)

    def close(self) -> None:
        """See ``Filter``."""
        self._log(self._status or CLIENT_GONE)
        super().close()

    def _log(self, status: int) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        context = self.host.context
        inbound = context.inbound or (0, "", 0)
        entry = Entry.of(
            request,
            status,
            self._size,
            self.host.now() - self._since,
            client=inbound[1],
            client_port=inbound[2],
            listener=context.group.tally.name,
            upstream=context.upstream,
        )
        write_line("access", self._make(entry))


def _status_of(start: MessageStart) -> int:
    """200 where a script says nothing, or nonsense."""
    try:
        return int(start.head.get("status") or 200) if start.head is not None else 200
    except (TypeError, ValueError, OverflowError):
        return 200


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    form = Param(
        "format",
        STRING,
        "'json', 'common', 'combined', or text with fields such as $status; see docs/observability.md",
        "combined",
    )
    registry.add_filter(
        "accessLog",
        AccessLog,
        [Param("target", PIPELINE, "what the requests go through"), form],
        help="Logs each request that is answered by a sub-pipeline: one line, without payloads and secrets.",
        group="joint",
    )
