"""One trace from a request or a sync to the webhook, by W3C `traceparent` on events, rows and requests.

Without `LINESHAFT_TRACES_ENDPOINT` nothing is recorded; a `traceparent` from outside still travels on.
"""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_EVERY_MS = 1000
EXPORT_SECONDS = 3

_HEADER = "traceparent"
_FORM = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("lineshaft")


def configure(service: str, endpoint: str) -> None:
    """Record spans from here on, and send them as OTLP over HTTP."""
    # a quarter of a second and 20 MB that nobody pays who has no traces
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": f"lineshaft-{service}"}))
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
    trace.set_tracer_provider(provider)


def current_traceparent() -> str | None:
    """Of the work that is being done here."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def traceparent_of(text: str | None) -> str | None:
    """What came from outside as a traceparent, if it is one: it travels on in every header that follows."""
    return text if text is not None and _FORM(text) else None


@contextmanager
def span(
    name: str, parent: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **attributes: str
) -> Iterator[Span]:
    """Work that goes on from `parent`, a traceparent; the attributes stand in its logs, too."""
    if not parent and isinstance(trace.get_tracer_provider(), ProxyTracerProvider):
        # nothing is recorded and nothing travels on: a span would be for nothing
        with structlog.contextvars.bound_contextvars(**attributes):
            yield trace.get_current_span()
        return
    with (
        structlog.contextvars.bound_contextvars(**attributes),
        _TRACER.start_as_current_span(
            name,
            context=_context(parent),
            kind=kind,
            attributes=attributes,
            # an exception's text may quote what the source or a customer said
            record_exception=False,
            set_status_on_exception=False,
        ) as started,
    ):
        yield started


def handled(name: str, events: Iterable[Any], started_ns: int) -> None:
    """A span for each trace that these events, whose handling began then, belong to."""
    parents = {getattr(event, _HEADER, None) for event in events} - {None}
    for parent in parents:
        text = parent.decode() if isinstance(parent, bytes) else str(parent)
        done = _TRACER.start_span(name, _context(text), SpanKind.CONSUMER, start_time=started_ns)
        done.end(time.time_ns())


def _context(parent: str | None) -> Context | None:
    return _PROPAGATOR.extract({_HEADER: parent}, Context()) if parent else None
