"""CloudEvents 1.0 in Kafka's binary content mode: attributes in `ce_` headers, JSON data as the value.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from lineshaft.common import exact_json
from lineshaft.common.clock import now
from lineshaft.common.errors import UndecodableError
from lineshaft.common.events.model import EventData
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.record import Message, Record
from lineshaft.common.tracing import traceparent_of

SPECVERSION = b"1.0"
CONTENT_TYPE = b"application/json"

D = TypeVar("D", bound=EventData)


@dataclass(frozen=True, slots=True)
class Event(Generic[D]):
    """One event as a handler sees it."""

    id: str
    type: str
    source: str
    time: datetime
    subject: str
    key: str
    data: D
    traceparent: str | None = None
    record: Record | None = field(default=None, compare=False, repr=False)


def new_event(
    data: D,
    *,
    source: str,
    key: str,
    event_type: str | None = None,
    event_id: str | None = None,
    subject: str | None = None,
    cause: Event[Any] | None = None,
) -> Event[D]:
    """An event about `key`; its trace goes on from its cause, or from the work that is being done."""
    return Event(
        id=event_id or new_id("evt"),
        type=event_type or data.event_type,
        source=source,
        time=now(),
        subject=subject or key,
        key=key,
        data=data,
        traceparent=traceparent_of(cause.traceparent if cause else None),
    )


def headers(  # noqa: PLR0917
    event_id: str, event_type: str, source: str, time: str, subject: str, key: str
) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", SPECVERSION),
        ("ce_id", event_id.encode()),
        ("ce_type", event_type.encode()),
        ("ce_source", f"/lineshaft/{source}".encode()),
        ("ce_time", time.encode()),
        ("ce_subject", subject.encode()),
        ("ce_partitionkey", key.encode()),
        ("content-type", CONTENT_TYPE),
    ]


def encode(event: Event[Any]) -> Message:
    """The message of an event; its topic is the one that the model names."""
    ce_headers = headers(event.id, event.type, event.source, event.time.isoformat(), event.subject, event.key)
    if event.traceparent:
        ce_headers.append(("traceparent", event.traceparent.encode()))
    return Message(
        topic=event.data.topic_name,
        key=event.key.encode(),
        value=event.data.model_dump_json().encode(),
        headers=tuple(ce_headers),
    )


def header_text(record: Record) -> dict[str, str]:
    """The headers as text.

    Raises:
        UndecodableError: a header is null or not UTF-8.
    """
    texts = {}
    for name, value in record.headers:
        if value is None:
            raise UndecodableError(f"header {name!r} is null; send text or leave it out")
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            raise UndecodableError(f"header {name!r} is not UTF-8") from None
    return texts


class Decoder:
    """Record to event; `None` for a tombstone and for an event that this consumer has no use for.

    `assume` is the model of a record without CloudEvents headers; `shared` names event types whose data
    has one model.
    """

    def __init__(
        self,
        *models: type[EventData],
        assume: type[EventData] | None = None,
        shared: Mapping[str, type[EventData]] | None = None,
    ) -> None:
        self._by_type = {model.event_type: model for model in models} | dict(shared or {})
        self._assume = assume

    def __call__(self, record: Record) -> Event[Any] | None:
        """Decode one record.

        Raises:
            UndecodableError: bad header, bad JSON, or data that does not fit the model.
        """
        if record.value is None:
            return None
        texts = header_text(record)
        event_type = texts.get("ce_type")
        if event_type is None:
            if self._assume is None:
                raise UndecodableError("header 'ce_type' is missing")
            model: type[EventData] = self._assume
            event_type = model.event_type
        elif event_type in self._by_type:
            model = self._by_type[event_type]
        else:
            return None
        try:
            content = exact_json.decode(record.value)
        except ValueError as error:
            raise UndecodableError(f"the value is not JSON: {error}") from None
        try:
            data = model.model_validate(content)
        except ValidationError as error:
            raise UndecodableError(_describe(error)) from None
        key = record.key.decode(errors="replace") if record.key else ""
        return Event(
            id=texts.get("ce_id") or f"{record.topic}/{record.partition}/{record.offset}",
            type=event_type,
            source=texts.get("ce_source", ""),
            time=datetime.fromtimestamp(record.timestamp / 1000, tz=now().tzinfo),
            subject=texts.get("ce_subject", key),
            key=key,
            data=data,
            traceparent=traceparent_of(texts.get("traceparent")),
            record=record,
        )


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "the value"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"
