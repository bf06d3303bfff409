"""One trace from a request or a sync to the webhook, by W3C `traceparent` on events, rows and requests.

Without `LINESHAFT_TRACES_ENDPOINT` nothing is recorded here; what follows from what can be told all the same,
and whoever records on the way may join it: each event belongs to a trace, one from outside or one of its own.
"""

import random
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import ProxyTracerProvider, Span, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_EVERY_MS = 1000
EXPORT_SECONDS = 3

_HEADER = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("lineshaft")
_IS_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_UNRECORDED: ContextVar[list[str]] = ContextVar("unrecorded")
"""The trace of the work around us where nothing is recorded; empty until somebody asks for it."""


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


def traceparent_of(parent: str | None = None) -> str:
    """For what follows from `parent`; else of the work that is being done here, or of a trace of its own."""
    if parent is not None and _IS_TRACEPARENT(parent):
        return parent
    return current_traceparent() or _begun()


def current_traceparent() -> str | None:
    """Of the work that is being done here."""
    if _recording():
        context = trace.get_current_span().get_span_context()
        return _text(context) if context.is_valid else None
    around = _UNRECORDED.get(None)
    if around is not None and not around:
        around.append(_begun())
    return around[0] if around else None


def current_trace_id() -> str | None:
    if _recording():
        context = trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None
    around = _UNRECORDED.get(None)
    return around[0].split("-")[1] if around else None


@contextmanager
def span(
    name: str, parent: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **attributes: str
) -> Iterator[Span]:
    """Work that goes on from `parent`, a traceparent; the attributes stand in its logs, too."""
    if not _recording():
        # a span would be for nothing and costs more than a request
        around = _UNRECORDED.set([parent] if parent and _IS_TRACEPARENT(parent) else [])
        try:
            with structlog.contextvars.bound_contextvars(**attributes):
                yield trace.INVALID_SPAN
        finally:
            _UNRECORDED.reset(around)
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
    if not _recording():
        return
    parents = {getattr(event, _HEADER, None) for event in events} - {None}
    for parent in parents:
        text = parent.decode() if isinstance(parent, bytes) else str(parent)
        done = _TRACER.start_span(name, _context(text), SpanKind.CONSUMER, start_time=started_ns)
        done.end(time.time_ns())


def _context(parent: str | None) -> Context | None:
    return _PROPAGATOR.extract({_HEADER: parent}, Context()) if parent else None


def _recording() -> bool:
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def _begun() -> str:
    """A trace that begins here; marked as sampled, so that whoever records on the way does."""
    beginning = _TRACER.start_span("begin")
    beginning.end()
    context = beginning.get_span_context()
    if context.is_valid:
        return _text(context)
    return f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01"


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
