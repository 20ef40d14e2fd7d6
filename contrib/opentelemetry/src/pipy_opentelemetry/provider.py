"""The tracer provider of a worker: spans are made from the start, and exported once the program runs.

The exporter works on a thread of its own and speaks OTLP over HTTP there; the reactor never waits for it, but at the end of the program,
for ``FLUSH_LIMIT`` at most. It is set up by the variables that OpenTelemetry defines: ``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_BSP_MAX_QUEUE_SIZE`` (2,048 spans; more are
dropped) and others.
"""

import logging
from functools import cache
from threading import Thread
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from pipy_core.api import get_logger

#: Seconds that the end of the program waits for spans that are not exported.
FLUSH_LIMIT: Final = 3.0
#: What the service is called unless a variable says otherwise.
_DEFAULT: Final = Resource({"service.name": "pipy"})


class _Lines(logging.Handler):
    """What the exporter logs becomes lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        get_logger("opentelemetry").warning(record.getMessage())


class Exports:
    """Whether spans are exported; there is one, for the process."""

    def __init__(self) -> None:
        self._running = False

    def start(self) -> None:
        """Export from now on. Does nothing the second time, or where no script traces anything."""
        if not self._running and provider.cache_info().currsize:
            self._running = True
            lines = logging.getLogger("opentelemetry")
            lines.addHandler(_Lines())
            lines.propagate = False
            provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

    def stop(self) -> None:
        """Export what there is, for ``FLUSH_LIMIT`` at most, and end."""
        if self._running:
            self._running = False
            # The exporter keeps to limits of its own, which are longer, whatever limit it is given.
            end = Thread(target=provider().shutdown, name="opentelemetry-end", daemon=True)
            end.start()
            end.join(FLUSH_LIMIT)
            if end.is_alive():
                get_logger("opentelemetry").warning("the collector does not take the last spans: they are lost")


@cache
def provider() -> TracerProvider:
    """The provider; made when the first script that traces something is loaded."""
    return TracerProvider(resource=_DEFAULT.merge(Resource.create()), shutdown_on_exit=False)


def tracer() -> Tracer:
    """What makes spans."""
    return provider().get_tracer("pipy")
