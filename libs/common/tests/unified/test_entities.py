from datetime import UTC, datetime
from typing import Any

import pytest

from lineshaft.common.unified import (
    ENTITIES,
    ENTITY_BY_ROUTE,
    ROUTES,
    Entity,
    FieldKind,
    Kind,
    UnifiedField,
    fields_of,
    is_custom,
)

ENVELOPE = set(Entity.model_fields)


def _places(fields: dict[str, UnifiedField], kind: FieldKind, name: str) -> list[tuple[str, FieldKind]]:
    inner = kind.item if kind.kind is Kind.LIST and kind.item else kind
    found = [(name, inner)]
    for child in inner.fields.values():
        found += _places(fields, child.kind, f"{name}.{child.name}")
    return found


def _all_kinds(entity: str) -> list[tuple[str, FieldKind]]:
    fields = dict(fields_of(entity))
    return [place for field in fields.values() for place in _places(fields, field.kind, field.name)]


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_entity_names_itself_and_has_the_envelope(entity: str) -> None:
    fields = fields_of(entity)
    assert set(fields) >= ENVELOPE
    assert ENTITIES[entity].model_fields["entity"].default == entity
    assert ENTITIES[entity].__name__ == "".join(word.title() for word in entity.split("_"))


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_enumeration_keeps_the_code_of_the_source_beside_it(entity: str) -> None:
    fields = fields_of(entity)
    groups = [fields, *(field.kind.item.fields for field in fields.values() if field.kind.item)]
    for group in groups:
        for name, field in group.items():
            if field.kind.kind is Kind.ENUMERATION and not field.assigned:
                assert group[f"{name}_source"].source_of == name
                assert group[f"{name}_source"].kind.kind is Kind.CODE
                assert not group[f"{name}_source"].mappable


@pytest.mark.parametrize("entity", ENTITIES)
def test_references_point_to_entities(entity: str) -> None:
    for name, kind in _all_kinds(entity):
        if kind.kind is Kind.REFERENCE:
            assert kind.entity in ENTITIES or (entity, name) == ("document", "attached_to")


def test_routes_are_plural_and_lead_back() -> None:
    assert ROUTES["asset"] == "assets"
    assert ROUTES["purchase_order"] == "purchase-orders"
    assert ROUTES["work_order"] == "work-orders"
    assert ROUTES["labor_entry"] == "labor-entries"
    assert ROUTES["person"] == "people"
    assert {ENTITY_BY_ROUTE[route] for route in ROUTES.values()} == set(ENTITIES)


@pytest.mark.parametrize(
    ("entity", "field", "kind"),
    [
        ("asset", "name", "string"),
        ("asset", "description", "text"),
        ("asset", "status", "enumeration"),
        ("asset", "location", "reference to location"),
        ("asset", "acquisition_cost", "money"),
        ("asset", "commissioned_on", "date"),
        ("asset", "health_score", "decimal"),
        ("asset", "attributes", "json"),
        ("asset", "custom_fields", "json"),
        ("asset", "updated_at", "timestamp"),
        ("vendor", "active", "boolean"),
        ("work_order", "assigned_people", "list of reference to person"),
        ("purchase_order", "lines", "list of object"),
        ("document", "attached_to", "list of reference to any entity"),
        ("failure_report", "failure_mode", "code"),
    ],
)
def test_kinds_are_read_off_the_models(entity: str, field: str, kind: str) -> None:
    assert str(fields_of(entity)[field].kind) == kind


def test_what_lineshaft_fills_is_not_mappable() -> None:
    fields = fields_of("asset")
    assert not any(
        fields[name].mappable for name in ("id", "entity", "revision", "observed_at", "custom_fields")
    )
    assert all(fields[name].mappable for name in ("number", "display", "created_at", "deleted_at", "name"))


def test_fields_of_objects_in_lists_are_not_mistaken_for_the_envelope() -> None:
    lines = fields_of("purchase_order")["lines"].kind.item
    assert lines is not None
    assert lines.fields["source_id"].mappable


def test_custom_objects_have_the_envelope_only() -> None:
    assert is_custom("custom:gauge_log")
    assert not is_custom("custom:")
    assert set(fields_of("custom:gauge_log")) == ENVELOPE | {"object"}


def test_an_event_of_the_design_reads_as_its_entity() -> None:
    event: dict[str, Any] = {
        "id": "1",
        "entity": "asset",
        "connection_id": "c",
        "source_id": "42",
        "number": "PUMP-7",
        "display": "Feed pump 7",
        "revision": 3,
        "mapping_version": 2,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": None,
        "observed_at": "2026-01-02T00:00:00Z",
        "deleted_at": None,
        "status": "in_service",
        "status_source": {"code": "30", "label": "Running"},
        "location": {"id": "2", "source_id": "8", "display": "Hall 2"},
        "acquisition_cost": {"amount": "10.50", "currency": "EUR"},
        "custom_fields": {"sap_class": "P1"},
    }
    asset = ENTITIES["asset"].model_validate(event)
    assert asset.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    dumped = asset.model_dump(mode="json")
    assert {key: dumped[key] for key in event} == event
