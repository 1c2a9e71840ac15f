"""Traces, where the environment names a collector: a span for each request, and one below it for each of its stages.

OpenTelemetry's own variables say where (OTEL_EXPORTER_OTLP_ENDPOINT), what is sampled and what the service is called.
Where none is named, a request pays nothing for it.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.conventions import Described
from service.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
FLUSH_S = 2.0  # at the end, for a collector to take what it lacks
MOST_STAGES = 256  # spans of one request: a long tune has hundreds of batches


def wanted() -> bool:
    """Whether the environment names a collector.

    Raises: SettingsError where traces are to go there in a form that is not spoken here.
    """
    named = any(os.environ.get(name) for name in ENDPOINTS)
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not named or off or os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    for name in PROTOCOLS:
        if os.environ.get(name, "http/protobuf") != "http/protobuf":
            raise SettingsError(f"{name}={os.environ[name]}: traces are sent as http/protobuf alone")
    return True


class Tracing:
    """Of a worker. Off until `start`, and for good where no collector is named."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None

    def start(self) -> None:
        """Begin to collect spans, and to send them from a thread."""
        if not wanted():
            return
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        own = Resource.create({"service.name": "latentone", "service.instance.id": str(uuid.uuid4())})
        # One of our own: of the global one everything that knows OpenTelemetry makes spans.
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("latentone")

    def stop(self) -> None:
        """Send what is left, if the collector takes it in time."""
        if self._provider is not None:
            thread = threading.Thread(target=self._provider.shutdown, daemon=True)
            thread.start()
            thread.join(FLUSH_S)

    def begin(self, request: Described, carried: Mapping[str, str]) -> Trace | None:
        """Begin the span of a request. carried: its headers, whose `traceparent` names the span above it."""
        if self._tracer is None:
            return None
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(dict(carried))
        span = self._tracer.start_span(request.name(""), parent, SpanKind.SERVER, request.begun())
        return Trace(self._tracer, span, request)


class Trace:
    """The span of one request, and those of its stages."""

    def __init__(self, tracer: Tracer, span: Span, request: Described) -> None:
        from opentelemetry import trace

        self._api, self._tracer, self._span, self._request = trace, tracer, span, request
        self._above = trace.set_span_in_context(span)
        self._clock_ns = time.time_ns() - time.monotonic_ns()
        self._stages = 0

    @property
    def trace_id(self) -> str:
        """As W3C writes it."""
        return self._api.format_trace_id(self._span.get_span_context().trace_id)

    def stage(self, name: str, ended: float, seconds: float) -> None:
        """Add the span of a stage. ended: on time.monotonic."""
        self._stages += 1
        if self._stages <= MOST_STAGES:
            begun_ns, ended_ns = (self._clock_ns + int(at * 1e9) for at in (ended - seconds, ended))
            self._tracer.start_span(name, self._above, start_time=begun_ns).end(ended_ns)

    def end(self, route: str, code: str, facts: Mapping[str, str]) -> None:
        """End the span. route, code: as the conventions take them; facts: what else there is to say."""
        self._span.update_name(self._request.name(route))
        self._span.set_attributes({**self._request.ended(route, code), **facts})
        if self._request.failed(code):
            self._span.set_attribute("error.type", code)
            self._span.set_status(self._api.StatusCode.ERROR)
        self._span.end()
