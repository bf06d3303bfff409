import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineshaft.common.mapping import (
    CompiledMapping,
    FieldError,
    Mapped,
    MappingContext,
    MappingDefinition,
    MappingDefinitionError,
    compile_mapping,
    content_hash,
)
from lineshaft.common.unified import ENTITIES, Kind, entity_id, fields_of, model_of

OBSERVED = "2026-03-02T00:00:00Z"


def mapped(entity: str, body: dict[str, Any], raw: dict[str, Any], **context: Any) -> Mapped:
    mapping = compile_mapping(entity, MappingDefinition.parse(body), MappingContext(**context))
    return mapping.apply("conn_1", "42", raw, OBSERVED)


def field(entity: str, spec: Any, raw: dict[str, Any], name: str = "name", **more: Any) -> Any:
    result = mapped(entity, {"fields": {name: spec}, **more}, raw)
    assert result.errors == []
    return result.document[name]


def test_the_envelope_is_complete_but_for_the_revision() -> None:
    document = mapped("asset", {}, {}, mapping_version=7).document
    assert document == {
        "id": entity_id("conn_1", "asset", "42"),
        "entity": "asset",
        "connection_id": "conn_1",
        "source_id": "42",
        "number": None,
        "display": "42",
        "source_url": None,
        "created_at": None,
        "updated_at": None,
        "deleted_at": None,
        "deletion_kind": None,
        "custom_fields": {},
        "mapping_version": 7,
        "observed_at": OBSERVED,
    }


def test_fields_that_are_not_mapped_have_no_key_and_empty_ones_are_null() -> None:
    document = mapped("asset", {"fields": {"name": "n", "status": "s"}}, {}).document
    assert document["name"] is None
    assert document["status"] is document["status_source"] is None
    assert "model" not in document


@pytest.mark.parametrize(
    ("fields", "display"),
    [
        ({"display": {"const": "D"}, "name": {"const": "N"}}, "D"),
        ({"name": {"const": "N"}, "number": {"const": "1"}}, "N"),
        ({"name": "missing", "number": {"const": "1"}}, "1"),
        ({}, "42"),
    ],
)
def test_something_is_always_displayed(fields: dict[str, Any], display: str) -> None:
    assert mapped("asset", {"fields": fields}, {}).document["display"] == display


def test_what_was_never_changed_was_updated_when_it_was_created() -> None:
    fields = {"created_at": "c", "updated_at": "u"}
    raw = {"c": "2026-01-01T00:00:00Z", "u": None}
    assert mapped("asset", {"fields": fields}, raw).document["updated_at"] == "2026-01-01T00:00:00Z"


def test_a_deletion_that_the_source_reports_is_native() -> None:
    document = mapped("asset", {"fields": {"deleted_at": "d"}}, {"d": "2026-01-01T00:00:00Z"}).document
    assert document["deletion_kind"] == "native"


@pytest.mark.parametrize("empty", [None, "", False])
def test_sources_without_a_value_give_null_or_the_default(empty: Any) -> None:
    raw = {"x": empty}
    assert field("asset", "x", raw) is None
    assert field("asset", {"path": "x", "default": "d"}, raw) == "d"
    assert field("asset", {"path": "x", "default": "standby"}, raw, "status") == "standby"
    assert field("asset", {"path": "x"}, raw, "location") is None
    assert field("asset", {"path": "x"}, raw, "acquisition_cost") is None
    assert field("purchase_order", {"path": "x", "items": {"uom": "u"}}, raw, "lines") is None


def test_a_default_is_taken_as_if_the_source_had_given_it() -> None:
    def default(entity: str, name: str, value: Any, **options: str) -> Any:
        return field(entity, {"path": "x", "default": value, **options}, {}, name)

    location = default("asset", "location", 8)
    assert (location["source_id"], location["id"]) == ("8", entity_id("conn_1", "location", "8"))
    assert default("asset", "acquisition_cost", "5", currency="EUR") == {"amount": "5", "currency": "EUR"}
    cost = {"amount": "5", "currency": "USD"}
    assert default("asset", "acquisition_cost", cost) == cost
    assert default("failure_report", "failure_mode", "F1") == {"code": "F1", "label": None}
    assert default("person", "skills", "welding") == ["welding"]
    assert default("person", "skills", ["welding", "crane"]) == ["welding", "crane"]


