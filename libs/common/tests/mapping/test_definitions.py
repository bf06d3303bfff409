from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping import (
    MappingDefinition,
    MappingDefinitionError,
    MappingOverlay,
    check,
    field_sources,
    overlay,
    source_paths,
)
from lineshaft.common.mapping.definition import MAX_FIELDS


def issues_of(entity: str, body: dict[str, Any]) -> dict[str, str]:
    return {issue.field: issue.message for issue in check(entity, MappingDefinition.parse(body))}


def test_a_string_is_short_for_a_path() -> None:
    definition = MappingDefinition.parse({"fields": {"name": "rec_name"}, "custom_fields": {"sap": "x_sap"}})
    assert definition.fields["name"].path == "rec_name"
    assert definition.custom_fields["sap"].type == "string"
    assert definition.dump() == {
        "fields": {"name": {"path": "rec_name"}},
        "custom_fields": {"sap": {"path": "x_sap"}},
    }


def test_the_body_of_the_design_is_valid() -> None:
    body = {
        "fields": {
            "name": {"path": "rec_name"},
            "status": {"path": "state", "value_map": "asset_status"},
            "criticality": {"expr": "x_abc || 'low'"},
        },
        "custom_fields": {"sap_class": {"path": "x_class", "type": "string", "label": "Class"}},
        "value_maps": {"asset_status": {"30": "in_service"}},
        "comment": "first",
    }
    assert issues_of("asset", body) == {}
    assert MappingDefinition.parse(body).dump() == body


def test_codes_that_yaml_reads_as_numbers_or_booleans_are_texts() -> None:
    definition = MappingDefinition.parse({"value_maps": {"m": {30: "a", True: "b", False: "c", 1.5: "d"}}})
    assert definition.value_maps["m"] == {"30": "a", "true": "b", "false": "c", "1.5": "d"}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"fields": {"nmae": "x"}}, "fields.nmae", "did you mean name"),
        ({"fields": {"id": "x"}}, "fields.id", "filled by Lineshaft"),
        ({"fields": {"status_source": "x"}}, "fields.status_source", "map that one"),
        ({"fields": {"name": {}}}, "fields.name", "exactly one of path, const and expr, not none"),
        ({"fields": {"name": {"path": "a", "expr": "b"}}}, "fields.name", "not path and expr"),
        ({"fields": {"name": "a..b"}}, "fields.name.path", "position 2"),
        ({"fields": {"name": {"expr": "a b"}}}, "fields.name.expr", "position 2"),
        ({"fields": {"name": {"expr": "nope(a)"}}}, "fields.name.expr", "no function 'nope'"),
        (
            {"fields": {"name": {"path": "a", "transform": ["trimm"]}}},
            "fields.name.transform",
            "did you mean trim",
        ),
        (
            {"fields": {"status": {"path": "a", "value_map": "m"}}},
            "fields.status.value_map",
            "add it under value_maps",
        ),
        (
            {"fields": {"status": {"path": "a", "value_map": "m"}}, "value_maps": {"m": {"1": "in_servise"}}},
            "value_maps.m.1",
            "did you mean in_service",
        ),
        (
            {
                "fields": {"taxonomy_level": {"path": "a", "value_map": "m"}},
                "value_maps": {"m": {"1": "six"}},
            },
            "value_maps.m.1",
            "is no integer of fields.taxonomy_level",
        ),
        ({"fields": {"status": {"const": "broken"}}}, "fields.status.const", "is none of the values"),
        (
            {"fields": {"taxonomy_level": {"path": "a", "default": "x"}}},
            "fields.taxonomy_level.default",
            "is no integer",
        ),
        (
            {"fields": {"installed_on": {"path": "a", "default": "soon"}}},
            "fields.installed_on.default",
            "is no date",
        ),
        ({"fields": {"installed_on": {"const": "soon"}}}, "fields.installed_on.const", "is no date"),
        (
            {"fields": {"location": {"path": "a", "default": {"source_id": "7"}}}},
            "fields.location.default",
            "is no reference to location",
        ),
        (
            {"fields": {"acquisition_cost": {"path": "a", "default": {"currency": "EUR"}}}},
            "fields.acquisition_cost.default",
            "is no money",
        ),
        ({"fields": {"name": {"path": "a", "label_path": "b"}}}, "fields.name", "label_path is for"),
        ({"fields": {"name": {"path": "a", "currency": "EUR"}}}, "fields.name", "currency is for money"),
        (
            {"fields": {"location": {"path": "a", "entity": "site"}}},
            "fields.location.entity",
            "always points to location",
        ),
        (
            {"fields": {"location": {"path": "a", "value_map": "m"}}, "value_maps": {"m": {}}},
            "fields.location",
            "single",
        ),
        ({"custom_fields": {"2x": "a"}}, "custom_fields.2x", "starts with a letter"),
        ({"custom_fields": {"x": {"path": "a", "items": {}}}}, "custom_fields.x", "items is for object"),
        (
            {"value_maps": {"m": dict.fromkeys(map(str, range(2001)), "x")}},
            "value_maps.m",
            "2000 are allowed",
        ),
    ],
)
def test_an_issue_names_the_field_and_how_to_mend_it(body: dict[str, Any], field: str, message: str) -> None:
    issues = issues_of("asset", body)
    assert message in issues[field]


def test_lists_of_objects_are_checked_inside() -> None:
    assert "needs items" in issues_of("purchase_order", {"fields": {"lines": "lines"}})["fields.lines"]
    lines = {"path": "lines", "items": {"quantity": "q"}, "default": []}
    assert "not for lists" in issues_of("purchase_order", {"fields": {"lines": lines}})["fields.lines"]
    body = {"fields": {"lines": {"path": "lines", "items": {"qty": "q"}}}}
    assert "did you mean quantity" in issues_of("purchase_order", body)["fields.lines.items.qty"]


