"""``traceHTTP(target [, options])``: a span for every request that goes through *target*, and the trace in what it sends on.

Reads ``traceparent`` and ``tracestate`` of the request (W3C Trace Context), or begins a trace; gives the request the two fields of its
own span. The span ends with the response. Attributes follow OpenTelemetry's conventions for HTTP servers, without the query, which may
hold secrets.
"""

from collections import deque
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pipy_core.api import (
    PIPELINE,
    STRING,
    Event,
    Failure,
    Function,
    Head,
    Joint,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    dynamic,
    hookimpl,
)

from pipy_opentelemetry.provider import Exports, tracer

#: Requests of one stream that are on their way; when there are more, that one and all behind it have no span.
MOST_OPEN = 256

_propagator = TraceContextTextMapPropagator()
_exports = Exports()


class TraceHTTP(Joint):
    """Traces the requests of one stream; responses come in their order.

    :param name: of the spans; empty: the method.
    """

    joins = "link"

    def __init__(self, target: Target, name: str | Function) -> None:
        self._target = target
        self._name = name
        self._open: deque[Span | None] = deque()
        self._blind = False  # there were too many at once
        self._answered = False  # the first of the open ones has got its head

    @classmethod
    def prepare(cls, *args: Any) -> Any:
        """See ``Filter``. From now on there is something to export."""
        tracer()
        return super().prepare(*args)

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, MessageStart):
            event = MessageStart(self._begin(event.head))
        if self._branch is None:
            self._branch = self.host.join(self._target, self._reply)
        self._branch.feed(event)

    def close(self) -> None:
        """See ``Filter``: what is not answered by now never is."""
        self._end_all(Failure.CONNECTION_CANCELED)
        super().close()

    def _begin(self, head: Head | None) -> Head | None:
        self._blind = self._blind or len(self._open) >= MOST_OPEN
        if self._blind:
            return head
        if head is None or not isinstance(head.get("headers"), dict):
            self._open.append(None)
            return head
        fields = head.fields
        headers = {name: value for name, value in fields["headers"].items() if name not in _propagator.fields}
        parent = _propagator.extract(fields["headers"], Context())
        method = str(fields.get("method", "GET"))
        name = self.host.value(self._name) or method
        span = tracer().start_span(str(name), parent, SpanKind.SERVER, self._attributes(method, fields))
        self._open.append(span)
        _propagator.inject(headers, set_span_in_context(span))
        return head.derived({**fields, "headers": headers}, head.outdated)

    def _attributes(self, method: str, fields: dict[str, Any]) -> dict[str, str]:
        headers = fields["headers"]
        known = {
            "http.request.method": method,
            "url.path": str(fields.get("path", "/")).partition("?")[0],
            "url.scheme": str(fields.get("scheme", "http")),
            "server.address": headers.get("host"),
            "user_agent.original": headers.get("user-agent"),
            "network.protocol.version": str(fields.get("protocol", "")).partition("/")[2],
            "client.address": self.host.context.inbound[1] if self.host.context.inbound else None,
        }
        return {name: value for name, value in known.items() if value and isinstance(value, str)}

    def _reply(self, event: Event) -> None:
        if isinstance(event, MessageStart):
            self._see_response(event.head)
        elif isinstance(event, MessageEnd):
            if self._answered:
                self._answered = False
                span = self._open.popleft()
                if span is not None:
                    span.end()
        elif isinstance(event, StreamEnd):
            self._end_all(event.error)
        self.emit(event)

    def _see_response(self, head: Head | None) -> None:
        status = head.get("status") if head is not None else None
        if not self._open or (isinstance(status, int) and 100 <= status < 200 and status != 101):
            return  # nobody asked, or there is more to come
        self._answered = True
        span = self._open[0]
        if span is not None and isinstance(status, int):
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(StatusCode.ERROR)

    def _end_all(self, failure: Failure) -> None:
        while self._open:
            span = self._open.popleft()
            if span is not None:
                span.set_attribute("error.type", failure.value or Failure.CONNECTION_RESET.value)
                span.set_status(StatusCode.ERROR)
                span.end()


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "traceHTTP",
        TraceHTTP,
        [
            Param("target", PIPELINE, "the sub-pipeline that answers the requests"),
            Param("name", dynamic(STRING), "what the spans are called, such as a route; the method unless given", default=""),
        ],
        help="Makes an OpenTelemetry span of every request that goes through a sub-pipeline, and passes the trace on: "
        "`traceparent` and `tracestate` as in W3C Trace Context.",
        group="observability",
    )


@hookimpl
def pipy_started() -> None:
    """See the hook."""
    _exports.start()


@hookimpl
def pipy_stopping() -> None:
    """See the hook."""
    _exports.stop()