def test_zero_is_a_value() -> None:
    assert field("asset", "x", {"x": 0}, "taxonomy_level") == 0
    assert field("asset", "x", {"x": 0.0}, "health_score") == "0.0"


def test_a_boolean_can_be_false() -> None:
    assert field("vendor", "x", {"x": False}, "active") is False


def test_constants_and_expressions() -> None:
    assert field("asset", {"const": "fixed"}, {}) == "fixed"
    assert field("asset", {"expr": "x_abc || 'none'"}, {"x_abc": None}) == "none"


def test_transforms_run_in_order() -> None:
    spec = {"path": "x", "transform": ["trim", "strip_leading_zeros", "lower"]}
    assert field("asset", spec, {"x": " 00AB "}) == "ab"
    assert field(
        "asset", {"path": "x", "transform": ["epoch_milliseconds"]}, {"x": 1772323200500}, "created_at"
    ) == ("2026-03-01T00:00:00.500000Z")
    assert (
        field("work_order", {"path": "x", "transform": ["minutes_to_hours"]}, {"x": 90}, "actual_hours")
        == "1.5"
    )


MAPS = {"value_maps": {"m": {"30": "in_service", "true": "standby", "false": "decommissioned"}}}
STATUS = {"path": "s", "value_map": "m", "label_path": "l"}


@pytest.mark.parametrize(
    ("code", "status", "source"),
    [
        ("30", "in_service", {"code": "30", "label": "Running"}),
        (30, "in_service", {"code": "30", "label": "Running"}),
        (True, "standby", {"code": "true", "label": "Running"}),
        (False, "decommissioned", {"code": "false", "label": "Running"}),
        (None, None, None),
    ],
)
def test_an_enumeration_keeps_its_code(code: Any, status: str | None, source: dict[str, str] | None) -> None:
    document = mapped("asset", {"fields": {"status": STATUS}, **MAPS}, {"s": code, "l": "Running"}).document
    assert document["status"] == status
    assert document["status_source"] == source


def test_a_code_without_a_line_is_kept_and_told() -> None:
    result = mapped("asset", {"fields": {"status": STATUS}, **MAPS}, {"s": "99"})
    assert result.document["status"] is None
    assert result.document["status_source"] == {"code": "99", "label": None}
    assert result.errors == [
        FieldError("status", "s", "unmapped_code", "the value map has no line for '99'", "99")
    ]


def test_a_star_takes_every_other_code() -> None:
    body = {"fields": {"status": {"path": "s", "value_map": "m"}}, "value_maps": {"m": {"*": "standby"}}}
    result = mapped("asset", body, {"s": "99"})
    assert result.document["status"] == "standby"
    assert result.errors == []


def test_an_enumeration_without_a_map_takes_its_own_values() -> None:
    assert field("asset", "s", {"s": "in_repair"}, "status") == "in_repair"
    assert mapped("asset", {"fields": {"status": "s"}}, {"s": "x"}).errors[0].code == "unmapped_code"


def test_value_maps_work_for_other_kinds_too() -> None:
    body = {
        "fields": {
            "active": {"path": "a", "value_map": "flag"},
            "currency": {"path": "c", "value_map": "cur"},
        },
        "custom_fields": {"k": {"path": "c", "type": "integer", "value_map": "num"}},
        "value_maps": {"flag": {"A": True, "*": False}, "cur": {"1": "EUR"}, "num": {"1": 5}},
    }
    document = mapped("vendor", body, {"a": "A", "c": 1}).document
    assert (document["active"], document["currency"], document["custom_fields"]) == (True, "EUR", {"k": 5})
    result = mapped("vendor", body, {"a": "B", "c": 2})
    assert result.document["active"] is False
    assert [(error.field, error.code) for error in result.errors] == [
        ("currency", "unmapped_code"),
        ("custom_fields.k", "unmapped_code"),
    ]


def test_a_reference_has_the_id_that_its_target_will_have() -> None:
    spec = {"path": "loc", "label_path": "loc.rec_name"}
    value = field("asset", spec, {"loc": 8, "loc.": {"rec_name": "Hall 2"}}, "location")
    assert value == {"id": entity_id("conn_1", "location", "8"), "source_id": "8", "display": "Hall 2"}


