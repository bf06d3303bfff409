"""A change at the source is told with the unified fields that it hurts, once."""

from typing import Any

import orjson
import pytest

from lineshaft.common.events.drift import ChangeKind, DriftPolicy, FieldChange, SchemaChanged

from . import drive
from .builders import READ_AT, SYSTEM, a_message, mapping_changed
from .drive import Service

pool, service = drive.pool, drive.service

DROPPED = FieldChange(field="days", kind=ChangeKind.DROPPED, type="integer", renamed_to="lead_days")
ADDED = FieldChange(field="lead_days", kind=ChangeKind.ADDED, type="integer")


async def change(
    service: Service,
    *changes: FieldChange,
    policy: DriftPolicy = DriftPolicy.OFFER,
    object_name: str = "product",
) -> list[dict[str, Any]]:
    """What is told of it."""
    data = SchemaChanged(
        connection_id=service.connection_id,
        system=SYSTEM,
        object=object_name,
        at=READ_AT,
        policy=policy,
        changes=list(changes),
    )
    message = a_message(data, f"{service.connection_id}/{object_name}")
    await service.raw(message)
    rows = await service.pool.fetch(
        "delete from outbox where topic = 'mapping.events' returning key, headers, value"
    )
    assert {row["key"].decode() for row in rows} <= {service.connection_id}
    return [orjson.loads(row["value"]) for row in rows]


async def test_the_unified_field_of_a_dropped_one_is_named_with_its_likely_heir(service: Service) -> None:
    (told,) = await change(service, DROPPED, ADDED)
    (entity,) = told["entities"]
    assert (entity["entity"], entity["mapping_version"]) == ("item", 1)
    (hurt,) = entity["fields"]
    assert (hurt["field"], hurt["source_field"], hurt["renamed_to"]) == (
        "lead_time_days",
        "days",
        "lead_days",
    )
    assert (told["held"], told["move"], told["offered"]) == (True, "vendor", ["lead_days"])
    assert "item.lead_time_days: days is gone; it may be lead_days now" in told["summary"]


async def test_the_customers_own_fields_count_and_what_they_no_longer_read_does_not(service: Service) -> None:
    effective = {
        "fields": {"name": "name", "lead_time_days": "lead_days"},
        "custom_fields": {"grease": {"type": "string", "path": "x_grease"}},
    }
    await service.on_mappings([mapping_changed(effective, version=4, connection_id=service.connection_id)])
    grease = FieldChange(field="x_grease", kind=ChangeKind.RETYPED, type="jsonb", type_before="text")
    (told,) = await change(service, DROPPED, grease)
    (entity,) = told["entities"]
    assert entity["mapping_version"] == 4
    assert [one["field"] for one in entity["fields"]] == ["custom_fields.grease"]
    assert told["held"] is False


async def test_hold_holds_for_another_type_too(service: Service) -> None:
    retyped = FieldChange(field="name", kind=ChangeKind.RETYPED, type="json", type_before="text")
    (told,) = await change(service, retyped, policy=DriftPolicy.HOLD)
    assert told["held"] is True
    assert "is not read until then" in told["action"]


async def test_a_new_field_that_must_be_filled_refuses_new_records(service: Service) -> None:
    needed = FieldChange(field="weight", kind=ChangeKind.ADDED, type="numeric", required=True)
    (told,) = await change(service, needed)
    (hurt,) = told["entities"][0]["fields"]
    assert (hurt["field"], told["held"], told["move"]) == (None, False, "vendor")
    assert "new records of item: weight is new" in told["summary"]


async def test_a_field_that_nobody_reads_asks_for_nothing(service: Service) -> None:
    unread = FieldChange(field="colour", kind=ChangeKind.DROPPED, type="text")
    (told,) = await change(service, unread)
    assert (told["move"], told["held"], told["entities"][0]["fields"]) == ("nobody", False, [])


@pytest.mark.parametrize(
    "options",
    [{"policy": DriftPolicy.IGNORE}, {"object_name": "nothing_mapped"}],
    ids=["ignored", "unmapped"],
)
async def test_nothing_is_told(service: Service, options: dict[str, Any]) -> None:
    assert await change(service, DROPPED, **options) == []


async def test_one_object_that_fills_two_entities_hurts_both(service: Service) -> None:
    (told,) = await change(
        service, FieldChange(field="name", kind=ChangeKind.DROPPED, type="text"), object_name="party"
    )
    assert {one["entity"]: one["fields"][0]["field"] for one in told["entities"]} == {
        "vendor": "name",
        "person": "name",
    }


async def test_told_again_it_has_the_same_id(service: Service) -> None:
    data = SchemaChanged(
        connection_id=service.connection_id,
        system=SYSTEM,
        object="product",
        at=READ_AT,
        policy=DriftPolicy.OFFER,
        changes=[DROPPED],
    )
    message = a_message(data, f"{service.connection_id}/product")
    await service.raw(message)
    await service.raw(message)
    rows = await service.pool.fetch("delete from outbox where topic = 'mapping.events' returning headers")
    assert len({dict(row["headers"])["ce_id"] for row in rows}) == 1