def test_a_reference_to_anything_names_its_target() -> None:
    assert "needs entity" in issues_of("document", {"fields": {"attached_to": "a"}})["fields.attached_to"]
    body = {"fields": {"attached_to": {"path": "a", "entity": "aset"}}}
    assert "did you mean asset" in issues_of("document", body)["fields.attached_to.entity"]


def test_an_unknown_entity_has_near_names() -> None:
    assert "did you mean asset" in issues_of("aset", {})["entity"]
    assert issues_of("custom:gauge_log", {"fields": {"number": "no"}, "custom_fields": {"value": "v"}}) == {}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"fields": {"name": {"pth": "x"}}}, "fields.name.pth", "a field takes path"),
        ({"fields": {"name": 5}}, "fields.name", "valid dictionary"),
        ({"fieldz": {}}, "fieldz", "not known here"),
        (
            {"custom_fields": {"x": {"path": "a", "type": "colour"}}},
            "custom_fields.x.type",
            "'string', 'text'",
        ),
        ([], "definition", "valid dictionary"),
    ],
)
def test_a_malformed_body_is_refused_with_the_place(body: object, field: str, message: str) -> None:
    with pytest.raises(MappingDefinitionError) as caught:
        MappingDefinition.parse(body)
    assert {issue.field: issue for issue in caught.value.issues}[field].message.find(message) >= 0


DEFAULT = MappingDefinition.parse(
    {
        "fields": {"name": "rec_name", "tag": "code"},
        "custom_fields": {"a": "x_a"},
        "value_maps": {"m": {"1": "in_service", "2": "standby"}, "n": {"1": "low"}},
    }
)


def test_an_overlay_replaces_field_by_field_and_code_by_code() -> None:
    changes = MappingOverlay.parse(
        {
            "fields": {"name": {"path": "name"}, "tag": None, "model": "model"},
            "custom_fields": {"a": None, "b": "x_b"},
            "value_maps": {"m": {"2": "in_repair", "1": None, "3": "standby"}, "n": None, "o": {"x": "low"}},
            "comment": "better",
        }
    )
    assert overlay(DEFAULT, changes).dump() == {
        "fields": {"name": {"path": "name"}, "model": {"path": "model"}},
        "custom_fields": {"b": {"path": "x_b"}},
        "value_maps": {"m": {"2": "in_repair", "3": "standby"}, "o": {"x": "low"}},
        "comment": "better",
    }


NAMES = st.sampled_from(["name", "tag", "model", "description"])
SPECS = st.sampled_from([{"path": "a"}, {"const": 1}, {"expr": "b"}])


@given(st.dictionaries(NAMES, SPECS), st.dictionaries(NAMES, SPECS | st.none()))
def test_laying_over_twice_changes_nothing_more(below: dict[str, Any], above: dict[str, Any]) -> None:
    changes = MappingOverlay.parse({"fields": above})
    once = overlay(MappingDefinition.parse({"fields": below}), changes)
    assert overlay(once, changes) == once
    assert set(once.fields) == {name for name, spec in {**below, **above}.items() if spec is not None}


def test_the_zone_of_the_changes_stands_above_the_default_and_a_wrong_one_is_named() -> None:
    default = MappingDefinition.parse({"timezone": "Europe/Berlin"})
    assert overlay(default, MappingOverlay.parse({})).timezone == "Europe/Berlin"
    assert overlay(default, MappingOverlay.parse({"timezone": "Asia/Tokyo"})).timezone == "Asia/Tokyo"
    assert "timezone" not in overlay(MappingDefinition(), MappingOverlay()).dump()
    with pytest.raises(MappingDefinitionError) as failure:
        MappingOverlay.parse({"timezone": "Mars/Olympus"})
    (issue,) = failure.value.issues
    assert issue.field == "timezone"
    assert "no IANA time zone" in issue.message


def test_the_sources_of_each_field_are_known() -> None:
    definition = MappingDefinition.parse(
        {
            "fields": {
                "vendor": {"path": "party", "label_path": "party.rec_name"},
                "total": {"path": "total_amount", "currency_path": "currency.code"},
                "lines": {
                    "expr": "lines[?type == 'line']",
                    "items": {"item": "product", "uom": "unit.symbol"},
                },
                "receipts": {"path": "moves", "items": {"quantity": "quantity"}},
                "memo": {"const": "x"},
            },
            "custom_fields": {"abc": {"expr": "x_abc || y"}},
        }
    )
    assert field_sources(definition) == {
        "vendor": (("party",), ("party", "rec_name")),
        "total": (("total_amount",), ("currency", "code")),
        "lines": (("lines", "type"), ("lines", "product"), ("lines", "unit", "symbol")),
        "receipts": (("moves", "quantity"),),
        "memo": (),
        "custom_fields.abc": (("x_abc",), ("y",)),
    }
    assert len(source_paths(definition)) == 10


@pytest.mark.parametrize("number", [float("nan"), float("inf"), [-float("inf")]])
def test_what_json_has_no_number_for_is_refused(number: Any) -> None:
    for body in ({"fields": {"name": {"const": number}}}, {"value_maps": {"m": {"1": number}}}):
        with pytest.raises(MappingDefinitionError, match="finite"):
            MappingDefinition.parse(body)


def test_a_definition_that_grows_too_large_by_its_changes_is_refused() -> None:
    default = MappingDefinition.parse({"custom_fields": {"one": "x"}})
    changes = MappingOverlay.parse({"custom_fields": {f"f{number}": "x" for number in range(MAX_FIELDS)}})
    with pytest.raises(MappingDefinitionError, match=f"custom_fields: .* at most {MAX_FIELDS}"):
        overlay(default, changes)