def test_a_list_of_references_takes_labels_from_beside() -> None:
    spec = {"path": "people.id", "label_path": "people.name"}
    raw = {"people": [{"id": 1, "name": "Ann"}, {"id": None, "name": "Nobody"}, {"id": 3}]}
    value = field("work_order", spec, raw, "assigned_people")
    assert [(one["source_id"], one["display"]) for one in value] == [("1", "Ann"), ("3", None)]


def test_a_reference_to_anything_says_to_what() -> None:
    value = field("document", {"path": "a", "entity": "asset"}, {"a": 5}, "attached_to")
    assert value == [
        {"id": entity_id("conn_1", "asset", "5"), "source_id": "5", "display": None, "entity": "asset"}
    ]


@pytest.mark.parametrize(
    ("spec", "raw", "money"),
    [
        ({"path": "a", "currency": "EUR"}, {"a": 1.5}, {"amount": "1.5", "currency": "EUR"}),
        (
            {"path": "a", "currency_path": "c.code"},
            {"a": "2", "c": {"code": "USD"}},
            {"amount": "2", "currency": "USD"},
        ),
        ({"path": "a"}, {"a": "2"}, {"amount": "2", "currency": None}),
        ({"path": "a"}, {"a": {"amount": "3", "currency": "CHF"}}, {"amount": "3", "currency": "CHF"}),
        (
            {"path": "a"},
            {"a": {"__class__": "Decimal", "decimal": "0.01"}},
            {"amount": "0.01", "currency": None},
        ),
        (
            {"path": "a", "currency": "EUR", "currency_path": "c"},
            {"a": 1, "c": ""},
            {"amount": "1", "currency": "EUR"},
        ),
    ],
)
def test_money_comes_with_its_currency(
    spec: dict[str, Any], raw: dict[str, Any], money: dict[str, Any]
) -> None:
    assert field("asset", spec, raw, "acquisition_cost") == money


def test_quantities_and_codes() -> None:
    custom = {"custom_fields": {"w": {"path": "w", "type": "quantity", "uom": "kg"}}}
    assert mapped("asset", custom, {"w": 5}).document["custom_fields"] == {"w": {"value": "5", "uom": "kg"}}
    body = {"fields": {"remedy": {"path": "r", "value_map": "m"}}, "value_maps": {"m": {"R1": "Replaced"}}}
    document = mapped("failure_report", body, {"r": "R1"}).document
    assert document["remedy"] == {"code": "R1", "label": "Replaced"}


LINES = {
    "lines": {
        "path": "lines",
        "items": {
            "line_no": "no",
            "quantity": "q",
            "item": {"path": "product", "label_path": "product.rec_name"},
            "status": "state",
        },
    }
}


def test_lines_are_mapped_one_by_one_and_their_errors_numbered() -> None:
    raw = {
        "lines": [7, 8],
        "lines.": [
            {"no": 1, "q": 2.0, "product": 5, "product.": {"rec_name": "Bearing"}, "state": "open"},
            {"no": "x", "q": "many", "state": "unheard of"},
        ],
    }
    result = mapped("purchase_order", {"fields": LINES}, raw)
    first, second = result.document["lines"]
    assert first == {
        "line_no": 1,
        "item": {"id": entity_id("conn_1", "item", "5"), "source_id": "5", "display": "Bearing"},
        "quantity": "2.0",
        "status": "open",
        "status_source": {"code": "open", "label": None},
    }
    assert second["line_no"] is second["quantity"] is second["item"] is None
    assert [error.field for error in result.errors] == [
        "lines.1.line_no",
        "lines.1.quantity",
        "lines.1.status",
    ]


def test_lines_that_are_only_keys_say_what_is_missing() -> None:
    result = mapped("purchase_order", {"fields": LINES}, {"lines": [7, 8]})
    assert result.document["lines"] is None
    assert "the read gave keys only" in result.errors[0].reason


def test_an_item_of_a_list_that_does_not_fit_is_left_out_and_told() -> None:
    result = mapped("person", {"fields": {"skills": "s"}}, {"s": ["welding", {"a": 1}, "rigging"]})
    assert result.document["skills"] == ["welding", "rigging"]
    assert result.errors[0].field == "skills.1"
    assert field("person", {"path": "s", "transform": ["split_comma"]}, {"s": "a, b"}, "skills") == ["a", "b"]


