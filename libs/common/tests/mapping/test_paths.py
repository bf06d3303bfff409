from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping.paths import PathError, compile_path, parse_path

RECORD: dict[str, Any] = {
    "state": "draft",
    "party": 5,
    "party.": {"id": 5, "rec_name": "ACME", "lang.": {"code": "de"}},
    "site": {"name": "Bedford", "tags": [{"name": "a"}, {"name": "b"}, {}]},
    "lines": [1, 2],
    "lines.": [{"price": 3}, {"price": 4}],
    "a.b": {"c": 1},
    "it's": 2,
    "empty.": None,
    "0": "zero",
}


def at(path: str, *, related: bool = False) -> Any:
    return compile_path(parse_path(path), related=related)(RECORD)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("state", "draft"),
        ("party", 5),
        ("party.rec_name", "ACME"),
        ("party.lang.code", "de"),
        ("'party.'.rec_name", "ACME"),
        ("site.name", "Bedford"),
        ("site.tags.0.name", "a"),
        ("site.tags.name", ["a", "b", None]),
        ("lines", [1, 2]),
        ("lines.price", [3, 4]),
        ("lines.1.price", 4),
        ("lines.7.price", None),
        ("'a.b'.c", 1),
        ("'it''s'", 2),
        ("0", "zero"),
        ("empty.rec_name", None),
        ("missing", None),
        ("missing.deeper.still", None),
        ("state.deeper", None),
        ("'party'.rec_name", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert at(path) == value


def test_objects_are_preferred_to_keys_where_objects_are_wanted() -> None:
    assert at("lines", related=True) == [{"price": 3}, {"price": 4}]
    assert at("state", related=True) == "draft"
    assert at("site.tags", related=True) == RECORD["site"]["tags"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "expected a name at position 0"),
        ("a..b", "expected a name at position 2"),
        ("a.", "expected a name at position 2"),
        (".a", "expected a name at position 0"),
        ("'a", "expected a name at position 0"),
        ("'a'b", "expected a dot at position 3"),
        ("a" * 600, "longer than"),
        (".".join("a" * 30), "more than 20 names"),
    ],
)
def test_a_path_that_cannot_be_read_says_where(path: str, message: str) -> None:
    with pytest.raises(PathError, match=message):
        parse_path(path)


def test_names_leave_out_positions_and_the_dot_of_related_records() -> None:
    assert parse_path("lines.0.'party.'.name").names == ("lines", "party", "name")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=15,
)


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.booleans())
def test_no_path_fails_on_any_record(text: str, record: dict[str, Any], related: bool) -> None:  # noqa: FBT001  hypothesis gives it
    try:
        path = parse_path(text)
    except PathError:
        return
    compile_path(path, related=related)(record)


@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4))
def test_quoted_names_reach_any_key(names: list[str]) -> None:
    record: Any = "found"
    for name in reversed(names):
        record = {name: record}
    text = ".".join("'" + name.replace("'", "''") + "'" for name in names)
    assert compile_path(parse_path(text))(record) == "found"
