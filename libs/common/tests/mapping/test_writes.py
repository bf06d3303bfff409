from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping import (
    MappingDefinition,
    NotWritableError,
    WriteContext,
    compile_mapping,
    source_kinds,
    to_source,
    writability,
)

ASSET = MappingDefinition.parse(
    {
        "fields": {
            "name": "name",
            "serial_number": {"path": "sn", "transform": ["strip_leading_zeros"]},
            "model": "product.name",
            "tag": {"const": "x"},
            "asset_class": {"expr": "a || b"},
            "status": {"path": "state", "value_map": "status"},
            "criticality": {"path": "abc", "value_map": "abc"},
            "location": {"path": "loc", "label_path": "loc.rec_name"},
            "parent": "parent_code",
            "site": {"expr": "source_key(org, plant)"},
            "commissioned_on": "in_service",
            "created_at": {"path": "created", "transform": ["epoch_milliseconds"]},
            "acquisition_cost": {"path": "cost", "currency_path": "cost_currency"},
            "replacement_cost": {"path": "new_cost", "currency": "EUR"},
            "health_score": {"path": "health", "transform": ["percent_to_fraction"]},
            "attributes": "attrs",
        },
        "custom_fields": {
            "sap_class": {"path": "x_class"},
            "critical": {"path": "x_crit", "type": "boolean"},
        },
        "value_maps": {
            "status": {"30": "in_service", "40": "standby", "41": "standby"},
            "abc": {"true": "high", "1": "high", "false": "low", "0": "low", "*": "medium"},
        },
    }
)
CONTEXT = WriteContext(key_types={"location": "integer"})


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({"name": "Pump"}, {"name": "Pump"}),
        ({"name": None}, {"name": None}),
        ({"status": "in_service"}, {"state": "30"}),
        ({"status_source": {"code": "41"}}, {"state": "41"}),
        ({"criticality": "high"}, {"abc": True}),
        ({"criticality": "low"}, {"abc": False}),
        ({"location": {"source_id": "8"}}, {"loc": 8}),
        ({"location": "8"}, {"loc": 8}),
        ({"parent": {"source_id": "007"}}, {"parent_code": "007"}),
        ({"site": {"source_id": "EAGLE/A%2F1"}}, {"org": "EAGLE", "plant": "A/1"}),
        ({"site": None}, {"plant": None}),
        ({"commissioned_on": "2026-03-01"}, {"in_service": "2026-03-01"}),
        ({"created_at": "2026-03-01T00:00:00Z"}, {"created": 1772323200000}),
        (
            {"acquisition_cost": {"amount": "1.50", "currency": "EUR"}},
            {"cost": "1.50", "cost_currency": "EUR"},
        ),
        ({"replacement_cost": {"amount": 2, "currency": "EUR"}}, {"new_cost": "2"}),
        ({"replacement_cost": "2"}, {"new_cost": "2"}),
        ({"health_score": "0.75"}, {"health": "75.00"}),
        ({"attributes": {"power": [1]}}, {"attrs": {"power": [1]}}),
        ({"custom_fields": {"sap_class": "P1", "critical": "yes"}}, {"x_class": "P1", "x_crit": True}),
    ],
)
def test_a_write_becomes_fields_of_the_source(values: dict[str, Any], source: dict[str, Any]) -> None:
    assert to_source("asset", ASSET, values, CONTEXT) == source


@pytest.mark.parametrize(
    ("values", "field", "code", "message"),
    [
        ({"nmae": "x"}, "nmae", "unknown_field", "did you mean name"),
        ({"id": "x"}, "id", "not_writable", "filled by Lineshaft"),
        ({"manufacturer": "x"}, "manufacturer", "not_mapped", "map it to a field of the source first"),
        ({"model": "x"}, "model", "not_writable", "inside another record (product.name)"),
        ({"tag": "x"}, "tag", "not_writable", "comes from a constant"),
        ({"asset_class": "x"}, "asset_class", "not_writable", "comes from an expression"),
        (
            {"serial_number": "x"},
            "serial_number",
            "not_writable",
            "strip_leading_zeros, which has no way back",
        ),
        ({"status": "broken"}, "status", "invalid_value", "is none of in_service"),
        ({"status": "standby"}, "status", "invalid_value", "40, 41 all mean 'standby'; send status_source"),
        ({"status": "in_repair"}, "status", "invalid_value", "no code of the source means 'in_repair'"),
        ({"criticality": "medium"}, "criticality", "invalid_value", "no code of the source"),
        ({"location": {"id": "abc"}}, "location", "invalid_value", "give the source_id"),
        ({"location": "x"}, "location", "invalid_value", "'x' is not a number"),
        ({"location": {"source_id": 8.7}}, "location", "invalid_value", "'8.7' is not a whole number"),
        ({"location": True}, "location", "invalid_value", "not a number"),
        ({"status_source": {"label": "On"}}, "status_source", "invalid_value", "give the code"),
        ({"status_source": {"code": ["40"]}}, "status_source", "invalid_value", "a list, not a text"),
        (
            {"status": "in_service", "status_source": "41"},
            "status_source",
            "invalid_value",
            "goes to state of the source, to which status has another value",
        ),
        (
            {"acquisition_cost": {"amount": 1, "currency": 5}},
            "acquisition_cost",
            "invalid_value",
            "is a text",
        ),
        ({"commissioned_on": "soon"}, "commissioned_on", "invalid_value", "ISO 8601"),
        (
            {"replacement_cost": {"amount": "1", "currency": "USD"}},
            "replacement_cost",
            "invalid_value",
            "always EUR",
        ),
        ({"acquisition_cost": {"currency": "USD"}}, "acquisition_cost", "invalid_value", "give the amount"),
        ({"custom_fields": ["sap_class"]}, "custom_fields", "invalid_value", "an object of custom fields"),
        (
            {"custom_fields": {"sap_clas": 1}},
            "custom_fields.sap_clas",
            "unknown_field",
            "did you mean sap_class",
        ),
    ],
)
def test_what_has_no_way_back_names_the_field(
    values: dict[str, Any], field: str, code: str, message: str
) -> None:
    with pytest.raises(NotWritableError) as caught:
        to_source("asset", ASSET, {"name": "kept out", **values}, CONTEXT)
    (issue,) = caught.value.issues
    assert (issue.field, issue.code) == (field, code)
    assert message in issue.message