def test_a_value_that_does_not_fit_leaves_null_and_the_rest_stands() -> None:
    body = {
        "fields": {
            "name": "n",
            "commissioned_on": {"path": "d", "default": "2026-01-01"},
            "health_score": {"expr": "abs(n)"},
        },
        "custom_fields": {"size": {"path": "n", "type": "decimal"}},
    }
    result = mapped("asset", body, {"n": "Pump", "d": "soon"})
    assert result.document["name"] == "Pump"
    assert result.document["commissioned_on"] is None
    assert [(error.field, error.path, error.code, error.sample) for error in result.errors] == [
        ("commissioned_on", "d", "invalid_value", "soon"),
        ("health_score", "abs(n)", "expression_failed", "None"),
        ("custom_fields.size", "n", "invalid_value", "Pump"),
    ]


def test_samples_and_reasons_are_short() -> None:
    result = mapped("asset", {"fields": {"taxonomy_level": "n"}}, {"n": "x" * 100_000})
    assert len(result.errors[0].sample) == 100
    assert len(result.errors[0].reason) <= 100


def test_the_hash_tells_content_from_circumstance() -> None:
    body = {"fields": {"name": "n"}}
    raw = {"n": "Pump"}
    first = mapped("asset", body, raw, mapping_version=1)
    mapping = compile_mapping("asset", MappingDefinition.parse(body), MappingContext(mapping_version=2))
    later = mapping.apply("conn_1", "42", raw, datetime(2027, 1, 1, tzinfo=UTC))
    assert later.document["observed_at"] == "2027-01-01T00:00:00Z"
    assert first.content_hash == later.content_hash
    assert mapping.apply("conn_1", "42", {"n": "Pumpe"}, OBSERVED).content_hash != first.content_hash
    assert mapping.apply("conn_1", "43", raw, OBSERVED).content_hash != first.content_hash


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    body = {"fields": {"attributes": "a"}}
    one = mapped("asset", body, {"a": {"x": 1, "y": 2}})
    other = mapped("asset", body, {"a": {"y": 2, "x": 1}})
    assert one.content_hash == other.content_hash
    shuffled = dict(reversed(one.document.items()))
    assert content_hash({**shuffled, "revision": 9}) == one.content_hash


def test_the_event_is_encoded_without_encoding_the_content_again() -> None:
    result = mapped("asset", {"fields": {"name": "n"}}, {"n": "Pümp"}, mapping_version=2)
    assert orjson.loads(result.encode(5)) == {**result.document, "revision": 5}


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "\\u0000 written out"])
def test_texts_that_postgres_cannot_hold_never_lose_the_record(text: str) -> None:
    result = mapped("asset", {"fields": {"name": "n"}}, {"n": text})
    assert "\\u0000" not in result.content.decode() or text.startswith("\\")
    assert "\0" not in result.document["name"]
    json.dumps(result.document).encode()


def test_naive_times_are_those_of_the_connection() -> None:
    body = {"fields": {"created_at": "c", "warranty_until": "w"}, "timezone": "Europe/Berlin"}
    record = {"c": "/Date(1782907200000)/", "w": "2026-07-01T23:30:00Z"}
    document = mapped("asset", body, record).document
    assert (document["created_at"], document["warranty_until"]) == ("2026-07-01T10:00:00Z", "2026-07-02")
    assert (
        mapped("asset", body | {"timezone": "UTC"}, record).document["created_at"] == "2026-07-01T12:00:00Z"
    )


def test_a_date_of_noughts_is_none_and_no_error() -> None:
    body = {
        "fields": {"created_at": "c", "warranty_until": "w"},
        "custom_fields": {"due": {"path": "d", "type": "date"}},
    }
    result = mapped("asset", body, {"c": "0000-00-00 00:00:00", "w": "0000-00-00", "d": "00000000"})
    assert result.errors == []
    assert [result.document[name] for name in ("created_at", "warranty_until")] == [None, None]
    assert result.document["custom_fields"] == {"due": None}


def test_custom_objects_are_entities_of_their_own() -> None:
    body = {"fields": {"number": "no"}, "custom_fields": {"value": {"path": "v", "type": "decimal"}}}
    document = mapped("custom:gauge_log", body, {"no": 5, "v": "1.50"}).document
    assert (document["entity"], document["object"]) == ("custom", "gauge_log")
    assert document["id"] == entity_id("conn_1", "custom:gauge_log", "42")
    assert document["custom_fields"] == {"value": "1.50"}
    assert document["display"] == "5"


