from typing import Any

import pytest
from starlette.datastructures import FormData

from lineshaft.api.console.mapping_draft import Draft, suggested_custom, unmapped_codes

DEFAULT = {
    "fields": {
        "name": {"path": "rec_name"},
        "status": {"path": "active", "value_map": "item_status"},
        "unit_cost": {"path": "cost", "currency": "EUR"},
    },
    "value_maps": {"item_status": {"true": "active", "false": "archived"}},
}


def form_of(effective: dict[str, Any], **typed: str | list[str]) -> FormData:
    """What a browser would send of the untouched form, with `typed` instead of some of its controls."""
    draft = Draft.of("item", effective)
    sent: dict[str, list[str]] = {}
    for one in [*draft.fields.values(), *draft.custom_fields]:
        values = {name: getattr(one, name) for name in ("source", "path", "const", "expr", "json")}
        values |= {"value_map": one.value_map, "default": one.default, **one.texts}
        if one.key.startswith("c."):
            values |= {"name": one.name, "type": one.type, "label": one.label}
        sent |= {f"{one.key}.{name}": [value] for name, value in values.items()}
        sent[f"{one.key}.transform"] = [*one.transform, ""]
    for at, (name, codes) in enumerate(draft.value_maps.items()):
        sent |= {f"m.{at}.map": [name], f"m.{at}.code": [*codes, ""], f"m.{at}.value": [*codes.values(), ""]}
    sent |= {
        name.replace("__", "."): value if isinstance(value, list) else [value]
        for name, value in typed.items()
    }
    return FormData([(name, value) for name, values in sent.items() for value in values])


def changes(effective: dict[str, Any] = DEFAULT, **typed: str | list[str]) -> dict[str, Any]:
    body, errors = Draft.typed("item", form_of(effective, **typed)).changes("item", DEFAULT, "")
    assert errors == {}
    return body


def test_an_untouched_form_changes_nothing() -> None:
    assert changes() == {}


@pytest.mark.parametrize(
    ("typed", "spec"),
    [
        ({"f__name__path": "code"}, {"path": "code"}),
        ({"f__name__transform": ["trim", "upper", ""]}, {"path": "rec_name", "transform": ["trim", "upper"]}),
        ({"f__name__source": "const", "f__name__const": "42"}, {"const": "42"}),
        ({"f__name__source": "expr", "f__name__expr": "a || b"}, {"expr": "a || b"}),
        ({"f__name__default": "none"}, {"path": "rec_name", "default": "none"}),
        ({"f__name__source": "none"}, None),
        ({"f__name__source": "json", "f__name__json": '{"path": "x"}'}, {"path": "x"}),
    ],
)
def test_a_control_becomes_a_part_of_the_field(typed: dict[str, Any], spec: dict[str, Any] | None) -> None:
    assert changes(**typed) == {"fields": {"name": spec}}


def test_values_that_are_no_text_are_read_as_what_they_are() -> None:
    typed = {"f__lead_time_days__source": "const", "f__lead_time_days__const": "14"}
    assert changes(**typed) == {"fields": {"lead_time_days": {"const": 14}}}


def test_only_changed_codes_are_kept_and_an_empty_value_takes_one_away() -> None:
    typed = {"m__0__code": ["true", "false", "2"], "m__0__value": ["active", "", "obsolete"]}
    assert changes(**typed) == {"value_maps": {"item_status": {"2": "obsolete", "false": None}}}


def test_custom_fields_are_added_kept_and_removed() -> None:
    effective = {**DEFAULT, "custom_fields": {"shelf": {"type": "string", "path": "x_shelf"}}}
    added = {"c__1__name": "rank", "c__1__source": "path", "c__1__path": "x_abc", "c__1__type": "string"}
    assert changes(effective, **added)["custom_fields"] == {
        "shelf": {"type": "string", "path": "x_shelf"},
        "rank": {"type": "string", "path": "x_abc"},
    }
    assert changes(effective, c__0__source="none") == {}


def test_what_is_no_json_and_a_name_that_stands_twice_are_named() -> None:
    form = form_of(
        {**DEFAULT, "custom_fields": {"a": {"path": "x"}, "b": {"path": "y"}}},
        f__name__source="json",
        f__name__json="{",
        c__1__name="a",
    )
    _, errors = Draft.typed("item", form).changes("item", DEFAULT, "")
    assert set(errors) == {"fields.name", "custom_fields.a"}


def test_a_source_field_suggests_its_custom_field() -> None:
    one = suggested_custom("Custom.Färbe-Code", "Colour", "varchar", ["custom_f_rbe_code"], 3)
    assert (one.key, one.name, one.type) == ("c.3", "custom_f_rbe_code_2", "string")
    assert suggested_custom("42", "", "integer", [], 0).name == "f_42"


def test_codes_without_a_line_are_offered_once() -> None:
    offered = {"B": "seen", "A": "seen", "C": "Closed"}
    assert unmapped_codes({"A": "high"}, offered) == {"B": "seen", "C": "Closed"}
    assert unmapped_codes({"*": "low"}, offered) == {}


def test_a_map_of_very_many_codes_keeps_them_all() -> None:
    codes = {f"{number:04}": "active" for number in range(2_000)}
    effective = DEFAULT | {"value_maps": {"item_status": codes}}
    assert Draft.typed("item", form_of(effective)).value_maps["item_status"] == codes