def test_all_issues_are_told_at_once() -> None:
    with pytest.raises(NotWritableError) as caught:
        to_source("asset", ASSET, {"tag": 1, "nmae": 2, "status": "x"})
    assert [issue.field for issue in caught.value.issues] == ["tag", "nmae", "status"]


LINES = MappingDefinition.parse(
    {
        "fields": {
            "lines": {
                "expr": "l[?type == 'line']",
                "items": {"source_id": "id", "quantity": "q", "uom": "unit.symbol", "item": "product"},
            }
        }
    }
)
WITH_UNITS = WriteContext({"item": "integer"}, found_by=frozenset({"l.unit.symbol"}))


def test_objects_of_a_list_are_written() -> None:
    lines = [
        {"quantity": "2.50", "uom": "h", "item": {"source_id": "7"}},
        {"source_id": "5", "quantity": "1"},
    ]
    assert writability("purchase_order", LINES) == {"lines": None}
    assert to_source("purchase_order", LINES, {"lines": lines}, WITH_UNITS) == {
        "l": [{"q": "2.50", "unit.symbol": "h", "product": 7}, {"id": "5", "q": "1"}]
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"quantty": 1}], "item 0 has the unknown field quantty; did you mean quantity"),
        ([{"quantity": "many"}], "many"),
        (["x"], "item 0 is no object"),
        ({"quantity": 1}, "give a list"),
        ([{"uom": "h"}], "inside another record"),
    ],
)
def test_a_list_that_does_not_fit_is_told(lines: Any, message: str) -> None:
    with pytest.raises(NotWritableError) as caught:
        to_source("purchase_order", LINES, {"lines": lines})
    (issue,) = caught.value.issues
    assert issue.field == "lines"
    assert message in issue.message


def test_what_can_be_written_is_known_beforehand() -> None:
    reasons = writability("asset", ASSET, WriteContext(read_only=frozenset({"sn", "name"})))
    assert reasons["name"] == "comes from name, which the source does not let anyone write"
    assert reasons["location"] is None
    assert reasons["custom_fields.sap_class"] is None
    assert {str(kind) for kind in source_kinds("asset", ASSET).values()} >= {"date", "timestamp", "money"}
    assert str(source_kinds("asset", ASSET)["loc"]) == "reference to location"


@given(
    st.fixed_dictionaries(
        {
            "name": st.text(
                min_size=1, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")
            ),
            "commissioned_on": st.dates().map(str),
            "status": st.just("in_service"),
            "criticality": st.sampled_from(["high", "low"]),
        }
    )
)
def test_what_was_written_reads_back_the_same(values: dict[str, Any]) -> None:
    raw = to_source("asset", ASSET, values)
    document = compile_mapping("asset", ASSET).apply("c", "1", raw, "").document
    assert {name: document[name] for name in values} == values


@pytest.mark.parametrize(
    ("kind", "codes", "value", "code"),
    [
        ("integer", {"A": "5", "B": 6}, 5, "A"),
        ("decimal", {"A": 1.5, "B": "2.5"}, "1.5", "A"),
        ("boolean", {"J": "yes", "N": False}, True, "J"),
        ("string", {"A": 5}, "5", "A"),
    ],
)
def test_a_value_map_is_read_backwards_for_what_its_values_are(
    kind: str, codes: dict[str, Any], value: Any, code: str
) -> None:
    mapping = MappingDefinition.parse(
        {"custom_fields": {"x": {"path": "x", "type": kind, "value_map": "m"}}, "value_maps": {"m": codes}}
    )
    mapped = compile_mapping("asset", mapping).apply("c", "1", {"x": code}, "").document
    assert mapped["custom_fields"] == {"x": value}
    assert to_source("asset", mapping, {"custom_fields": {"x": value}}) == {"x": code}


@pytest.mark.parametrize("read", ["2026-07-01T08:00:00", "2026-01-31T23:30:00"])
def test_a_moment_goes_back_with_the_clock_that_it_was_read_by(read: str) -> None:
    mapping = MappingDefinition.parse({"fields": {"created_at": "at"}, "timezone": "Europe/Berlin"})
    moment = compile_mapping("asset", mapping).apply("c", "1", {"at": read}, "").document["created_at"]
    written = to_source("asset", mapping, {"created_at": moment})["at"]
    assert written[:19] == read
    assert (
        compile_mapping("asset", mapping).apply("c", "1", {"at": written}, "").document["created_at"]
        == moment
    )
    assert to_source("asset", mapping, {"created_at": None}) == {"at": None}