def test_one_compiled_mapping_serves_many_versions() -> None:
    first = compile_mapping("asset", MappingDefinition.parse({"fields": {"name": "n"}}))
    second = first.for_version(5)
    results = [mapping.apply("c", "1", {"n": "Pump"}, OBSERVED) for mapping in (first, second)]
    assert [result.document["mapping_version"] for result in results] == [0, 5]
    assert results[0].content_hash == results[1].content_hash


HOSTILE = '\'] = 1; raise SystemExit  # {0}\n"""\\'


def test_no_text_of_a_definition_becomes_code() -> None:
    quoted = "'" + HOSTILE.replace("'", "''") + "'"
    body = {
        "fields": {
            "name": {"path": quoted, "default": HOSTILE},
            "status": {"path": quoted, "value_map": HOSTILE, "label_path": quoted},
            "location": {"path": quoted, "label_path": quoted},
            "acquisition_cost": {"path": "cost", "currency": HOSTILE},
        },
        "value_maps": {HOSTILE: {HOSTILE: "in_service"}},
    }
    document = mapped("asset", body, {HOSTILE: HOSTILE, "cost": 1}).document
    assert document["name"] == document["location"]["source_id"] == HOSTILE
    assert document["status"] == "in_service"
    assert document["acquisition_cost"] == {"amount": "1", "currency": HOSTILE}


def test_a_definition_that_does_not_fit_is_not_compiled() -> None:
    with pytest.raises(MappingDefinitionError, match=r"fields\.nmae: .*did you mean name") as caught:
        compile_mapping("asset", MappingDefinition.parse({"fields": {"nmae": "x", "tagg": "y"}}))
    assert len(caught.value.issues) == 2


def _spec_for(kind: Kind, inner: Any) -> Any:
    if kind is Kind.OBJECT or (inner is not None and inner.kind is Kind.OBJECT):
        return {"path": "v", "items": dict.fromkeys(list(inner.fields)[:3], "v")}
    return {
        "path": "v",
        **(
            {"entity": "asset"}
            if inner is not None and inner.kind is Kind.REFERENCE and inner.entity is None
            else {}
        ),
    }


RAW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["v", "__class__", "decimal", "amount"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@cache
def _everything(entity: str) -> CompiledMapping:
    fields = {
        name: _spec_for(field.kind.kind, field.kind.item)
        for name, field in fields_of(entity).items()
        if field.mappable
    }
    return compile_mapping(entity, MappingDefinition.parse({"fields": fields}))


@settings(deadline=None)  # the first example of each entity compiles its mapping
@given(entity=st.sampled_from(sorted(ENTITIES)), value=RAW)
def test_no_record_is_ever_lost_and_every_document_fits_its_model(entity: str, value: Any) -> None:
    result = _everything(entity).apply("conn_1", "42", {"v": value}, OBSERVED)
    assert orjson.loads(result.content)
    assert content_hash(result.document) == result.content_hash
    model_of(entity).model_validate({**result.document, "revision": 1})


def test_many_costly_expressions_cannot_hold_a_record_up() -> None:
    costly = {"expr": "length(a[].d[])", "type": "integer"}
    in_lines = {"expr": "a", "items": {"quantity": {"expr": "length(d) || 'none'"}, "description": "c"}}
    definition = MappingDefinition.parse(
        {"fields": {"lines": in_lines}, "custom_fields": {f"f{number}": costly for number in range(300)}}
    )
    mapping = compile_mapping("purchase_order", definition)
    many: dict[str, Any] = {"id": 1, "a": [{"c": "x", "d": [1, 2]} for _ in range(2_000)]}
    for _ in range(2):
        mapped = mapping.apply("c", "1", many, "")
        filled = [value for value in mapped.document["custom_fields"].values() if value is not None]
        assert set(filled) == {4_000}
        assert 0 < len(filled) < 50
        assert {error.reason for error in mapped.errors} == {
            "the expressions of this record take too much together"
        }
    few = mapping.apply("c", "1", many | {"a": many["a"][:3]}, "")
    assert few.errors == []
    assert set(few.document["custom_fields"].values()) == {6}
