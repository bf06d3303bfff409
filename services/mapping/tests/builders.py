"""What tests of `mapping` talk about: one system with two objects, and its pages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lineshaft.common.events.envelope import Event, encode, new_event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.model import EventData
from lineshaft.common.events.records import ReadCompleted, RecordsRead
from lineshaft.common.events.syncs import ObjectResult, SyncMode, SyncResult
from lineshaft.common.integrations import EntityMapping, Manifest, System
from lineshaft.common.kafka.record import Message, Record
from lineshaft.mapping.domain.messages import Page, decode

SYSTEM = "plant"
CONNECTION = "con_1"
READ_AT = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)

ITEM = {"fields": {"name": "name", "number": "code", "lead_time_days": "days"}}


def a_system() -> System:
    manifest = Manifest.model_validate(
        {
            "manifest": 1,
            "id": SYSTEM,
            "label": "Plant",
            "protocol": "rest",
            "verification": "doc-derived",
            "evidence": ["a test"],
            "credentials": [{"key": "token", "title": "Token"}],
            "auth": {"strategy": "bearer"},
            "verify": {"account": "plant"},
            "objects": {
                "product": {"label": "Product", "key": ["id"]},
                "party": {"label": "Party", "key": ["site", "id"]},
            },
            "custom_objects": True,
        }
    )
    return System(
        manifest,
        {
            "item": EntityMapping.model_validate({"object": "product", **ITEM}),
            "vendor": EntityMapping.model_validate({"object": "party", "fields": {"name": "name"}}),
            "person": EntityMapping.model_validate({"object": "party", "fields": {"name": "name"}}),
        },
    )


def a_record(message: Message, *, offset: int = 0) -> Record:
    return Record(message.topic, 0, offset, message.key, message.value, message.headers)


def a_message(data: EventData, key: str) -> Message:
    return encode(new_event(data, source="connector", key=key))


def records_read(
    records: Sequence[Mapping[str, Any]],
    *,
    sequence: int = 1,
    epoch: int = 1,
    connection_id: str = CONNECTION,
    object_name: str = "product",
    sync_id: str = "syn_1",
    read_at: datetime = READ_AT,
    deleted: Sequence[str] = (),
    definitions: Mapping[str, int] | None = None,
) -> Message:
    data = RecordsRead(
        connection_id=connection_id,
        system=SYSTEM,
        object=object_name,
        sync_id=sync_id,
        lease_epoch=epoch,
        read_sequence=sequence,
        read_at=read_at,
        records=[dict(record) for record in records],
        deleted=list(deleted),
        definitions=dict(definitions or {}),
    )
    return a_message(data, f"{connection_id}/{object_name}")


def a_page(records: Sequence[Mapping[str, Any]], **options: Any) -> Page:
    page = decode(a_record(records_read(records, **options)))
    assert isinstance(page, Page)
    return page


def read_completed(
    object_name: str,
    *,
    sync_objects: Sequence[str],
    result: SyncResult = SyncResult.COMPLETED,
    records: int = 1,
    sequence: int = 100,
    epoch: int = 1,
    connection_id: str = CONNECTION,
    sync_id: str = "syn_1",
    mode: SyncMode = SyncMode.INCREMENTAL,
    started_at: datetime = READ_AT,
    ended_at: datetime = READ_AT,
) -> Message:
    data = ReadCompleted(
        connection_id=connection_id,
        system=SYSTEM,
        sync_id=sync_id,
        lease_epoch=epoch,
        read_sequence=sequence,
        mode=mode,
        started_at=started_at,
        ended_at=ended_at,
        result=ObjectResult(object=object_name, result=result, records=records),
        sync_objects=list(sync_objects),
    )
    return a_message(data, f"{connection_id}/{object_name}")


def mapping_changed(
    effective: Mapping[str, Any],
    *,
    version: int = 2,
    entity: str = "item",
    object_name: str = "product",
    connection_id: str = CONNECTION,
) -> Event[MappingChanged]:
    data = MappingChanged(
        connection_id=connection_id,
        system=SYSTEM,
        entity=entity,
        object=object_name,
        version=version,
        effective=dict(effective),
        changed_at=READ_AT,
        changed_by="admin",
    )
    return new_event(data, source="api", key=f"{connection_id}/{entity}")
